"""Reading topics to their ends on a real Kafka: whatever lies at the end, the reading ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from tests.integration.letters_stage import reading

from scicat_ingest.bootstrap import open_producer
from scicat_ingest.consume.connection import connection_arguments, stop_client
from scicat_ingest.consume.position import Position
from scicat_ingest.consume.topic_reader import Span, TopicReader, open_reader
from scicat_ingest.faults import KafkaUnreachable, MissingTopic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.harness import Site

    from scicat_ingest.consume.record import Record
pytestmark = pytest.mark.anyio


@pytest.fixture
async def admin(site: Site) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(**connection_arguments(site.settings.kafka))
    await client.start()
    yield client
    await client.close()


async def write(site: Site, count: int, partition: int = 0, *, size: int = 1, key: bytes | None = None) -> None:
    async with open_producer(site.settings.kafka) as producer:
        for number in range(count):
            await producer.send(
                site.topic, b"x" * size, partition=partition, key=key, timestamp_ms=1_700_000_000_000 + number * 1000
            )
        await producer.flush()


async def read(reader: TopicReader, *spans: Span) -> list[Record]:
    with anyio.fail_after(60):
        return [record async for records in reader.read(*spans) for record in records]


async def test_all_of_a_topic_is_read_once_and_empty_partitions_end_at_once(
    site: Site, admin: AIOKafkaAdminClient
) -> None:
    """Three partitions, of which one has nothing; a topic with nothing at all ends too."""
    empty = site.topic + ".empty"
    await admin.create_topics([NewTopic(site.topic, 3, 1), NewTopic(empty, 2, 1)])
    await write(site, 1200, 0)
    await write(site, 700, 2)
    async with reading(site) as reader:
        found = [(record.partition, record.offset) for record in await read(reader, Span(site.topic), Span(empty))]
        assert sorted(found) == [(0, number) for number in range(1200)] + [(2, number) for number in range(700)]
        assert await read(reader, Span(empty)) == []
        assert len(await read(reader, Span(site.topic, frozenset({2})))) == 700, "and again, in part"


async def test_a_reading_ends_at_markers_of_transactions_and_sees_only_what_is_committed(
    site: Site, admin: AIOKafkaAdminClient
) -> None:
    """The last offset of a partition may be a marker, or a record that was taken back."""
    await admin.create_topics([NewTopic(site.topic, 1, 1)])
    producer = AIOKafkaProducer(**connection_arguments(site.settings.kafka), transactional_id=site.topic)
    await producer.start()
    try:
        for commit in (True, False):
            await producer.begin_transaction()
            await producer.send_and_wait(site.topic, b"kept" if commit else b"taken back")
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        await producer.begin_transaction()
        await producer.send_and_wait(site.topic, b"not decided")
        async with reading(site) as reader:
            assert [record.value for record in await read(reader, Span(site.topic))] == [b"kept"]
        await producer.abort_transaction()
        async with reading(site) as reader:
            assert [record.value for record in await read(reader, Span(site.topic))] == [b"kept"]
    finally:
        await stop_client(producer)


async def test_spans_have_times_and_offsets(site: Site, admin: AIOKafkaAdminClient) -> None:
    """From a time or offset on, and up to before another."""
    await admin.create_topics([NewTopic(site.topic, 2, 1)])
    await write(site, 100)
    t0 = 1_700_000_000_000

    async def offsets(span: Span) -> tuple[int, int, int]:
        found = [record.offset for record in await read(reader, span)]
        return (len(found), found[0], found[-1]) if found else (0, -1, -1)

    async with reading(site) as reader:
        assert await offsets(Span(site.topic, since_ms=t0 + 10_000, until_ms=t0 + 20_000)) == (10, 10, 19)
        assert await offsets(Span(site.topic, from_offset=95)) == (5, 95, 99)
        assert await offsets(Span(site.topic, until_offset=5)) == (5, 0, 4)
        assert await offsets(Span(site.topic, since_ms=t0 + 10**9)) == (0, -1, -1)
        assert await offsets(Span(site.topic, until_ms=0)) == (0, -1, -1)


async def test_single_records_are_fetched_and_those_that_are_gone_are_missing(
    site: Site, admin: AIOKafkaAdminClient
) -> None:
    """Near and far ones, deleted ones, ones that never were, of partitions that are not there."""
    await admin.create_topics([NewTopic(site.topic, 2, 1)])
    await write(site, 2000, 0, size=1000)
    await write(site, 10, 1)
    await admin.delete_records({TopicPartition(site.topic, 0): RecordsToDelete(100)})
    there = {Position(site.topic, 0, number) for number in (100, 101, 150, 1000, 1999)} | {Position(site.topic, 1, 3)}
    gone = {Position(site.topic, 0, 99), Position(site.topic, 0, 5000), Position(site.topic, 7, 0)}
    async with reading(site) as reader:
        with anyio.fail_after(60):
            assert set(await reader.fetch(there | gone)) == there
        with anyio.fail_after(60):
            assert await reader.fetch(set()) == {}


async def test_a_missing_topic_and_a_wrong_address_are_named(site: Site) -> None:
    """Nothing is created by looking."""
    async with reading(site) as reader:
        with pytest.raises(MissingTopic, match="nowhere"):
            await read(reader, Span(site.topic + ".nowhere"))
        assert site.topic + ".nowhere" not in await reader.partitions()
    settings = site.settings.kafka.model_copy(update={"bootstrap_servers": "localhost:1", "connect_timeout_seconds": 3})
    with pytest.raises(KafkaUnreachable):
        async with open_reader(settings):
            pass
