"""`scicat-ingest doctor` on a real Kafka: what it proves, and that it disturbs nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests.integration.harness import at_least, committed_offsets, event, make_site, read_outcomes, running, send
from tests.integration.test_permissions import (
    CLUSTER,
    DESCRIBE,
    GROUP,
    IDEMPOTENT_WRITE,
    READ,
    TOPIC,
    WRITE,
    grant,
)

from scicat_ingest.consume.topics import prepare_topics
from scicat_ingest.doctor.examine import examine
from scicat_ingest.doctor.kafka import KafkaQuestions
from scicat_ingest.doctor.step import Examination
from scicat_ingest.testing.kafka import EmbeddedKafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.harness import Site

    from scicat_ingest.doctor.step import Step
    from scicat_ingest.testing.stand_in import StandInThread

pytestmark = pytest.mark.anyio


async def asked(site: Site, replicas: int | None = None) -> dict[str, Step]:
    """Ask Kafka alone; give the steps without the word "kafka"."""
    examination = Examination(lambda _: None)
    await KafkaQuestions(site.settings, replicas).ask_all(examination)
    return {step.name.removeprefix("kafka "): step for step in examination.steps}


def bad(steps: dict[str, Step]) -> dict[str, str]:
    return {name: step.status.value for name, step in steps.items() if step.status != "ok"}


async def create(site: Site, topic: str, **configuration: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=site.settings.kafka.bootstrap_servers)
    await admin.start()
    try:
        answer = await admin.create_topics(
            [
                NewTopic(
                    topic, 2, 1, topic_configs={name.replace("_", "."): text for name, text in configuration.items()}
                )
            ]
        )
        assert [error[1] for error in answer.topic_errors] == [0]
        with anyio.fail_after(30):  # the broker tells of a topic a moment after its controller has made it
            while topic not in await admin.list_topics():  # noqa: ASYNC110 (Kafka tells nobody)
                await anyio.sleep(0.05)
    finally:
        await admin.close()


def command(site: Site, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scicat_ingest", "doctor", "--config", str(site.write(folder)), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("SCICAT_INGEST_")},
    )


async def test_a_sound_set_up_is_proven(site: Site) -> None:
    """Every question is answered well, and so is the whole."""
    await prepare_topics(site.settings, create=True)
    assert bad(await asked(site, replicas=3)) == {}
    examination = Examination(lambda _: None)
    await examine(site.settings, examination)
    assert examination.ok


async def test_the_command_prints_a_table_and_ends_with_0(site: Site, tmp_path: Path) -> None:
    """The table is on standard output, nothing on standard error; what is left behind in SciCat is named at the end."""
    await prepare_topics(site.settings, create=True)
    ended = command(site, tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert ended.stdout.startswith("step ")
    assert "this set-up can ingest" in ended.stdout
    assert site.stand_in.account("ingestor").password not in ended.stdout
    left = ended.stdout.partition("left behind, for the SciCat administrator")[2].splitlines()
    assert [line.split()[0] for line in left[1:]] == ["attachment", "origdatablock", "dataset"]


async def test_the_command_prints_one_json_object_and_ends_with_1_if_a_step_failed(site: Site, tmp_path: Path) -> None:
    """The topics are missing: named, with who creates them; what needs none of them is still asked."""
    ended = command(site, tmp_path, "--json")
    assert ended.returncode == 1
    said: dict[str, Any] = json.loads(ended.stdout)
    assert set(said) == {"ok", "steps", "left_behind"}
    assert not said["ok"]
    assert all(set(step) == {"name", "status", "seen", "ask"} for step in said["steps"])
    steps = {step["name"]: step for step in said["steps"]}
    assert site.topic in steps["kafka topics"]["seen"]
    assert "--create-topics" in steps["kafka topics"]["ask"]
    assert steps["kafka reading"]["status"] == "skipped"
    assert steps["kafka producer"]["status"] == steps["kafka group"]["status"] == "ok"
    assert [left["kind"] for left in said["left_behind"]] == ["attachment", "origdatablock", "dataset"]
    assert "kafka topics" in ended.stderr  # the progress


async def test_asking_for_a_missing_topic_does_not_create_it(site: Site) -> None:
    """The embedded broker would create topics by itself if it were asked carelessly."""
    for _ in range(2):
        assert (await asked(site))["topics"].status == "failed"


async def test_a_kafka_that_is_not_there_skips_the_rest(
    stand_in: StandInThread, topic_names: Callable[[str], str]
) -> None:
    """SciCat's part is not touched by it."""
    site = make_site("127.0.0.1:9", stand_in, topic_names)
    steps = await asked(site)
    assert steps["reachable"].status == "failed"
    assert "kafka.bootstrap_servers" in steps["reachable"].ask
    assert {step.status.value for name, step in steps.items() if name != "reachable"} == {"skipped"}


async def test_topics_that_would_lose_records_are_told(site: Site) -> None:
    """A week of retention is a warning; compaction, small messages and too few partitions are failures."""
    kafka = site.settings.kafka
    await create(site, site.topic, retention_ms=str(7 * 24 * 3600 * 1000))
    await create(site, kafka.ingested_topic, cleanup_policy="compact", retention_ms="-1")
    await create(site, kafka.dead_letter_topic, max_message_bytes="500000", retention_ms="-1")
    steps = await asked(site, replicas=3)
    assert bad(steps) == {
        "partitions": "failed",
        "retention": "warning",
        "compaction": "failed",
        "message size": "failed",
    }
    assert kafka.ingested_topic in steps["compaction"].seen
    assert kafka.dead_letter_topic in steps["message size"].seen


async def test_a_running_service_is_not_disturbed(site: Site) -> None:
    """The group keeps its member and partitions while it is looked at, and nothing is written to any topic."""
    async with running(site):
        await send(site, [(b"1", event())])
        await read_outcomes(site, at_least(1))
        steps = await asked(site)
        assert bad(steps) == {}
        assert "1 members" in steps["group"].seen
        await send(site, [(b"2", event(acquisitionId="run-2"))])
        assert len(await read_outcomes(site, at_least(2))) == 2
    assert sum((await committed_offsets(site)).values()) == 2
    assert "offsets of" in (await asked(site))["group"].seen


@pytest.fixture(scope="module")
def guarded_kafka() -> Iterator[EmbeddedKafka]:
    """Give a broker with access control; only its plain listener, the administrator's, may do everything."""
    rules = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with EmbeddedKafka(secure=True, properties=rules) as started:
        yield started


async def test_every_right_that_is_missing_is_named_until_all_are_granted(
    guarded_kafka: EmbeddedKafka, stand_in: StandInThread, topic_names: Callable[[str], str]
) -> None:
    """First nothing may be seen, then neither read nor written, then all."""
    secure = {
        "security_protocol": "SASL_SSL",
        "sasl_username": guarded_kafka.username,
        "sasl_password": guarded_kafka.password,
        "ca_file": str(guarded_kafka.cafile),
    }
    site = make_site(guarded_kafka.sasl_bootstrap_servers, stand_in, topic_names, kafka=secure)
    kafka = site.settings.kafka
    await prepare_topics(make_site(guarded_kafka.bootstrap_servers, stand_in, topic_names).settings, create=True)
    topics = (site.topic, kafka.ingested_topic, kafka.dead_letter_topic)

    steps = await asked(site)
    assert "Describe" in steps["topics"].ask
    assert {name for name, status in bad(steps).items() if status == "failed"} == {"topics", "producer", "group"}
    assert "Read on" in steps["group"].ask

    await grant(guarded_kafka, (GROUP, kafka.group_id, DESCRIBE), *[(TOPIC, topic, DESCRIBE) for topic in topics])
    steps = await asked(site)
    failed = {name for name, status in bad(steps).items() if status == "failed"}
    assert failed == {"reading", "writing", "producer", "group"}
    assert "Read on them" in steps["reading"].ask
    assert "IdempotentWrite" in steps["producer"].ask
    assert "DescribeConfigs" in steps["retention"].ask

    await grant(
        guarded_kafka,
        (GROUP, kafka.group_id, READ),
        (TOPIC, site.topic, READ),
        (TOPIC, kafka.ingested_topic, WRITE),
        (TOPIC, kafka.dead_letter_topic, WRITE),
        (CLUSTER, "kafka-cluster", IDEMPOTENT_WRITE),
    )
    assert set(bad(await asked(site)).values()) == {"warning"}  # DescribeConfigs is needed for nothing else


async def test_a_wrong_kafka_password_is_told_and_not_shown(
    secure_kafka: EmbeddedKafka, stand_in: StandInThread, topic_names: Callable[[str], str]
) -> None:
    """The broker's reason is passed on."""
    secure = {
        "security_protocol": "SASL_SSL",
        "sasl_username": secure_kafka.username,
        "sasl_password": "not-the-password",
        "ca_file": str(secure_kafka.cafile),
    }
    step = (await asked(make_site(secure_kafka.sasl_bootstrap_servers, stand_in, topic_names, kafka=secure)))[
        "reachable"
    ]
    assert step.status == "failed"
    assert "uthentication" in step.seen
    assert "credentials" in step.ask
    assert "not-the-password" not in step.seen + step.ask
