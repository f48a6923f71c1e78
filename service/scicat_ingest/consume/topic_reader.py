"""Reads topics from somewhere to where they end now, with no consumer group: no committed offset is touched."""

from __future__ import annotations

import logging
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from scicat_ingest.consume.connection import connection_arguments, one_clear_error, stop_client
from scicat_ingest.consume.kafka_errors import classify_kafka_error
from scicat_ingest.consume.position import Position
from scicat_ingest.consume.record import record_of
from scicat_ingest.faults import KafkaUnavailable, MissingTopic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence

    from aiokafka import ConsumerRecord

    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import KafkaSettings

    Batches = Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]

_LOG = logging.getLogger(__name__)

SILENT_SECONDS = 30.0
"""How long Kafka may give nothing while there is something left to read."""
LOOKED_UP_WITHIN_SECONDS = 30.0
_POLL_MS = 1000
_FETCH_MAX_BYTES = 16 * 1024 * 1024
_NEAR = 200
"""Records between two wanted ones that are read over, instead of asking Kafka anew."""

Bounds = dict[TopicPartition, tuple[int, int]]
"""Of each partition the first offset to read, and the one to stop before."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which records of a topic to read. All limits hold together."""

    topic: str
    partitions: frozenset[int] | None = None
    """None: all."""
    since_ms: int | None = None
    """From the first record with this timestamp or a later one, by Kafka's index. Where producers set timestamps,
    earlier ones may follow: who needs a sharp limit looks at each record."""
    until_ms: int | None = None
    """Up to before the first record with this timestamp or a later one."""
    from_offset: int = 0
    until_offset: int | None = None


class TopicReader:
    """Reads what is committed, in the order of each partition, up to the ends as they were when reading began.

    Records that come meanwhile are left out, so it always ends. Everything raises KafkaForbidden, MissingTopic, or
    KafkaUnavailable after 30 s without anything. One reading at a time.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def read(self, *spans: Span) -> AsyncIterator[list[Record]]:
        """Give the records of these spans, some at a time; never more than Kafka's one answer, about 16 MB."""
        async for records in self._read(await self._bounds(spans)):
            yield records

    async def fetch(self, positions: Collection[Position]) -> dict[Position, Record]:
        """Give single records; those that are gone, or were never there, are missing."""
        found: dict[Position, Record] = {}
        there = await self._bounds([Span(topic) for topic in sorted({position.topic for position in positions})])
        runs = [_runs([one.offset for one in positions if (one.topic, one.partition) == tuple(part)]) for part in there]
        for turn in range(max(map(len, runs), default=0)):
            bounds: Bounds = {}
            for (partition, (beginning, end)), offsets in zip(there.items(), runs, strict=True):
                if turn < len(offsets):
                    first, last = offsets[turn]
                    bounds[partition] = max(first, beginning), min(last + 1, end)
            async for records in self._read(bounds):
                for record in records:
                    position = Position(record.topic, record.partition, record.offset)
                    if position in positions:
                        found[position] = record
        return found

    async def covers_since(self, topic: str) -> int | None:
        """Tell since when every partition of a topic holds all its records, in milliseconds since 1970.

        By the timestamps of the first ones that are there. None: since the topic was made.
        """
        gone = {one: ends for one, ends in (await self._bounds([Span(topic)])).items() if ends[0] > 0}
        if any(first >= end for first, end in gone.values()):
            return round(time.time() * 1000)  # all of a partition is gone
        since = None
        async for records in self._read({one: (first, first + 1) for one, (first, _) in gone.items()}):
            since = max(since or 0, *(record.timestamp_ms for record in records))
        return since

    async def partitions(self) -> Mapping[str, Collection[int]]:
        """Give the partitions of every topic that we may see, without creating any by asking."""
        with _clear_errors("listing the topics"):
            with anyio.fail_after(LOOKED_UP_WITHIN_SECONDS):
                cluster = await self._consumer._client.fetch_all_metadata()  # noqa: SLF001
            return {topic: cluster.partitions_for_topic(topic) or () for topic in cluster.topics()}

    async def _bounds(self, spans: Collection[Span]) -> Bounds:
        there = await self.partitions()
        for span in spans:
            if span.topic not in there:
                raise MissingTopic(
                    f"there is no topic {span.topic}, or we may not see it",
                    hint="check its name in the settings; our user needs Describe and Read on it",
                )
        bounds: Bounds = {}
        for span in spans:
            wanted = [number for number in there[span.topic] if span.partitions is None or number in span.partitions]
            bounds |= await self._bounds_of(span, [TopicPartition(span.topic, number) for number in sorted(wanted)])
        return bounds

    async def _bounds_of(self, span: Span, partitions: list[TopicPartition]) -> Bounds:
        if not partitions:
            return {}
        consumer = self._consumer
        with _clear_errors(f"looking up the ends of {span.topic}"), anyio.fail_after(LOOKED_UP_WITHIN_SECONDS):
            beginnings = await consumer.beginning_offsets(partitions)
            ends = await consumer.end_offsets(partitions)
            since = await self._at_time(partitions, span.since_ms)
            until = await self._at_time(partitions, span.until_ms)
        last = ends if span.until_offset is None else dict.fromkeys(partitions, span.until_offset)
        return {
            one: (
                max(beginnings[one], span.from_offset, 0 if span.since_ms is None else since.get(one, ends[one])),
                min(ends[one], last[one], until.get(one, ends[one])),
            )
            for one in partitions
        }

    async def _at_time(self, partitions: list[TopicPartition], moment_ms: int | None) -> dict[TopicPartition, int]:
        """Give the first offset at a time or later, of partitions that have one."""
        if moment_ms is None:
            return {}
        found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, max(moment_ms, 0)))
        return {one: at.offset for one, at in found.items() if at is not None}

    async def _read(self, bounds: Bounds) -> AsyncIterator[list[Record]]:
        left = {one: end for one, (first, end) in bounds.items() if first < end}
        if not left:
            return
        consumer = self._consumer
        consumer.assign(list(left))
        for partition in left:
            consumer.seek(partition, bounds[partition][0])
        silent_since = anyio.current_time()
        before: dict[TopicPartition, int] = {}
        while left:
            for partition, messages in (await self._poll(left)).items():
                records = [record_of(message) for message in messages if message.offset < left.get(partition, 0)]
                if records:
                    yield records
            positions = {partition: await consumer.position(partition) for partition in left}
            for partition in [one for one, at in positions.items() if at >= left[one]]:
                del left[partition]
                consumer.pause(partition)  # else aiokafka would fetch nothing more from its broker
            if positions != before:
                before, silent_since = positions, anyio.current_time()
            elif anyio.current_time() - silent_since > SILENT_SECONDS:
                raise KafkaUnavailable(
                    f"{_named(left)}: nothing came for {SILENT_SECONDS:.0f} s, and there is more to read",
                    hint="nothing was changed: see whether all brokers are there, then try again",
                )

    async def _poll(self, left: Iterable[TopicPartition]) -> Batches:
        with _clear_errors(f"reading from {_named(left)}"):
            try:
                with anyio.fail_after(SILENT_SECONDS):
                    batches: Batches = await self._consumer.getmany(timeout_ms=_POLL_MS)
                    return batches
            except OffsetOutOfRangeError as error:  # retention has overtaken us: go on with what is there
                for partition, beginning in (await self._consumer.beginning_offsets(list(error.args[0]))).items():
                    _LOG.warning("%s[%d]: records before offset %d are gone", *partition, beginning)
                    self._consumer.seek(partition, beginning)
                return {}


@contextmanager
def _clear_errors(doing: str) -> Iterator[None]:
    """Turn errors of the Kafka client into faults."""
    try:
        yield
    except KafkaError as error:
        raise classify_kafka_error(error, doing) from error
    except TimeoutError:
        raise KafkaUnavailable(f"{doing}: no answer within {LOOKED_UP_WITHIN_SECONDS:.0f} s") from None


@asynccontextmanager
async def open_reader(settings: KafkaSettings) -> AsyncIterator[TopicReader]:
    """Connect a reader. Raises KafkaUnreachable, KafkaForbidden, InvalidSettings."""
    consumer = AIOKafkaConsumer(
        **connection_arguments(settings),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_bytes=_FETCH_MAX_BYTES,
    )
    try:
        with one_clear_error(settings), anyio.fail_after(settings.connect_timeout_seconds):
            await consumer.start()
        yield TopicReader(consumer)
    finally:
        await stop_client(consumer)


def _runs(offsets: list[int]) -> list[tuple[int, int]]:
    """Join offsets that are near each other: first and last of each run."""
    runs: list[tuple[int, int]] = []
    for offset in sorted(offsets):
        if runs and offset - runs[-1][1] <= _NEAR:
            runs[-1] = runs[-1][0], offset
        else:
            runs.append((offset, offset))
    return runs


def _named(partitions: Iterable[TopicPartition]) -> str:
    return ", ".join(sorted({partition.topic for partition in partitions}))
