"""A member of a consumer group."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.consume.start_offset import LostRecords, judge_start
from scicat_ingest.faults import CommitRefused, HistoryLost, IngestFault, KafkaUnavailable, KafkaUnreachable
from scicat_ingest.testing.memory_kafka.conditions import Answer
from scicat_ingest.testing.memory_kafka.process import Process
from scicat_ingest.testing.memory_kafka.publisher import MemoryPublisher

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Assignments, Partition
    from scicat_ingest.testing.memory_kafka.group import MemoryGroup
    from scicat_ingest.testing.memory_kafka.kafka import MemoryKafka

_LOG = logging.getLogger(__name__)


class MemoryStream:
    """Obeys `RecordStream`, as `KafkaStream` does. Made by `MemoryKafka.member`.

    As with aiokafka, `revoke` and `assign` are called by a task that is not the one that fetches; there is nothing to
    fetch between the two; and a member that was expelled reads on until it hears of it.
    """

    def __init__(
        self, kafka: MemoryKafka, name: str, topics: Sequence[str], group: MemoryGroup, *, accept_loss: bool
    ) -> None:
        self.name = name
        self.topics = tuple(topics)
        self.held: dict[Partition, int | None] = {}
        """Our partitions, with the next offset to read; None: still to be judged."""
        self.released = anyio.Event()
        """Set when nothing of the last generation is ours."""
        self.process = Process(name)
        self._kafka = kafka
        self._group = group
        self._accept_loss = accept_loss
        self._assignments: Assignments | None = None
        self._reading = False
        self._letting_go = False
        self._stopped = False
        self._scope = anyio.CancelScope()
        self._error: Exception | None = None
        self._first = 0

    # What RecordStream promises

    async def start(self, assignments: Assignments) -> None:
        """Join the group. Raises KafkaUnreachable."""
        self._assignments = assignments
        answer = await self._kafka.ask(self.process, "start", self._kafka.timings.looked_up_within)
        if answer is not Answer.GIVEN:
            raise KafkaUnreachable("the Kafka in memory is made unreachable")
        self._group.join(self)

    async def stop(self) -> None:
        """Leave the group. A dead member does not leave: it is expelled later."""
        self._stopped = True
        with anyio.move_on_after(self._kafka.timings.stop_within, shield=True):
            await self.process.spend(self._kafka.latency("stop"))
        self.held = {}
        self._reading = False
        if self._kafka.reaches(self.process) and not self.process.silent:
            self._group.remove(self)
        else:
            self._kafka.tasks.start_soon(self._expire, self.process.spell)

    async def fetch(self, partitions: Collection[Partition], most: int, wait_seconds: float) -> list[Record]:
        """Give records. Raises HistoryLost, and what `revoke` or `assign` raised."""
        end = anyio.current_time() + wait_seconds
        await self.process.spend(self._kafka.latency("fetch"))
        answer = self._kafka.answers("fetch", self.name)
        if isinstance(answer, IngestFault):
            raise answer
        while True:
            if self._error is not None:
                raise self._error
            if answer is Answer.GIVEN and self._reading and self._kafka.reaches(self.process):
                records = self._read(partitions, max(most, 1))
                if records:
                    return records
            left = end - anyio.current_time()
            if left <= 0:
                return []
            await self._kafka.something_happens(left)
            if self.process.silent:
                await self.process.spend(0)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit. Raises CommitRefused, KafkaUnavailable."""
        if not offsets:
            return
        answer = await self._kafka.ask(self.process, "commit", self._kafka.timings.commit_within)
        if answer is Answer.UNREACHABLE:
            raise KafkaUnavailable("the offsets were not committed")
        try:
            self._group.commit(self, offsets)
        except CommitRefused:
            self._find_out_soon(0.0)
            if answer is Answer.GIVEN:
                raise
        if answer is Answer.LOST:
            raise KafkaUnavailable("no answer to the commit")

    @property
    def all_partitions(self) -> int:
        """How many partitions the input topics have."""
        return sum(topic in self.topics for topic, _ in self._kafka.logs)

    async def lags(self) -> dict[Partition, int]:
        """Tell how far each of our partitions is behind its end. Raises KafkaUnavailable."""
        answer = await self._kafka.ask(self.process, "lags", self._kafka.timings.looked_up_within)
        if answer is not Answer.GIVEN:
            raise KafkaUnavailable("the ends of the partitions are not known")
        if not self._reading:
            return {}
        return {one: max(self._kafka.logs[one].end - self._position(one), 0) for one in self.held}

    def unread(self, partition: Partition) -> int | None:
        """Tell how many offsets are left."""
        if partition not in self.held:
            return None
        return max(self._kafka.logs[partition].end - self._position(partition), 0)

    # What a simulation does to it

    def publisher(self) -> MemoryPublisher:
        """Give a publisher of the same process: it shares its crashes, freezes and cuts."""
        return MemoryPublisher(self._kafka, self.process)

    def crash(self) -> None:
        """Kill the process: no call has an effect or returns any more; its session expires some time later.

        Its `revoke`, if it is under way, is cancelled. `stop` returns after its 10 s, without effect.
        """
        self.process.die()
        self._scope.cancel()
        self._fall_silent()

    def freeze(self) -> None:
        """Let all its calls stand still until `thaw`; if that is longer than the session timeout, it is expelled."""
        self.process.freeze()
        self._fall_silent()

    def thaw(self) -> None:
        """Let them go on. If it was expelled, it finds out with its next heartbeat or commit."""
        self.process.thaw()
        self._speak_again()

    def cut_off(self) -> None:
        """Let it not reach Kafka, while others do."""
        self.process.connected = False
        self._fall_silent()

    def reconnect(self) -> None:
        """Let it reach Kafka again."""
        self.process.connected = True
        self._speak_again()

    # What the group does to it

    def let_go(self) -> None:
        """Begin to release what it holds; `released` is set at the end."""
        self.released = anyio.Event()
        if not self.held and not self.process.silent:
            self._reading = False
            self.released.set()
        elif not self._letting_go:
            self._letting_go = True
            self._kafka.tasks.start_soon(self._let_go)

    def take_over(self, partitions: Collection[Partition]) -> None:
        """Hold these partitions from now on."""
        if self.process.dead or self._assignments is None:
            return
        self.held = dict.fromkeys(partitions)
        self._reading = True
        try:
            self._assignments.assign(partitions)
        except Exception as error:  # noqa: BLE001 (as with aiokafka, the next fetch raises it)
            self._error = error
        self._kafka.happen()

    # Its insides

    async def _let_go(self) -> None:
        await self._until_it_hears()
        self._reading = False
        if self.held and self._assignments is not None:
            try:
                with anyio.CancelScope() as self._scope:
                    await self._assignments.revoke()
            except Exception as error:  # noqa: BLE001 (as with aiokafka, the next fetch raises it)
                _LOG.exception("letting go of partitions failed")
                self._error = error
        await self.process.spend(0)
        self.held = {}
        self._letting_go = False
        self.released.set()
        if self in self._group.members:
            self._group.rejoin(self)
        elif not self._stopped:
            self._group.join(self)

    async def _until_it_hears(self) -> None:
        while not self._kafka.reaches(self.process) or self.process.silent:
            await self.process.stand_still()
            if not self._kafka.reaches(self.process):
                await self._kafka.something_happens(None)

    def _fall_silent(self) -> None:
        self.process.spell += 1
        self._kafka.tasks.start_soon(self._expire, self.process.spell)
        self._kafka.happen()

    def _speak_again(self) -> None:
        if not self.process.silent:
            self.process.spell += 1
            self._kafka.happen()
            if self not in self._group.members:
                self._find_out_soon(self._kafka.timings.heartbeat)

    async def _expire(self, spell: int) -> None:
        await anyio.sleep(self._kafka.timings.session_timeout)
        await self._kafka.until_reachable()
        if self._stopped or spell == self.process.spell:
            self._group.remove(self)

    def _find_out_soon(self, seconds: float) -> None:
        """Notice in some time that it was expelled: let go, then join again."""
        if self._assignments is not None and not self._letting_go and not self._stopped:
            self._letting_go = True
            self._kafka.tasks.start_soon(self._find_out, seconds)

    async def _find_out(self, seconds: float) -> None:
        await anyio.sleep(seconds)
        await self._let_go()

    def _read(self, partitions: Collection[Partition], most: int) -> list[Record]:
        self._judge()
        wanted = [partition for partition in self.held if partition in partitions]
        records: list[Record] = []
        for turn in range(len(wanted)):
            partition = wanted[(self._first + turn) % len(wanted)]
            log = self._kafka.logs[partition]
            found, position = log.read(self._position(partition), most - len(records))
            self.held[partition] = position
            records += found
            if len(records) == most:
                break
        self._first += 1
        return records

    def _judge(self) -> None:
        lost = []
        for partition, known in self.held.items():
            log = self._kafka.logs[partition]
            next_offset = self._group.committed.get(partition) if known is None else known
            start = judge_start(f"{partition[0]}[{partition[1]}]", next_offset, log.beginning, log.end)
            if not isinstance(start, LostRecords):
                self.held[partition] = start
                continue
            lost.append(str(start))
            if self._accept_loss:
                self.held[partition] = log.beginning
        if lost and not self._accept_loss:
            raise HistoryLost("; ".join(lost))

    def _position(self, partition: Partition) -> int:
        known = self.held[partition]
        if known is None:
            known = self._group.committed.get(partition, 0)
        return max(known, self._kafka.logs[partition].beginning)
