"""Records of all kinds that Kafka can hold: compressed, transactional, compacted, large, many of one key."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests.integration.fleet import READING, Sent, check_ending, events, fleet
from tests.integration.harness import (
    PATIENCE_SECONDS,
    at_least,
    committed_offsets,
    make_site,
    read_outcomes,
    running,
    send,
    source_of,
)

from scicat_ingest.consume.connection import connection_arguments
from scicat_ingest.consume.topics import prepare_topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.harness import Site

    from scicat_ingest.testing.kafka import Broker
    from scicat_ingest.testing.stand_in import StandInThread

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024


@pytest.fixture
def narrow_site(kafka: Broker, stand_in: StandInThread, topic_names: Callable[[str], str]) -> Site:
    """Give a site whose topics have one partition."""
    return make_site(kafka.bootstrap_servers, stand_in, topic_names, kafka={"partitions": 1})


async def create_input(site: Site, **configuration: str) -> None:
    """Create the input topic with settings of its own, then the others as the service does."""
    admin = AIOKafkaAdminClient(**connection_arguments(site.settings.kafka))
    await admin.start()
    try:
        partitions = site.settings.kafka.partitions
        answer = await admin.create_topics([NewTopic(site.topic, partitions, 1, topic_configs=configuration)])
        assert [code for _, code, *_ in answer.topic_errors] == [0]
    finally:
        await admin.close()
    await prepare_topics(site.settings, create=True)


async def produce(site: Site, records: list[tuple[bytes, bytes]], sent: Sent, **options: Any) -> None:
    """Send with a producer of one's own."""
    producer = AIOKafkaProducer(**connection_arguments(site.settings.kafka), **options)
    await producer.start()
    try:
        for key, value in records:
            where = await producer.send_and_wait(site.topic, key=key, value=value)
            sent[where.partition, where.offset] = value
    finally:
        await producer.stop()


async def test_compressed_records_are_read(site: Site) -> None:
    """With each of Kafka's codecs."""
    await prepare_topics(site.settings, create=True)
    sent = Sent()
    for number, codec in enumerate(("gzip", "snappy", "lz4", "zstd")):
        await produce(site, events(20, first=20 * number), sent, compression_type=codec)
    async with running(site):
        await read_outcomes(site, at_least(80))
    await check_ending(site, sent)


async def test_aborted_transactions_are_not_ingested_and_markers_are_no_gap(narrow_site: Site) -> None:
    """Only what was committed counts; the markers between are offsets without a record."""
    site = narrow_site
    await prepare_topics(site.settings, create=True)
    sent = Sent()
    producer = AIOKafkaProducer(**connection_arguments(site.settings.kafka), transactional_id=str(uuid.uuid4()))
    await producer.start()
    try:
        for number in range(12):
            await producer.begin_transaction()
            for key, value in events(5, first=5 * number):
                where = await producer.send_and_wait(site.topic, key=key, value=value)
                if number % 3:
                    sent[where.partition, where.offset] = value
            await (producer.commit_transaction() if number % 3 else producer.abort_transaction())
    finally:
        await producer.stop()
    async with running(site):
        await read_outcomes(site, at_least(len(sent)))
    await check_ending(site, sent)


async def test_a_compacted_topic_has_gaps_and_what_is_left_is_ingested(narrow_site: Site) -> None:
    """Earlier records of a key are gone before the service comes: nobody can ingest them, and nothing stumbles."""
    site = narrow_site
    await create_input(
        site,
        **{
            "cleanup.policy": "compact",
            "segment.ms": "100",
            "min.cleanable.dirty.ratio": "0.01",
            "max.compaction.lag.ms": "100",
        },
    )
    sent = Sent()
    await produce(site, events(10), sent)
    rounds = 0
    with anyio.fail_after(PATIENCE_SECONDS):
        while len(left := await read_all(site, site.topic)) >= len(sent):
            rounds += 1
            await produce(site, events(10) + events(1, first=10), sent)
    assert rounds
    async with running(site):
        with anyio.fail_after(PATIENCE_SECONDS):
            while await committed_offsets(site) != {0: max(sent)[1] + 1}:
                pass
    # The cleaner may have gone on before the service read them, but it never takes the last record of a key.
    last = {json.loads(value)["acquisitionId"]: here for here, value in sorted(sent.items())}
    answered = {source_of(outcome) for outcome in await read_all(site, site.settings.kafka.ingested_topic)}
    assert set(last.values()) <= answered <= {(0, message.offset) for message in left}
    await check_ending(site, {here: sent[here] for here in answered})


async def read_all(site: Site, topic: str) -> list[Any]:
    """Read what a topic of one partition holds now."""
    consumer = AIOKafkaConsumer(**connection_arguments(site.settings.kafka), auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[Any] = []
        while await consumer.position(partition) < end:
            found += (await consumer.getmany(timeout_ms=200)).get(partition, ())
        return found
    finally:
        await consumer.stop()


async def test_an_event_of_900_kilobytes_is_ingested(narrow_site: Site) -> None:
    """Kafka lets it pass, so do we; its neighbour that is damaged becomes a dead letter."""
    site = narrow_site
    site.document["limits"] |= {"max_inline_files": 20_000, "max_block_files": 20_000}
    await prepare_topics(site.settings, create=True)
    large = json.loads(events(1)[0][1])
    large["files"] = [
        {"path": f"scan/{number:06d}.nxs", "size": number, "checksum": "a" * 64} for number in range(8000)
    ]
    large["checksumAlgorithm"] = "sha256"
    value = json.dumps(large).encode()
    assert 900_000 < len(value) < 1_000_000
    sent = await send(site, [(b"large", value), (b"damaged", value[:-1]), *events(5, first=1)])
    async with running(site):
        await read_outcomes(site, at_least(7))
    await check_ending(site, sent, dead=1)


async def test_an_event_of_50_megabytes_keeps_nobody_from_his_group(site: Site, tmp_path: Path) -> None:
    """It is too large for us and says so; heartbeats and other records go on meanwhile."""
    await create_input(site, **{"max.message.bytes": str(64 * MIB)})
    site.document["limits"] |= {"max_event_bytes": 60 * MIB}
    monster = json.loads(events(1)[0][1])
    monster["metadata"] = {f"log{number}": {"value": "x" * 5000, "unit": ""} for number in range(10_000)}
    value = json.dumps(monster).encode()
    assert len(value) > 50_000_000
    with fleet(site, tmp_path) as processes:
        service = processes.start("service")
        sent = Sent()
        await produce(site, [(b"run-0", value)], sent, max_request_size=64 * MIB)
        await produce(site, events(300, first=1), sent)
        await read_outcomes(site, at_least(301))
        processes.retire_all()
        assert service.said.count(READING) == 1
    await check_ending(site, sent, dead=1)


async def test_an_event_of_30_megabytes_is_ingested_where_the_limits_allow_it(site: Site, tmp_path: Path) -> None:
    """Decoding, mapping and posting it takes a while, in threads: the process stays in its group."""
    await create_input(site, **{"max.message.bytes": str(64 * MIB)})
    site.document["limits"] |= {"max_event_bytes": 60 * MIB, "max_inline_files": 1_000_000}
    large = json.loads(events(1)[0][1])
    large["files"] = [{"path": f"{'frames' * 50}/{number:06}.tif", "size": 1} for number in range(80_000)]
    value = json.dumps(large).encode()
    assert len(value) > 25_000_000
    with fleet(site, tmp_path) as processes:
        service = processes.start("service")
        await produce(site, [(b"run-0", value)], Sent(), max_request_size=64 * MIB)
        await send(site, events(100, first=1))
        outcomes = await read_outcomes(site, at_least(101))
        processes.retire_all()
        assert service.said.count(READING) == 1
    assert {outcome.topic for outcome in outcomes} == {site.settings.kafka.ingested_topic}
    (dataset,) = [one for one in site.stand_in.store.datasets() if one["numberOfFiles"] > 1]
    assert dataset["numberOfFiles"] == dataset["size"] == 80_000
    blocks = site.stand_in.store.origdatablocks(dataset["pid"])
    assert sum(len(block["dataFileList"]) for block in blocks) == 80_000


async def test_64_keys_in_one_partition_keep_their_order(narrow_site: Site) -> None:
    """Each acquisition comes three times: the first one creates it, the others find it, in the order of offsets."""
    site = narrow_site
    await prepare_topics(site.settings, create=True)
    sent = await send(site, events(64) * 3)
    async with running(site):
        outcomes = await read_outcomes(site, at_least(3 * 64))
    verdicts: dict[bytes, list[tuple[int, str]]] = {}
    for outcome in outcomes:
        body = json.loads(outcome.value)
        verdicts.setdefault(outcome.key, []).append((source_of(outcome)[1], body["verdict"]))
    assert len(verdicts) == 64
    for found in verdicts.values():
        assert [offset for offset, _ in found] == sorted(offset for offset, _ in found)
        assert [verdict for _, verdict in found] == ["created", "already_present", "already_present"]
    await check_ending(site, sent)
