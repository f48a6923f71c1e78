"""The engine: reads, works on many records at once, publishes their outcomes, commits what is done.

All decisions are `Assignment`'s and `Condition`'s; here is only who waits for what. One task reads, one commits, and
one works on each record that was started. Every wait that depends on somebody else has a bound in the port it calls.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from anyio.lowlevel import checkpoint

from scicat_ingest.deliver.delivered import TryAgain
from scicat_ingest.engine.assignment import Assignment, Bounds
from scicat_ingest.engine.halt import Condition, catalogue_has_judged
from scicat_ingest.engine.ports import LARGE_RECORD_BYTES, Aside, Pulse
from scicat_ingest.engine.remembered import Remembered
from scicat_ingest.engine.standing import Standing, count_held, count_ready, stand
from scicat_ingest.engine.states import EngineState
from scicat_ingest.engine.withholding import Withholding
from scicat_ingest.engine.workers import Workers
from scicat_ingest.faults import ConfigurationFault, KafkaUnavailable, StreamFault, first_cause

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from anyio.abc import TaskGroup

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition, RecordStream
    from scicat_ingest.engine.halt import Proof
    from scicat_ingest.engine.observer import Observer
    from scicat_ingest.engine.ports import Absorbed, Admits, Prepared, Prepares, Publishes
    from scicat_ingest.engine.session import Work
    from scicat_ingest.report.outcome import Outcome

_LOG = logging.getLogger(__name__)

DRAIN_SECONDS = 20.0
"""How long started records may take to finish when the service stops or its partitions are taken away."""
LAST_COMMIT_SECONDS = 5.0
COMMIT_EVERY_SECONDS = 1.0
REPUBLISH_SECONDS = 1.0
FETCH_SECONDS = 1.0
"""How long one fetch waits for records; it is cut short when more partitions may be read."""
FIRST_FETCH_SECONDS = 0.1
"""The same until one has worked, which is when the service is ready: there may be nothing to read."""
HOLD_UP_SECONDS = 0.004
"""How long records are prepared in a row, which costs a fifth less than with other work in between."""
TURNS_BETWEEN = 3
"""Turns of the event loop between two such rows: an answer is read in one, and becomes the next request in another."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine joins."""

    stream: RecordStream
    prepares: Prepares
    publisher: Publishes
    observer: Observer
    admits: Admits
    watch: Callable[[Callable[[], Pulse]], Coroutine[Any, Any, None]] | None = None
    """Looks at the pulse from time to time, and raises Stalled when there should be one and is none."""


class Engine:
    """Runs until `stop`. Obeys `Assignments`.

    Guarantees: an offset is committed only after the outcomes of all records up to it are acknowledged; records of one
    lane are worked off one after another, in offset order; what is held stays within `bounds`.
    """

    def __init__(
        self,
        parts: Parts,
        bounds: Bounds,
        *,
        guarded: Collection[str] = (),
        holds_lanes: Collection[str] = (),
        secrets: Callable[[], object] = tuple,
    ) -> None:
        self._stream = parts.stream
        self._prepares = parts.prepares
        self._publisher = parts.publisher
        self._observer = parts.observer
        self._admits = parts.admits
        self._watch = parts.watch
        self._bounds = bounds
        self._withholding = Withholding(guarded, holds_lanes, parts.observer)
        self._remembered = Remembered()
        self._assignment = Assignment((), bounds, self._remembered, 0.0)
        self._condition = Condition(parts.observer, secrets)
        self._silent: dict[Work, None] = {}
        """Works whose outcome Kafka does not acknowledge: nothing is taken in meanwhile."""
        self._tasks: TaskGroup
        self._workers = Workers(self._work_on)
        self._asked = sys.maxsize
        """How many partitions the fetch that is under way asks for; none is under way: as many as there could be."""
        self._fetch_scope = anyio.CancelScope()
        self._stopped = anyio.Event()
        self._changed: anyio.Event | None = None
        """What a drain waits for: one more work has come to an end."""
        self._fetched_at = 0.0
        self._unassigned_since: float | None = None

    async def run(self) -> None:
        """Work until `stop`.

        Raises ConfigurationFault for what is wrong at start, StreamFault when only a new process can help; what is not
        done then comes again.
        """
        self._fetched_at = self._unassigned_since = anyio.current_time()
        try:
            async with anyio.create_task_group() as self._tasks:
                try:
                    self._tasks.start_soon(self._read)
                    self._tasks.start_soon(self._commit_regularly)
                    self._tasks.start_soon(self._admits.tend, self._go_on)
                    if self._watch is not None:
                        self._tasks.start_soon(self._watch, lambda: self.pulse)
                    await self._stopped.wait()
                finally:
                    self._tasks.cancel_scope.cancel()
                    self._prepares.abort_started()
        except BaseExceptionGroup as group:
            raise first_cause(group) from group
        finally:
            with anyio.CancelScope(shield=True):
                self._assignment.drain()
                if not self._condition.stopping:  # a fault: what was done stays done
                    await self._last_commit(self._assignment)
                self._assignment.close(anyio.current_time())
                await self._stream.stop()

    async def stop(self) -> None:
        """Start nothing more, finish what is started within DRAIN_SECONDS, commit, end `run`."""
        self._condition.stop()
        await self._drain(self._assignment)
        self._condition.stopped()
        self._stopped.set()

    async def revoke(self) -> None:
        """Finish what is started before the partitions go to somebody else; the rest begins again there."""
        self._unassigned_since = anyio.current_time()
        await self._drain(self._assignment)

    def assign(self, partitions: Collection[Partition]) -> None:
        """Begin new sessions."""
        now = anyio.current_time()
        self._assignment.drain()
        self._assignment.close(now)
        joins = self._prepares.begin_joins(self._assignment.joins)
        self._assignment = Assignment(
            partitions, self._bounds, self._remembered, now, self._withholding.held, joins=joins
        )
        self._unassigned_since = None
        if partitions:
            self._admits.take_share(len(partitions) / max(self._stream.all_partitions, len(partitions)))
        self._fetch_scope.cancel()
        self._observer.assigned(partitions)

    @property
    def pulse(self) -> Pulse:
        """Signs of life."""
        fetchable, _ = self._assignment.fetchable() if self._taking else ([], 0)
        received = {partition: self._assignment.sessions[partition].ledger.end for partition in fetchable}
        return Pulse(self._condition.state, self._fetched_at, self._unassigned_since, received)

    @property
    def state(self) -> EngineState:
        """What the service does."""
        return self._condition.state

    @property
    def standing(self) -> Standing:
        """Where things stand. May be asked in any thread, at any time after it was built."""
        assignment = self._assignment
        held, held_bytes = count_held(assignment)
        return Standing(
            state=self._condition.state,
            ready_once=self._condition.ready_once,
            partitions=stand(assignment, self._stream.unread),
            held=held,
            held_bytes=held_bytes,
            ready=count_ready(assignment),
            window_shut=not assignment.has_room,
            sources_held=self._withholding.held.copy(),
            kafka_silent=bool(self._silent),
        )

    @property
    def held_records(self) -> int:
        """Records in memory: fetched, and neither done nor dropped."""
        return self._assignment.held_records

    @property
    def held_bytes(self) -> int:
        """Their bytes."""
        return self._assignment.held_bytes

    # Reading

    @property
    def _taking(self) -> bool:
        return self._condition.reading and not self._silent and self._admits.places > 0

    async def _read(self) -> None:
        await self._stream.start(self)
        while True:
            records = await self._fetch()
            self._go_on()  # the fetch may have made us ready, or ended a halt
            assignment = self._assignment
            held_up_since = anyio.current_time()
            for work in [work for record in records if (work := assignment.receive(record))]:
                prepared, now = await self._prepare(work, assignment), anyio.current_time()
                assignment.enqueue(work, prepared, now)
                self._go_on()
                if now - held_up_since > HOLD_UP_SECONDS:
                    for _ in range(TURNS_BETWEEN):
                        await checkpoint()
                    held_up_since = anyio.current_time()

    async def _fetch(self) -> list[Record]:
        assignment = self._assignment
        starting = self._condition.state is EngineState.STARTING
        reading, most = assignment.fetchable() if self._taking or starting else ([], 1)
        self._asked = len(reading)
        records: list[Record] = []
        try:
            with anyio.CancelScope() as self._fetch_scope:
                wait = FIRST_FETCH_SECONDS if starting else FETCH_SECONDS
                records = await self._stream.fetch(reading, most, wait)
        except ConfigurationFault as fault:
            if starting:
                raise
            self._halt(fault, "reading")
            await self._condition.until_recheck()
            return []
        self._fetched_at, self._asked = anyio.current_time(), sys.maxsize
        if not self._fetch_scope.cancelled_caught:
            if self._unassigned_since is None and assignment is self._assignment:
                self._condition.ready()  # also with no partition: a spare member, that a roll-out must not wait for
            if self._taking and (reading or not assignment.sessions):  # else nobody was asked
                self._condition.proved("reading")
        return records

    async def _prepare(self, work: Work, assignment: Assignment) -> Prepared | Absorbed:
        if work.size > LARGE_RECORD_BYTES:
            return await anyio.to_thread.run_sync(self._prepares.prepare, work.record, assignment.joins)
        return self._prepares.prepare(work.record, assignment.joins)

    # Working

    def _go_on(self) -> None:
        """Start what may start, and read what may be read: something has changed."""
        more = self._asked < len(self._assignment.sessions) and self._taking
        if more and len(self._assignment.fetchable()[0]) > self._asked:
            self._fetch_scope.cancel()
        probing = self._condition.state is EngineState.PROBING
        while self._taking and not (probing and self._assignment.running):
            admits = self._admits
            work = self._assignment.start(admits.places, admits.isolated, others_first=admits.trying)
            if work is None:
                return
            self._workers.begin(self._tasks, work, self._assignment)

    async def _work_on(self, work: Work, assignment: Assignment) -> None:
        with anyio.CancelScope() as scope:
            work.abandon = scope.cancel
            await self._attempt(work, assignment)
        self._go_on()
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def _attempt(self, work: Work, assignment: Assignment) -> None:
        self._observer.attempting(work.record)
        try:
            result = await work.prepared.job.attempt()
        except ConfigurationFault as fault:
            assignment.put_back(work)
            self._halt(fault, "a record")
            return
        if isinstance(result, TryAgain | Aside):
            assignment.try_again(work)
            self._go_on()
            await (result.work() if isinstance(result, Aside) else anyio.sleep(result.seconds))
            assignment.due(work)
            return
        if catalogue_has_judged(result):
            self._condition.proved("a record")
        assignment.ended(work)
        self._go_on()
        if self._withholding.concerns(work, result, anyio.current_time(), self._assignment.hold):
            assignment.withhold(work)
            return
        await self._publish(work, result)
        assignment.acknowledged(work)
        self._observer.published(result)

    # Publishing

    async def _publish(self, work: Work, outcome: Outcome) -> None:
        try:
            while True:
                try:
                    await self._publisher.publish(outcome)
                except KafkaUnavailable as fault:
                    self._observer.not_published(outcome)
                    if not self._silent:
                        self._observer.kafka_silent(fault)
                    self._silent[work] = None
                    await anyio.sleep(REPUBLISH_SECONDS)
                except ConfigurationFault as fault:
                    self._observer.not_published(outcome)
                    self._halt(fault, "publishing")
                    await self._condition.until_recheck()
                else:
                    self._condition.proved("publishing")
                    return
        finally:
            if work in self._silent:
                del self._silent[work]
                if not self._silent:
                    self._observer.kafka_back()

    # Committing

    async def _commit_regularly(self) -> None:
        while True:
            await anyio.sleep(COMMIT_EVERY_SECONDS)
            self._assignment.wake_due(anyio.current_time())
            try:
                await self._commit(self._assignment)
            except ConfigurationFault as fault:
                self._halt(fault, "committing")
                await self._condition.until_recheck()
            else:
                self._condition.proved("committing")
                self._go_on()

    async def _commit(self, assignment: Assignment) -> None:
        offsets = assignment.committable()
        if not offsets:
            return
        try:
            await self._stream.commit(offsets)
        except ConfigurationFault:
            self._observer.commit_failed()
            raise
        except StreamFault as fault:
            self._observer.commit_failed()
            _LOG.warning("offsets are not committed now, their records may come again: %s", fault)
        else:
            assignment.committed(offsets)
            self._observer.commit_taken()

    async def _last_commit(self, assignment: Assignment) -> None:
        with anyio.move_on_after(LAST_COMMIT_SECONDS) as deadline:
            try:
                await self._commit(assignment)
            except ConfigurationFault as fault:
                _LOG.error("the last offsets could not be committed, their records come again: %s", fault)
        if deadline.cancelled_caught:
            _LOG.warning("Kafka did not take the last offsets in time; their records come again")

    # Letting go

    async def _drain(self, assignment: Assignment) -> None:
        began = anyio.current_time()
        assignment.drain()
        with anyio.move_on_after(DRAIN_SECONDS):
            while assignment.busy:
                self._changed = self._changed or anyio.Event()
                await self._changed.wait()
        if assignment.busy:
            _LOG.warning("giving up unfinished records after %.0f s; they come again", DRAIN_SECONDS)
        await self._last_commit(assignment)
        assignment.close(anyio.current_time())
        self._observer.drained(anyio.current_time() - began)

    def _halt(self, fault: ConfigurationFault, awaited: Proof) -> None:
        if self._condition.halt(fault, awaited):
            self._tasks.start_soon(self._recheck_later)

    async def _recheck_later(self) -> None:
        await self._condition.recheck_later()
        self._go_on()
