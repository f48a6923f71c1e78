"""The main job on a real Kafka: what comes in, what is in SciCat afterwards, and what is answered."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from tests.integration.harness import (
    Process,
    assert_each_is_there_once,
    at_least,
    committed_offsets,
    event,
    make_site,
    many,
    read_outcomes,
    running,
    send,
    source_of,
    sources_of,
)

from scicat_ingest.consume.connection import connection_arguments
from scicat_ingest.consume.topics import prepare_topics
from scicat_ingest.testing.sample_events import sample_events
from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.harness import Site

    from scicat_ingest.testing.kafka import Broker, EmbeddedKafka

pytestmark = pytest.mark.anyio


async def test_an_event_becomes_a_dataset_its_block_its_preview_and_an_answer(site: Site) -> None:
    """The thinnest complete way of one record."""
    async with running(site):
        await send(site, [(b"run-1", event())])
        (answer,) = await read_outcomes(site, at_least(1))
    (dataset,) = site.stand_in.store.datasets()
    (block,) = site.stand_in.store.origdatablocks(dataset["pid"])
    (attachment,) = site.stand_in.store.attachments(dataset["pid"])
    assert dataset["ownerGroup"] == block["ownerGroup"] == attachment["ownerGroup"] == "p1001"
    assert [file["path"] for file in block["dataFileList"]] == ["a.nxs", "b.nxs"]
    headers = {name: value.decode() for name, value in answer.headers}
    assert headers["ce_type"] == "scicat.dataset.ingested.v1"
    assert headers["ce_subject"] == answer.key.decode() == dataset["pid"]
    body = json.loads(answer.value)
    assert (body["verdict"], body["files"], body["bytes"]) == ("created", 2, 7)
    assert body["origdatablocks"] == {"created": 1, "found": 0, "ids": [block["_id"]]}
    assert await committed_offsets(site) == {answer_partition(body): 1}


def answer_partition(body: dict[str, Any]) -> int:
    return int(body["source"]["partition"])


async def test_a_redelivered_event_changes_nothing_and_is_answered(site: Site) -> None:
    """The second record finds the dataset with all its parts."""
    async with running(site):
        await send(site, [(b"run-1", event()), (b"run-1", event())])
        answers = await read_outcomes(site, at_least(2))
    assert [json.loads(answer.value)["verdict"] for answer in answers] == ["created", "already_present"]
    assert len(site.stand_in.store.datasets()) == len(site.stand_in.store.origdatablocks()) == 1


async def test_a_tombstone_and_a_cancelled_run_are_committed_without_an_answer(site: Site) -> None:
    """They are ignored: the record after them is answered, and all offsets are committed."""
    async with running(site):
        await send(site, [(b"k", None), (b"k", event(status="cancelled")), (b"k", event())])
        (answer,) = await read_outcomes(site, at_least(1))
    assert source_of(answer)[1] == 2
    assert list((await committed_offsets(site)).values()) == [3]


async def test_kill_9_in_the_middle_loses_nothing_and_repeats_no_document(site: Site, tmp_path: Path) -> None:
    """1 000 events, the process killed three times: everything is in SciCat once, every record has an outcome."""
    count = 1000
    await prepare_topics(site.settings, create=True)
    sent = await send(site, many(count))
    for answered in (100, 400, 700):
        process = Process(site, tmp_path)
        try:
            await read_outcomes(site, at_least(answered))
        finally:
            process.kill()
        answered_records = set(sources_of(await read_outcomes(site, at_least(answered))))
        for partition, offset in (await committed_offsets(site)).items():
            assert {(partition, earlier) for earlier in range(offset)} <= answered_records
    process = Process(site, tmp_path)
    outcomes = await read_outcomes(site, at_least(count))
    process.terminate()
    assert process.exit_code() == 0, process.said
    assert set(sources_of(outcomes)) == set(sent)
    ids = {(source_of(outcome), dict(outcome.headers)["ce_id"]) for outcome in outcomes}
    assert len(ids) == count, "a record that came again has another outcome id"
    assert_each_is_there_once(site.stand_in, count)
    ends = Counter(partition for partition, _ in sent)
    assert await committed_offsets(site) == dict(ends)
    assert site.stand_in.account("ingestor").password not in process.said


async def test_sigterm_finishes_what_is_started_and_the_next_start_does_the_rest(site: Site, tmp_path: Path) -> None:
    """The service ends with 0, and no record has two outcomes."""
    await prepare_topics(site.settings, create=True)
    await send(site, many(300))
    process = Process(site, tmp_path)
    await read_outcomes(site, at_least(50))
    process.terminate()
    assert process.exit_code() == 0, process.said
    async with running(site):
        outcomes = await read_outcomes(site, at_least(300))
    assert set(sources_of(outcomes).values()) == {1}
    assert_each_is_there_once(site.stand_in, 300)


async def test_a_second_member_takes_over_partitions_without_loss_or_second_copies(site: Site) -> None:
    """A rebalance in the middle of 400 events."""
    await prepare_topics(site.settings, create=True)
    await send(site, many(400))
    async with running(site):
        await read_outcomes(site, at_least(50))
        async with running(site):
            await read_outcomes(site, at_least(200))
        outcomes = await read_outcomes(site, at_least(400))
    assert len(sources_of(outcomes)) == 400
    assert_each_is_there_once(site.stand_in, 400)


async def test_the_same_over_sasl_ssl(
    secure_kafka: EmbeddedKafka, stand_in: StandInThread, topic_names: Callable[[str], str], tmp_path: Path
) -> None:
    """Certificates are checked, the password comes from a file and is never shown."""
    password = tmp_path / "password"
    password.write_text(secure_kafka.password + "\n")
    site = make_site(
        secure_kafka.sasl_bootstrap_servers,
        stand_in,
        topic_names,
        kafka={
            "security_protocol": "SASL_SSL",
            "sasl_username": secure_kafka.username,
            "sasl_password_file": str(password),
            "ca_file": str(secure_kafka.cafile),
        },
    )
    await prepare_topics(site.settings, create=True)
    process = Process(site, tmp_path)
    await send(site, [(event_sample.key, event_sample.value) for event_sample in sample_events(10)])
    outcomes = await read_outcomes(site, at_least(10))
    process.terminate()
    assert process.exit_code() == 0, process.said
    assert len(outcomes) == 10
    assert secure_kafka.password not in process.said


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"sasl_password": "wrong-password"}, "Authentication failed"),
        ({"ca_file": None}, "certificate verify failed"),
        ({"security_protocol": "SASL_PLAINTEXT"}, "kafka_unreachable"),
    ],
)
async def test_a_kafka_that_refuses_us_is_one_clear_error_with_its_cause(
    secure_kafka: EmbeddedKafka,
    stand_in: StandInThread,
    topic_names: Callable[[str], str],
    tmp_path: Path,
    wrong: dict[str, Any],
    cause: str,
) -> None:
    """A wrong password, an untrusted certificate, the wrong protocol: exit 78, not the same words for all."""
    right = {
        "security_protocol": "SASL_SSL",
        "sasl_username": secure_kafka.username,
        "sasl_password": secure_kafka.password,
        "ca_file": str(secure_kafka.cafile),
        "connect_timeout_seconds": 5,
    }
    site = make_site(secure_kafka.sasl_bootstrap_servers, stand_in, topic_names, kafka=right | wrong)
    process = Process(site, tmp_path)
    assert process.exit_code() == 78
    last = process.said.strip().splitlines()[-1]
    assert last.startswith("scicat-ingest: kafka_unreachable: ")
    assert cause in last
    assert "wrong-password" not in process.said
    assert secure_kafka.password not in process.said


async def test_topics_that_the_service_makes_lose_nothing(site: Site) -> None:
    """Input 30 days, ingested 365 days, dead letters for ever; never compacted."""
    async with running(site):
        pass
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415 (only here)
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # noqa: PLC0415

    kafka = site.settings.kafka
    admin = AIOKafkaAdminClient(**connection_arguments(kafka))
    await admin.start()
    try:
        found = {}
        for topic in (site.topic, kafka.ingested_topic, kafka.dead_letter_topic):
            (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            found[topic] = {entry[0]: entry[1] for entry in response.resources[0][4]}
    finally:
        await admin.close()
    days = {topic: int(entries["retention.ms"]) / 86_400_000 for topic, entries in found.items()}
    assert days[site.topic] == 30
    assert days[kafka.ingested_topic] == 365
    assert found[kafka.dead_letter_topic]["retention.ms"] == "-1"
    assert {entries["cleanup.policy"] for entries in found.values()} == {"delete"}


async def consume_to(site: Site, partition: int, offset: int) -> None:
    """Commit an offset for the service's group, as an earlier run would have."""
    kafka = site.settings.kafka
    consumer = AIOKafkaConsumer(**connection_arguments(kafka), group_id=kafka.group_id, enable_auto_commit=False)
    await consumer.start()
    try:
        topic_partition = TopicPartition(site.topic, partition)
        consumer.assign([topic_partition])
        await consumer.commit({topic_partition: offset})
    finally:
        await consumer.stop()


async def delete_before(site: Site, partition: int, offset: int) -> None:
    """Let Kafka forget the first records, as retention does."""
    from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete  # noqa: PLC0415

    admin = AIOKafkaAdminClient(**connection_arguments(site.settings.kafka))
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(site.topic, partition): RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def test_records_that_kafka_has_lost_halt_the_service_until_the_loss_is_accepted(
    site: Site, tmp_path: Path
) -> None:
    """A committed offset that has fallen out of the log is exit 78 with the number of records, never a silent reset."""
    await prepare_topics(site.settings, create=True)
    sent = await send(site, [(b"one lane", value) for _, value in many(8)])
    partition = next(iter(sent))[0]
    await consume_to(site, partition, 2)
    await delete_before(site, partition, 5)
    process = Process(site, tmp_path)
    assert process.exit_code() == 78
    assert "history_lost" in process.said
    assert "3 records from offset 2 on are gone" in process.said
    process = Process(site, tmp_path, "--accept-loss")
    outcomes = await read_outcomes(site, at_least(3))
    process.terminate()
    assert process.exit_code() == 0, process.said
    assert set(sources_of(outcomes)) == {(partition, 5), (partition, 6), (partition, 7)}


@pytest.mark.parametrize(
    ("groups", "code", "words"),
    [
        ({"scicat": {"password": "wrong-password"}}, "credentials_rejected", "refuses the login of 'ingestor'"),
        ({"scicat": {"read_back_group": "admin"}}, "invalid_settings", "none of our groups (ingestor)"),
        (
            {"kafka": {"bootstrap_servers": "127.0.0.1:1", "connect_timeout_seconds": 5}},
            "kafka_unreachable",
            "127.0.0.1:1",
        ),
        ({"scicat": {"url": "http://scicat.invalid"}}, "wrong_endpoint", "scicat.invalid"),
        ({"mapping": {"owner_group": "{proposal.idd}"}}, "invalid_settings", "mapping.owner_group"),
    ],
)
async def test_a_wrong_configuration_ends_with_one_clear_error_and_78(
    site: Site, tmp_path: Path, groups: dict[str, Any], code: str, words: str
) -> None:
    """The message names the setting or the cause, and no secret."""
    await prepare_topics(site.settings, create=True)
    for group, values in groups.items():
        site.document[group] |= values
    process = Process(site, tmp_path)
    assert process.exit_code() == 78
    last = process.said.strip().splitlines()[-1]
    assert last.startswith(f"scicat-ingest: {code}: ")
    assert words in last
    assert "wrong-password" not in process.said
    assert "Traceback" not in process.said


async def test_a_missing_topic_ends_with_78_and_says_how_to_make_it(site: Site, tmp_path: Path) -> None:
    """Asking for a topic does not make it, either."""
    for _ in range(2):
        process = Process(site, tmp_path)
        assert process.exit_code() == 78
        assert f"has no topic {site.topic}" in process.said
        assert "--create-topics" in process.said


async def test_a_catalogue_that_is_down_at_start_is_waited_for(
    kafka: Broker, topic_names: Callable[[str], str], tmp_path: Path
) -> None:
    """The events are ingested when it comes up; none becomes a dead letter."""
    with StandInThread() as first:
        site = make_site(kafka.bootstrap_servers, first, topic_names, retry={"first_delay_seconds": 0.05})
        port = int(first.url.rsplit(":", 1)[1])
    await prepare_topics(site.settings, create=True)
    await send(site, many(5))
    process = Process(site, tmp_path)
    with anyio.fail_after(30):
        while "SciCat is not there yet" not in process.said:  # noqa: ASYNC110 (another process's log)
            await anyio.sleep(0.02)
    with StandInThread(port=port) as second:
        outcomes = await read_outcomes(site, at_least(5))
        process.terminate()
        assert process.exit_code() == 0, process.said
        assert_each_is_there_once(second, 5)
    assert {outcome.topic for outcome in outcomes} == {site.settings.kafka.ingested_topic}
