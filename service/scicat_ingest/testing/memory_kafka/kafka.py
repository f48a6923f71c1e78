"""The cluster: topics, groups, and the way to it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

import anyio

from scicat_ingest.faults import IngestFault
from scicat_ingest.testing.memory_kafka.conditions import Answer, Timings, all_given, at_once
from scicat_ingest.testing.memory_kafka.group import MemoryGroup
from scicat_ingest.testing.memory_kafka.log import PartitionLog
from scicat_ingest.testing.memory_kafka.stream import MemoryStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from anyio.abc import TaskGroup

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.report.outcome import DeadLettered, Ingested
    from scicat_ingest.testing.memory_kafka.conditions import Answers, Latency, Operation
    from scicat_ingest.testing.memory_kafka.process import Process
    from scicat_ingest.testing.memory_kafka.publisher import MemoryPublisher, Published


class MemoryKafka:
    """A Kafka for as long as an `async with` statement lasts.

    `latency` and `answers` are asked once for every operation. `on_commit(group, partition, offset)` is called when an
    offset is stored, `on_acknowledged(outcome)` when `publish` is about to return; what they raise goes to the caller.
    """

    def __init__(
        self,
        *,
        latency: Latency = at_once,
        answers: Answers = all_given,
        timings: Timings | None = None,
        on_commit: Callable[[str, Partition, int], None] = lambda *_: None,
        on_acknowledged: Callable[[Ingested | DeadLettered], None] = lambda *_: None,
    ) -> None:
        self.latency = latency
        self.answers = answers
        self.timings = timings or Timings()
        self.on_commit = on_commit
        self.on_acknowledged = on_acknowledged
        self.logs: dict[Partition, PartitionLog] = {}
        self.published: list[Published] = []
        """All messages of the outcome topics, in the order in which they were stored."""
        self.publishers: list[MemoryPublisher] = []
        self.tasks: TaskGroup
        self._groups: dict[str, MemoryGroup] = {}
        self._reachable = True
        self._happening = anyio.Event()
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.tasks = await self._exit.enter_async_context(anyio.create_task_group())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> bool | None:
        self.tasks.cancel_scope.cancel()
        return await self._exit.__aexit__(kind, error, where)

    # Topics

    def create_topic(self, topic: str, partitions: int = 1) -> None:
        """Add an empty topic; before any member joins."""
        for number in range(partitions):
            self.logs[topic, number] = PartitionLog(topic, number)

    def append(
        self,
        topic: str,
        partition: int,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: tuple[tuple[str, bytes], ...] = (),
        timestamp_ms: int = 0,
    ) -> Record:
        """Add a record."""
        record = self.logs[topic, partition].append(value, key=key, headers=headers, timestamp_ms=timestamp_ms)
        self.happen()
        return record

    def skip(self, topic: str, partition: int, count: int = 1) -> None:
        """Make a gap in the offsets."""
        self.logs[topic, partition].skip(count)

    def forget(self, topic: str, partition: int, before: int) -> None:
        """Let retention take all records below an offset."""
        self.logs[topic, partition].forget(before)

    # Groups

    def member(self, name: str, topics: Sequence[str], group: str, *, accept_loss: bool = False) -> MemoryStream:
        """Give a stream that joins the group when it is started; one for each process and start."""
        return MemoryStream(self, name, topics, self.group(group), accept_loss=accept_loss)

    def group(self, name: str) -> MemoryGroup:
        """Give a group, with its `committed` offsets, `generation` and `members`."""
        if name not in self._groups:
            self._groups[name] = MemoryGroup(self, name)
        return self._groups[name]

    def rebalance(self, group: str) -> None:
        """Make a group rebalance without a reason."""
        self.group(group).disturb()

    # The way to it

    @property
    def reachable(self) -> bool:
        """Whether anybody can reach it; while not, fetches give nothing, all else times out, no session expires."""
        return self._reachable

    @reachable.setter
    def reachable(self, value: bool) -> None:
        self._reachable = value
        self.happen()

    def reaches(self, process: Process) -> bool:
        """Tell whether requests of this process arrive."""
        return self._reachable and process.connected and not process.dead

    async def ask(self, process: Process, operation: Operation, within: float) -> Answer:
        """Let a request travel, and tell how it fares. Raises the fault that a simulation injects."""
        delay = self.latency(operation)
        await process.spend(min(delay, within))
        if not self.reaches(process):
            end = anyio.current_time() + within - delay
            while not self.reaches(process) and (left := end - anyio.current_time()) > 0:
                await self.something_happens(left)
                await process.spend(0)
            if not self.reaches(process):
                return Answer.UNREACHABLE
        answer = self.answers(operation, process.name)
        if isinstance(answer, IngestFault):
            raise answer
        return Answer.LOST if answer is Answer.GIVEN and delay > within else answer

    async def until_reachable(self) -> None:
        """Wait until anybody can reach it."""
        while not self._reachable:
            await self.something_happens(None)

    # News

    def happen(self) -> None:
        """Wake all who wait for something to change."""
        if self._reachable:
            for publisher in self.publishers:
                publisher.flush()
        happening, self._happening = self._happening, anyio.Event()
        happening.set()

    async def something_happens(self, within: float | None) -> None:
        """Wait for a change, at most for so many seconds."""
        with anyio.move_on_after(within):
            await self._happening.wait()
