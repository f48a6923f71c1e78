"""The input topics as one stream of records, from the first one that is not done."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import anyio
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from scicat_ingest.consume.connection import connection_arguments, one_clear_error, stop_client
from scicat_ingest.consume.record import Record
from scicat_ingest.consume.start_offset import LostRecords
from scicat_ingest.faults import HistoryLost, KafkaUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from aiokafka import ConsumerRecord

    from scicat_ingest.settings import KafkaSettings

_LOG = logging.getLogger(__name__)

Partition = tuple[str, int]
"""Topic and partition number."""

COMMIT_WITHIN_SECONDS = 20.0
REBALANCE_TIMEOUT_MS = 60_000
"""How long a member may take to let go of its partitions."""
_A_DAY_MS = 24 * 3600 * 1000


class RecordStream(Protocol):
    """What the engine needs of Kafka."""

    async def fetch(self, most: int) -> list[Record]:
        """Wait shortly for records and give at most `most`, in offset order within each partition."""
        ...

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit the next offsets to read."""
        ...


class KafkaStream:
    """Reads with manual commits. Never skips: a lost offset is a halt, not a reset.

    `before_revoke` is awaited before partitions go to another member of the group.
    """

    def __init__(self, settings: KafkaSettings, topics: Iterable[str], *, accept_loss: bool) -> None:
        self._settings = settings
        self._topics = list(topics)
        self._accept_loss = accept_loss
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self, before_revoke: Callable[[], Awaitable[None]]) -> None:
        """Connect and join the consumer group; its partitions come later. Raises KafkaUnreachable."""
        self._consumer = AIOKafkaConsumer(
            **connection_arguments(self._settings),
            group_id=self._settings.group_id,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            session_timeout_ms=round(self._settings.session_timeout_seconds * 1000),
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            # The answer to a JoinGroup comes when all members have answered or are dead. A shorter timeout would join
            # as yet another member, again and again.
            request_timeout_ms=REBALANCE_TIMEOUT_MS + 5_000,
            # A long delivery is no dead consumer: membership rests on the heartbeats alone.
            max_poll_interval_ms=_A_DAY_MS,
        )
        with one_clear_error(self._settings), anyio.fail_after(self._settings.connect_timeout_seconds):
            await self._consumer.start()
        # Only now: start() would wait for the partitions, and these may have to wait for a dead member's session's end.
        self._consumer.subscribe(self._topics, listener=_Listener(before_revoke))

    async def stop(self) -> None:
        """Leave the group, within 10 s."""
        if self._consumer is not None:
            await stop_client(self._consumer)

    async def fetch(self, most: int) -> list[Record]:
        """Give what is there within half a second. Raises HistoryLost, KafkaUnavailable."""
        consumer = self._started
        try:
            batches = await consumer.getmany(timeout_ms=500, max_records=most)
        except NoOffsetForPartitionError as error:
            await self._read_from_the_beginning(error.args[0])
            return []
        except OffsetOutOfRangeError as error:
            await self._judge_lost(error.args[0])
            return []
        except KafkaError as error:
            raise KafkaUnavailable(f"reading failed: {error}") from error
        return [_record(message) for messages in batches.values() for message in messages]

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit; what cannot be committed because the partition has moved on comes again there."""
        if not offsets:
            return
        positions = {TopicPartition(*partition): (offset, "") for partition, offset in offsets.items()}
        try:
            with anyio.fail_after(COMMIT_WITHIN_SECONDS):
                await self._started.commit(positions)
        except (CommitFailedError, IllegalStateError) as error:
            _LOG.warning("offsets were not committed, their records may come again: %s", error)
        except TimeoutError:
            _LOG.warning("Kafka did not take the offsets within %.0f s; trying with the next", COMMIT_WITHIN_SECONDS)
        except KafkaError as error:
            raise KafkaUnavailable(f"committing offsets failed: {error}") from error

    @property
    def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("the stream is used before start()")
        return self._consumer

    async def _read_from_the_beginning(self, partition: TopicPartition) -> None:
        _LOG.info("%s[%d]: no committed offset, reading from the first record", *partition)
        try:
            await self._started.seek_to_beginning(partition)
        except IllegalStateError:
            _LOG.debug("%s[%d] was revoked meanwhile", *partition)

    async def _judge_lost(self, positions: Mapping[TopicPartition, int]) -> None:
        lost = []
        with anyio.fail_after(self._settings.connect_timeout_seconds):
            beginnings = await self._started.beginning_offsets(positions)
            ends = await self._started.end_offsets(positions)
        for partition, offset in positions.items():
            name = f"{partition.topic}[{partition.partition}]"
            lost.append(LostRecords(name, offset, beginnings[partition], ends[partition]))
        said = "; ".join(str(part) for part in lost)
        if not self._accept_loss:
            raise HistoryLost(said)
        _LOG.warning("going on without lost records, as --accept-loss says: %s", said)
        for partition in positions:
            await self._read_from_the_beginning(partition)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self, before_revoke: Callable[[], Awaitable[None]]) -> None:
        self._before_revoke = before_revoke

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        if revoked:
            await self._before_revoke()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        _LOG.info(
            "reading partitions: %s", ", ".join(sorted(f"{tp.topic}[{tp.partition}]" for tp in assigned)) or "none"
        )


def _record(message: ConsumerRecord[bytes, bytes]) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp_ms=message.timestamp if message.timestamp is not None else -1,
        key=message.key,
        value=message.value,
        headers=tuple(message.headers),
    )
