"""Everything that is held while a set of partitions is ours (pure): what may be fetched, started, committed.

Kafka's eager rebalance takes all partitions away and gives a new set, so an assignment ends as a whole, and whatever
still refers to it afterwards changes nothing. Neither await nor clock: the engine calls, and does what it is told.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.engine.ports import Absorbed
from scicat_ingest.engine.session import PartitionSession, Work
from scicat_ingest.engine.states import SessionEvent, SessionState, WorkEvent, WorkState
from scicat_ingest.engine.window import Window

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.engine.ports import Keep, Key, Lane, Prepared
    from scicat_ingest.engine.remembered import Remembered


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be held and done at once."""

    records: int = 2000
    bytes: int = 64 * 1024 * 1024
    partition_records: int = 500
    ready: int = 128
    """While so many wait for nothing but a place, no more are read, until half of them have got one: a backlog costs
    nothing in Kafka. A partition of which none is ready is read all the same: another one's backlog is not its own."""
    least_ready: int = 8
    """How many may be fetched even then."""
    expected_record_bytes: int = 1024 * 1024
    """What Kafka lets pass by default: a fetch is never larger than what fits if all its records are of this size."""


_LEAST_PARTITION_RECORDS = 25
"""With many partitions, each one still gets a window that is worth a fetch."""


class Assignment:
    """The sessions of one assignment.

    Guarantees: no offset is committable before all records up to it are done; records held never exceed the bounds by
    more than the fetch that found out that records are larger than expected; between `start` and its end, nothing else
    of a work's lane starts; partitions take turns.
    """

    def __init__(
        self,
        partitions: Collection[Partition],
        bounds: Bounds,
        remembered: Remembered,
        now: float,
        held: Collection[str] = (),
        *,
        joins: object = None,
    ) -> None:
        self.joins = joins
        """What is known of runs that are told in several records."""
        share = max(bounds.records // max(len(partitions), 1), _LEAST_PARTITION_RECORDS)
        most = min(bounds.partition_records, share)
        self.sessions = {
            partition: PartitionSession.begin(partition, most, remembered.recall(partition, now))
            for partition in partitions
        }
        self._bounds = bounds
        self._remembered = remembered
        self._window = Window(bounds.records, bounds.bytes, bounds.expected_record_bytes)
        self._turns = deque(self.sessions.values())
        self._has_ready = False
        """Enough waits for a place."""
        self._running = 0
        self._alone: Work | None = None
        """The work that nothing else may run beside."""
        self._kept: dict[Key, Work] = {}
        self._kept_until: dict[Key, float] = {}
        for topic in held:
            self.hold(topic)

    @property
    def held_records(self) -> int:
        """Records that are received and neither done nor dropped."""
        return self._window.records

    @property
    def held_bytes(self) -> int:
        """Their size in bytes."""
        return self._window.bytes

    @property
    def has_room(self) -> bool:
        """Whether the process may hold more."""
        return self._window.open

    @property
    def running(self) -> int:
        """Attempts under way."""
        return self._running

    def fetchable(self) -> tuple[list[Partition], int]:
        """Say which partitions may be fetched from, and how many records at most."""
        if not self._window.open:
            return [], 1
        ready, enough = sum(session.lanes.turns for session in self.sessions.values()), self._bounds.ready
        self._has_ready = ready > enough // 2 if self._has_ready else ready >= enough
        sessions = [
            session
            for session in self.sessions.values()
            if not (self._has_ready and session.lanes.ready) and session.fetchable
        ]
        most = max(enough - ready, self._bounds.least_ready)
        room = min((session.window.room for session in sessions), default=1)
        return [session.partition for session in sessions], max(1, min(most, room, self._window.room))

    def receive(self, record: Record) -> Work | None:
        """Take a fetched record; None if there is nothing to do about it here."""
        session = self.sessions.get((record.topic, record.partition))
        if session is None or session.state is not SessionState.ACTIVE:
            return None  # its offset stays open: it comes again in another session
        if not session.ledger.receive(record.offset, record.timestamp_ms):
            return None
        work = Work(record, session)
        session.open[record.offset] = work
        self._count_in(work)
        return work

    def enqueue(self, work: Work, prepared: Prepared | Absorbed, now: float) -> None:
        """Put a prepared work into its lane, or keep it; unless it was dropped meanwhile."""
        if work.state is WorkState.DROPPED:
            return
        if isinstance(prepared, Absorbed):
            work.step(WorkEvent.ABSORBED)
            work.session.ledger.let_go(work.record.offset)
            self._forget(work)
        else:
            work.prepared = prepared
            if prepared.keep is None:
                work.step(WorkEvent.PREPARED)
                work.session.lanes.add(work.lane, work)
            else:
                self._keep(work, prepared.keep, now)
        for key in prepared.wakes:
            self.wake(key)

    def _keep(self, work: Work, keep: Keep, now: float) -> None:
        work.step(WorkEvent.KEEP)
        self._count_out(work)
        self.wake(keep.key)  # two of one name: nobody would complete the first
        self._kept[keep.key] = work
        self._kept_until[keep.key] = now + keep.seconds

    def wake(self, key: Key) -> None:
        """Let what is kept under this name have its turn."""
        work = self._unkeep(key)
        if work is not None:
            work.step(WorkEvent.WAKE)
            self._count_in(work)
            work.session.lanes.add(work.lane, work)

    def wake_due(self, now: float) -> None:
        """Wake what has been kept for long enough."""
        for key in [key for key, until in self._kept_until.items() if until <= now]:
            self.wake(key)

    def _unkeep(self, key: Key) -> Work | None:
        self._kept_until.pop(key, None)
        return self._kept.pop(key, None)

    def _complete(self, key: Key, end: Work) -> bool:
        """Let a kept record be done with the end of its run; tell whether it was still kept."""
        work = self._unkeep(key)
        if work is None:
            return False
        if work.session is end.session:
            first, last = sorted((work.record.offset, end.record.offset))
            work.session.ledger.join(first, last)
        work.step(WorkEvent.COMPLETED)
        work.session.ledger.finish(work.record.offset, work.record.timestamp_ms)
        del work.session.open[work.record.offset]
        return True

    def start(self, places: int, isolated: Container[Lane] = (), *, others_first: bool = False) -> Work | None:
        """Give the next work to attempt, if one may start: `places` are how many may run at once.

        A work of an `isolated` lane runs alone: nothing else starts until it could, and while it runs. With
        `others_first` it has to wait for all others.
        """
        if self._alone is not None or self._running >= places:
            return None
        for _ in range(len(self._turns)):
            session = self._turns[0]
            if session.lanes.ready:
                lane = session.lanes.next
                if others_first and lane in isolated:
                    lane = session.lanes.next_but(isolated)
                if lane is not None:
                    return self._start(session, lane, alone=lane in isolated)
            self._turns.rotate(-1)
        return self.start(places, isolated) if others_first else None

    def _start(self, session: PartitionSession, lane: Lane, *, alone: bool) -> Work | None:
        if alone and self._running:
            return None
        self._turns.rotate(-1)
        work = session.lanes.take(lane)
        work.step(WorkEvent.START)
        self._running += 1
        if alone:
            self._alone = work
        return work

    # The ends of what was started. Each may come after its session's close, and changes nothing then.

    def try_again(self, work: Work) -> None:
        """Let it wait; its place is free."""
        if work.state is not WorkState.DROPPED:
            self._leave_place(work, WorkEvent.TRY_AGAIN)
            if work.session.state is not SessionState.ACTIVE:
                self._drop(work)

    def due(self, work: Work) -> None:
        """Let it have the next turn."""
        if work.state is not WorkState.DROPPED:
            work.step(WorkEvent.DUE)
            work.session.lanes.put_back(work.lane, work)

    def put_back(self, work: Work) -> None:
        """Let it begin again when the halt is over."""
        if work.state is not WorkState.DROPPED:
            self._leave_place(work, WorkEvent.HALT)
            if work.session.state is SessionState.ACTIVE:
                work.session.lanes.put_back(work.lane, work)
            else:
                self._drop(work)

    def ended(self, work: Work) -> None:
        """Note that it has an outcome; its place is free, its lane is not."""
        if work.state is not WorkState.DROPPED:
            self._leave_place(work, WorkEvent.OUTCOME)

    def acknowledged(self, work: Work) -> None:
        """Note that its outcome is published: its offset is done."""
        if work.state is WorkState.DROPPED:
            return
        work.step(WorkEvent.ACKNOWLEDGED)
        completed = [self._complete(key, work) for key in work.prepared.completes]
        is_whole = all(completed)
        if is_whole:
            work.session.ledger.finish(work.record.offset, work.record.timestamp_ms)
        else:  # the others come again, and need it
            work.session.ledger.let_go(work.record.offset)
        self._forget(work)
        if work.session.state is SessionState.ACTIVE:
            work.session.lanes.release(work.lane)
        if is_whole and work.prepared.on_done is not None:
            work.prepared.on_done()

    def withhold(self, work: Work) -> None:
        """Leave its offset open: its dead letter is not to be published."""
        if work.state is not WorkState.DROPPED:
            work.step(WorkEvent.WITHHOLD)
            self._forget(work)

    def hold(self, topic: str) -> None:
        """Stop reading a source and starting its records; what is under way ends. Its offsets stay open."""
        for session in self.sessions.values():
            if session.topic == topic and session.state is SessionState.ACTIVE:
                session.step(SessionEvent.HOLD)
                self._drop_idle(session)

    def drain(self) -> None:
        """Drop everything that is not under way."""
        for session in self.sessions.values():
            if session.state in (SessionState.ACTIVE, SessionState.HELD):
                session.step(SessionEvent.DRAIN)
                self._drop_idle(session)

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return any(work.under_way for session in self.sessions.values() for work in session.open.values())

    def close(self, now: float) -> None:
        """End all sessions; abandon what is still under way, and remember what is done but cannot be committed."""
        for session in self.sessions.values():
            if session.state is not SessionState.CLOSED:
                session.step(SessionEvent.CLOSE)
                for work in list(session.open.values()):
                    self._drop(work)
                self._remembered.keep(session.partition, session.ledger.completions, now)

    def committable(self) -> dict[Partition, int]:
        """Give the offsets that are further than what was committed."""
        sessions = (session for session in self.sessions.values() if session.state is not SessionState.CLOSED)
        return {session.partition: offset for session in sessions if (offset := session.committable) is not None}

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Note what Kafka has taken."""
        for partition, offset in offsets.items():
            self.sessions[partition].committed = offset

    def _leave_place(self, work: Work, event: WorkEvent) -> None:
        work.step(event)
        self._give_place_back(work)

    def _give_place_back(self, work: Work) -> None:
        self._running -= 1
        if self._alone is work:
            self._alone = None

    def _drop_idle(self, session: PartitionSession) -> None:
        session.lanes.clear()
        under_way = [work for each in self.sessions.values() for work in each.open.values() if work.under_way]
        needed = {key for work in under_way for key in work.prepared.completes}
        for work in _idle(session.open.values()):
            if work.state is not WorkState.KEPT or work.prepared.keep is None or work.prepared.keep.key not in needed:
                self._drop(work)

    def _drop(self, work: Work) -> None:
        if work.state is WorkState.KEPT and work.prepared.keep is not None:
            self._unkeep(work.prepared.keep.key)
            self._count_in(work)  # is counted out below
        if work.state is WorkState.RUNNING:
            self._give_place_back(work)
        work.step(WorkEvent.DROP)
        self._forget(work)
        if work.abandon is not None:
            work.abandon()

    def _forget(self, work: Work) -> None:
        del work.session.open[work.record.offset]
        self._count_out(work)

    def _count_in(self, work: Work) -> None:
        work.session.window.add(work.size)
        self._window.add(work.size)

    def _count_out(self, work: Work) -> None:
        work.session.window.remove(work.size)
        self._window.remove(work.size)


def _idle(works: Iterable[Work]) -> list[Work]:
    return [work for work in works if not work.under_way]
