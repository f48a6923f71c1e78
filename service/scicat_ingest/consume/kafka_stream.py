"""Kafka's input topics as one stream of records, from the first one that is not done."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from anyio.lowlevel import checkpoint

from scicat_ingest.consume.connection import connection_arguments, one_clear_error, stop_client
from scicat_ingest.consume.kafka_errors import classify_kafka_error
from scicat_ingest.consume.ownership import Ownership, partition_name
from scicat_ingest.consume.record import record_of
from scicat_ingest.consume.start_offset import LostRecords, judge_start
from scicat_ingest.faults import ClientBroken, CommitRefused, HistoryLost, KafkaForbidden, KafkaUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from aiokafka import ConsumerRecord

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Assignments, Partition
    from scicat_ingest.settings import KafkaSettings

_LOG = logging.getLogger(__name__)

COMMIT_WITHIN_SECONDS = 20.0
LOOKED_UP_WITHIN_SECONDS = 10.0
"""How long Kafka may take to tell offsets."""
REBALANCE_TIMEOUT_MS = 60_000
"""How long a member may take to let go of its partitions."""
FETCH_MAX_BYTES = 2 * 1024 * 1024
"""What one answer of a broker holds at most, but for a single larger batch. It is in memory twice while it is read: 16
MiB made a process with 48 partitions 40 MiB larger."""
PARTITION_FETCH_BYTES = 256 * 1024
"""The same of one partition; aiokafka keeps as much of each until it is asked for."""
POLL_MS = 500
"""How long a broker may wait for records."""
BUSY_POLL_MS = 50
"""The same while aiokafka holds records of some partitions, and so asks for those of the others alone: it asks a broker
one thing at a time, and the busy partitions would wait for the idle ones' answer."""
_A_DAY_MS = 24 * 3600 * 1000
_MARGIN_SECONDS = 0.5
_NOBODYS = TopicPartition("", 0)


class KafkaStream:
    """Reads with manual commits. Obeys `RecordStream`: a lost offset is a halt, not a reset."""

    def __init__(self, settings: KafkaSettings, topics: Iterable[str], *, accept_loss: bool) -> None:
        self._settings = settings
        self._topics = frozenset(topics)
        self._accept_loss = accept_loss
        self._consumer: AIOKafkaConsumer | None = None
        self._own: Ownership
        self._more = False
        """The last fetch has left something behind, as far as we can see."""
        self._ends: dict[TopicPartition, int] = {}
        """The ends that brokers told when they were last asked for lags: a partition that is not read hears of none."""

    async def start(self, assignments: Assignments) -> None:
        """Connect and join the consumer group; its partitions come later. Raises KafkaUnreachable, InvalidSettings."""
        self._own = Ownership(assignments)
        self._consumer = AIOKafkaConsumer(
            **connection_arguments(self._settings),
            group_id=self._settings.group_id,
            group_instance_id=self._settings.group_instance_id,
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
            fetch_max_bytes=FETCH_MAX_BYTES,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
        )
        with one_clear_error(self._settings), anyio.fail_after(self._settings.connect_timeout_seconds):
            await self._consumer.start()
        # Only now: start() would wait for the partitions, and these may have to wait for a dead member's session's end.
        self._consumer.subscribe(list(self._topics), listener=self._own)

    async def stop(self) -> None:
        """Leave the group, within 10 s. With a `group_instance_id` the group keeps our place for a session timeout."""
        if self._consumer is None:
            return
        try:
            await stop_client(self._consumer)
        except Exception:  # noqa: BLE001 (it is over anyway, and the group notices)
            _LOG.exception("the Kafka consumer did not stop in an orderly way")

    async def fetch(self, partitions: Collection[Partition], most: int, wait_seconds: float) -> list[Record]:
        """Give at most `most` records of these partitions, as `RecordStream` says.

        While Kafka does not answer there are just no records. Raises HistoryLost, KafkaForbidden, KafkaUnavailable,
        ClientBroken, and what `revoke` or `assign` raised.
        """
        self._raise_what_is_silent()
        await checkpoint()  # aiokafka gives what it has prefetched without yielding to the loop
        try:
            if not self._own.partitions:
                await self._await_partitions(wait_seconds)
                return []
            if self._own.unjudged:
                await self._judge()
            return await self._fetch(partitions, most, wait_seconds)
        except NoOffsetForPartitionError as error:
            self._own.unjudged[error.args[0]] = None
        except OffsetOutOfRangeError as error:  # retention overtook us: what is gone is found out by the next fetch
            self._own.unjudged.update(error.args[0])
        except IllegalStateError:
            _LOG.debug("partitions were taken away meanwhile", exc_info=True)
        except KafkaError as error:
            self._rewind()
            raise classify_kafka_error(error, f"reading from {self._named_topics}") from error
        return []

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit the next offsets to read. Raises CommitRefused, KafkaUnavailable, KafkaForbidden."""
        if not offsets:
            return
        positions = {TopicPartition(*partition): (offset, "") for partition, offset in offsets.items()}
        try:
            with anyio.fail_after(COMMIT_WITHIN_SECONDS):  # aiokafka repeats it for ever
                await self._started.commit(positions)
        except (CommitFailedError, IllegalStateError) as error:
            raise CommitRefused(str(error)) from error
        except TimeoutError:
            raise KafkaUnavailable(f"offsets were not taken within {COMMIT_WITHIN_SECONDS:.0f} s") from None
        except KafkaError as error:
            doing = f"committing to {self._named_topics} as group {self._settings.group_id}"
            raise classify_kafka_error(error, doing) from error

    @property
    def all_partitions(self) -> int:
        """How many partitions the input topics have."""
        consumer = self._started
        return sum(len(consumer.partitions_for_topic(topic) or ()) for topic in self._topics)

    async def lags(self) -> dict[Partition, int]:
        """Tell how many offsets each of our partitions is behind its end. Raises KafkaUnavailable, KafkaForbidden.

        The end is what a consumer can reach: with read_committed, aiokafka asks for the last stable offset (its
        OffsetRequest carries the isolation level), where an open transaction begins. So neither that nor, since
        aiokafka's position steps over them, the markers of finished transactions look like a lag.
        """
        consumer = self._started
        await checkpoint()
        turn, partitions = self._own.turn, self._own.partitions
        try:
            with anyio.fail_after(LOOKED_UP_WITHIN_SECONDS):
                ends = await consumer.end_offsets(partitions)
                starts = await self._look_up(self._own.unjudged)
                judged = [one for one in partitions if one not in starts]
                positions = {one: await consumer.position(one) for one in judged}
        except IllegalStateError:
            return {}
        except TimeoutError:
            raise KafkaUnavailable(f"no offsets within {LOOKED_UP_WITHIN_SECONDS:.0f} s") from None
        except KafkaError as error:
            raise classify_kafka_error(error, f"looking up the ends of {self._named_topics}") from error
        if turn != self._own.turn:
            return {}
        self._ends = ends
        for one, (known, beginning, _) in starts.items():
            positions[one] = beginning if known is None else max(known, beginning)
        return {(one.topic, one.partition): max(ends[one] - positions[one], 0) for one in partitions}

    def unread(self, partition: Partition) -> int | None:
        """Tell how many offsets are known to be left, from the last fetch and the last look at `lags`."""
        one = TopicPartition(*partition)
        subscription = None if self._consumer is None else self._consumer._subscription.subscription  # noqa: SLF001
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or one not in assignment.tps:
            return None
        state = assignment.state_value(one)
        position = state._position  # noqa: SLF001 (its property fails while there is none)
        ends = [end for end in (state.lso, self._ends.get(one)) if end is not None and end >= 0]
        # aiokafka's own position steps over the markers of finished transactions, where nothing is left to read.
        return max(max(ends) - position, 0) if ends and position is not None else None

    @property
    def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("the stream is used before start()")
        return self._consumer

    @property
    def _named_topics(self) -> str:
        return ", ".join(sorted(self._topics))

    def _raise_what_is_silent(self) -> None:
        """Raise what aiokafka 0.14 keeps to itself, its log, or its private tasks."""
        consumer = self._started
        if self._own.error is not None:
            raise self._own.error
        if consumer._fetcher.error_future.done():  # noqa: SLF001
            raise ClientBroken("aiokafka's fetching task has died; see the log")
        if consumer._coordinator._coordination_task.done():  # noqa: SLF001
            raise ClientBroken("aiokafka's group coordination task has died; see the log")
        unseen = self._topics & consumer._client.cluster.unauthorized_topics  # noqa: SLF001
        if unseen:
            raise KafkaForbidden(f"we may not even describe the topic {', '.join(sorted(unseen))}")

    async def _await_partitions(self, wait_seconds: float) -> None:
        with anyio.move_on_after(wait_seconds):
            # Gives nothing, returns at the end of a rebalance, and raises the group coordinator's errors.
            await self._started.getmany(_NOBODYS, timeout_ms=0)
            if not self._own.partitions:
                await self._own.wait_for_partitions()

    async def _fetch(self, partitions: Collection[Partition], most: int, wait_seconds: float) -> list[Record]:
        own, consumer = self._own, self._started
        if not own.partitions:  # taken away while they were judged
            return []
        turn = own.turn
        wanted = {TopicPartition(*partition) for partition in partitions} - own.unjudged.keys() or {_NOBODYS}
        poll_ms = BUSY_POLL_MS if self._more or len(wanted) < len(own.partitions) else POLL_MS
        consumer._fetcher._fetch_max_wait_ms = poll_ms  # noqa: SLF001 (as an option it would be the same at all times)
        batches: dict[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]] = {}
        # A fetch waits for ever while the group rebalances (`Fetcher.fetched_records`: `wait_for_assignment`), so it
        # has a deadline. That loses nothing, nor does any other cancellation: records are taken out of the buffer, and
        # the position moves, with no await from there up to our caller.
        with anyio.move_on_after(wait_seconds + _MARGIN_SECONDS):
            # No partition is ever paused: that would drop what was prefetched of it. It is kept for those that are not
            # wanted now, and stops aiokafka from fetching from the same broker for 0.1 s at most (`calculate_backoff`).
            batches = await consumer.getmany(*wanted, timeout_ms=round(wait_seconds * 1000), max_records=max(most, 1))
        self._more = sum(map(len, batches.values())) >= most
        if turn != own.turn:
            # A rebalance came and went meanwhile. These are records of the new assignment, and all its partitions are
            # still to be judged: reading starts there from the last commit.
            return []
        for partition, messages in batches.items():
            own.positions[partition] = messages[-1].offset + 1
        return [record_of(message) for messages in batches.values() for message in messages]

    def _rewind(self) -> None:
        """Go back to the last record that was given.

        An error within one partition's batch (a wrong checksum) loses what `Fetcher.fetched_records` had already taken
        for other partitions in the same call, and a RecordTooLargeError has stepped over its record.
        """
        with suppress(IllegalStateError):  # they go to somebody else, or are about to be judged anew
            for partition, offset in self._own.positions.items():
                self._started.seek(partition, offset)

    async def _look_up(
        self, partitions: Mapping[TopicPartition, int | None]
    ) -> dict[TopicPartition, tuple[int | None, int, int]]:
        """Give for each partition its position (if None: what is committed), the log's beginning and its end."""
        consumer = self._started
        known = {one: await consumer.committed(one) if at is None else at for one, at in list(partitions.items())}
        beginnings = await consumer.beginning_offsets(list(known))
        ends = await consumer.end_offsets(list(known))
        return {one: (at, beginnings[one], ends[one]) for one, at in known.items()}

    async def _judge(self) -> None:
        """Seek to where reading starts, in partitions that were just assigned or that retention has overtaken."""
        own, turn = self._own, self._own.turn
        try:
            with anyio.fail_after(LOOKED_UP_WITHIN_SECONDS):
                found = await self._look_up(own.unjudged)
        except TimeoutError:
            _LOG.warning("Kafka does not tell offsets, are the brokers up? It is asked again")
            return
        if turn != own.turn:
            return
        self._ends |= {partition: end for partition, (_, _, end) in found.items()}
        lost = []
        for partition, (known, beginning, end) in found.items():
            start = judge_start(partition_name(partition), known, beginning, end)
            if isinstance(start, LostRecords):
                lost.append(start)
                if not self._accept_loss:
                    continue
                start = beginning
            self._started.seek(partition, start)
            own.read_on(partition, start)
        said = "; ".join(str(part) for part in lost)
        if lost and not self._accept_loss:
            raise HistoryLost(said)
        if lost:
            _LOG.warning("going on without lost records, as --accept-loss says: %s", said)
