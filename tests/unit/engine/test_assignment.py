"""Everything that is held while partitions are ours, against a naive model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scicat_ingest.consume.record import Record
from scicat_ingest.engine.assignment import Assignment, Bounds
from scicat_ingest.engine.ports import Prepared
from scicat_ingest.engine.remembered import Remembered
from scicat_ingest.engine.states import SessionState, WorkState

if TYPE_CHECKING:
    from scicat_ingest.engine.ports import Job
    from scicat_ingest.engine.session import Work

BOUNDS = Bounds(records=12, bytes=3000, partition_records=8, expected_record_bytes=200)
PLACES = 3
PARTITIONS = [("a", 0), ("a", 1), ("b", 0)]
NO_JOB: Job = None  # type: ignore[assignment]  # nothing is attempted here


def record(offset: int, partition: tuple[str, int] = ("a", 0), lane: str = "x", size: int = 0) -> Record:
    return Record(*partition, offset, 0, lane.encode(), b"." * size)


def received(assignment: Assignment, *records: Record) -> list[Work]:
    """Receive and enqueue; the key is the lane."""
    works = []
    for given in records:
        work = assignment.receive(given)
        assert work is not None
        assignment.enqueue(work, Prepared(given.key, NO_JOB), 0.0)
        works.append(work)
    return works


def new(partitions: list[tuple[str, int]] | None = None, remembered: Remembered | None = None) -> Assignment:
    return Assignment(partitions or PARTITIONS, BOUNDS, remembered or Remembered(), 0.0)


class AssignmentMachine(RuleBasedStateMachine):
    """A Kafka that gives what is asked for, and an engine that does whatever comes next, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.remembered = Remembered()
        self.next = dict.fromkeys(PARTITIONS, 0)
        self.sent: dict[tuple[str, int], list[Record]] = {partition: [] for partition in PARTITIONS}
        self.done: set[tuple[tuple[str, int], int]] = set()
        """Everything that was ever acknowledged."""
        self.committed = dict.fromkeys(PARTITIONS, 0)

    @initialize()
    def begin(self) -> None:
        self.assignment = Assignment(PARTITIONS, BOUNDS, self.remembered, 0.0)
        self.prepared: list[Work] = []
        self.running: list[Work] = []
        self.waiting: list[Work] = []
        self.unpublished: list[Work] = []
        self.abandoned: list[Work] = []

    @rule(data=st.data(), size=st.integers(0, 90))
    def fetch(self, data: st.DataObject, size: int) -> None:
        partitions, most = self.assignment.fetchable()
        if not partitions:
            return
        for _ in range(data.draw(st.integers(1, most))):
            partition = data.draw(st.sampled_from(partitions))
            offset = self.next[partition]
            if offset == len(self.sent[partition]):
                step = data.draw(st.integers(1, 2))
                lane = data.draw(st.sampled_from("xyz"))
                before = self.sent[partition][-1].offset + step if self.sent[partition] else step
                self.sent[partition].append(record(before, partition, lane, size))
            given = self.sent[partition][offset]
            self.next[partition] += 1
            work = self.assignment.receive(given)
            known = (partition, given.offset) in self.done
            assert (work is None) == known, "done again, or never"
            if work is not None:
                self.prepared.append(work)

    @precondition(lambda self: self.prepared)
    @rule()
    def enqueue(self) -> None:
        for work in self.prepared:
            self.assignment.enqueue(work, Prepared((work.session.partition, work.record.key), NO_JOB), 0.0)
        self.prepared = []

    @rule()
    def start(self) -> None:
        work = self.assignment.start(PLACES)
        if work is None:
            return
        busy = [*self.running, *self.waiting, *self.unpublished]
        assert work.lane not in {other.lane for other in busy}, "two of one lane at once"
        earlier = [other for other in work.session.open.values() if other.record.key == work.record.key]
        assert work.record.offset == min(other.record.offset for other in earlier), "out of order"
        self.running.append(work)
        assert len(self.running) <= PLACES

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["ended", "try again", "halt"]))
    def attempt_ends(self, data: st.DataObject, how: str) -> None:
        work = data.draw(st.sampled_from(self.running))
        self.running.remove(work)
        if how == "ended":
            self.assignment.ended(work)
            self.unpublished.append(work)
        elif how == "halt":
            self.assignment.put_back(work)
        else:
            self.assignment.try_again(work)
            if work.state is WorkState.WAITING:
                self.waiting.append(work)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def due(self, data: st.DataObject) -> None:
        work = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(work)
        self.assignment.due(work)

    @precondition(lambda self: self.unpublished)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        work = data.draw(st.sampled_from(self.unpublished))
        self.unpublished.remove(work)
        self.assignment.acknowledged(work)
        self.done.add((work.session.partition, work.record.offset))

    @rule()
    def commit(self) -> None:
        offsets = self.assignment.committable()
        self.assignment.committed(offsets)
        self.committed |= offsets
        assert self.assignment.committable() == {}

    @rule(topic=st.sampled_from("ab"))
    def hold(self, topic: str) -> None:
        self.assignment.hold(topic)
        self.waiting = [work for work in self.waiting if work.state is WorkState.WAITING]

    @rule()
    def rebalance(self) -> None:
        self.assignment.drain()
        self.waiting = []
        self.commit()
        self.assignment.close(0.0)
        left_over = [*self.running, *self.unpublished, *self.abandoned]
        for partition, sent in self.sent.items():
            self.next[partition] = sum(given.offset < self.committed[partition] for given in sent)
        self.begin()
        self.abandoned = left_over

    @precondition(lambda self: self.abandoned)
    @rule(how=st.sampled_from(["ended", "try_again", "put_back", "acknowledged", "withhold", "due"]))
    def a_work_of_an_earlier_assignment_ends(self, how: str) -> None:
        work = self.abandoned.pop()
        held = self.assignment.held_records
        getattr(self.assignment, how)(work)
        assert self.assignment.held_records == held

    @invariant()
    def nothing_is_committable_before_it_is_done(self) -> None:
        if not hasattr(self, "assignment"):
            return
        for partition, offset in (self.committed | self.assignment.committable()).items():
            below = {given.offset for given in self.sent[partition] if given.offset < offset}
            assert below <= {done for where, done in self.done if where == partition}

    @invariant()
    def what_is_held_stays_within_the_bounds(self) -> None:
        if not hasattr(self, "assignment"):
            return
        works = [work for session in self.assignment.sessions.values() for work in session.open.values()]
        assert self.assignment.held_records == len(works) <= BOUNDS.records
        assert self.assignment.held_bytes == sum(work.size for work in works) <= BOUNDS.bytes
        assert self.assignment.running == len(self.running)


TestAssignment = AssignmentMachine.TestCase
TestAssignment.settings = settings(max_examples=150, stateful_step_count=60, deadline=None, derandomize=True)


def test_partitions_take_turns() -> None:
    """A partition with a long backlog does not keep another one waiting."""
    assignment = new()
    received(assignment, *[record(number, lane=str(number)) for number in range(5)])
    received(assignment, record(0, ("b", 0)))
    first, second = assignment.start(PLACES), assignment.start(PLACES)
    assert {work.session.partition for work in (first, second) if work} == {("a", 0), ("b", 0)}


def test_a_waiting_record_blocks_its_own_lane_only() -> None:
    """Its place is free for others meanwhile, and it has the next turn when it is due."""
    assignment = new()
    slow, same, other = received(assignment, record(0), record(1), record(2, lane="y"))
    assert assignment.start(PLACES) is slow
    assignment.try_again(slow)
    assert assignment.running == 0
    assert assignment.start(PLACES) is other
    assert assignment.start(PLACES) is None
    assignment.due(slow)
    assert assignment.start(PLACES) is slow
    assignment.ended(slow)
    assert assignment.start(PLACES) is None, "not before its outcome is acknowledged"
    assignment.acknowledged(slow)
    assert assignment.start(PLACES) is same


def test_a_shut_partition_is_not_fetched_until_it_is_half_empty() -> None:
    """The others are, as far as the process has room."""
    assignment = new()
    works = received(assignment, *[record(number, lane=str(number)) for number in range(8)])
    assert assignment.fetchable() == ([("a", 1), ("b", 0)], 4)
    for _ in range(4):
        work = assignment.start(PLACES)
        assert work is not None
        assignment.ended(work)
        assignment.acknowledged(work)
    assert ("a", 0) in assignment.fetchable()[0]
    assert works[0].state is WorkState.DONE


def test_a_held_source_is_left_alone_and_its_offsets_stay_open() -> None:
    """What is under way ends; its other records are dropped from memory and wait in Kafka."""
    assignment = new()
    under_way, queued = received(assignment, record(0), record(1, lane="y"))
    assert assignment.start(PLACES) is under_way
    assignment.hold("a")
    assert queued.state is WorkState.DROPPED
    assert assignment.fetchable()[0] == [("b", 0)]
    assignment.ended(under_way)
    assignment.acknowledged(under_way)
    assert assignment.held_records == 0
    assert assignment.committable() == {("a", 0): 1}
    assert assignment.start(PLACES) is None


def test_a_source_that_was_held_before_a_rebalance_stays_held() -> None:
    """Only a new start of the service lets it go on."""
    assignment = Assignment(PARTITIONS, BOUNDS, Remembered(), 0.0, held=["a"])
    assert assignment.fetchable()[0] == [("b", 0)]
    assert {s.state for s in assignment.sessions.values() if s.topic == "a"} == {SessionState.HELD}


def test_a_withheld_dead_letter_keeps_its_offset_open() -> None:
    """It comes again after the next start."""
    assignment = new()
    (work,) = received(assignment, record(0))
    assert assignment.start(PLACES) is work
    assignment.ended(work)
    assignment.hold("a")
    assignment.withhold(work)
    assert assignment.committable() == {("a", 0): 0}
    assert assignment.held_records == 0


def test_a_closed_assignment_abandons_what_is_under_way_and_ignores_its_end() -> None:
    """The attempt is told to end; that it ends well after all changes nothing."""
    assignment = new()
    (work,) = received(assignment, record(0))
    assert assignment.start(PLACES) is work
    abandoned: list[Work] = []
    work.abandon = lambda: abandoned.append(work)
    assignment.drain()
    assert assignment.busy
    assignment.close(0.0)
    assert abandoned == [work]
    assignment.ended(work)
    assignment.acknowledged(work)
    assert assignment.committable() == {}
    assert (assignment.held_records, assignment.running) == (0, 0)


def test_what_was_completed_out_of_order_is_not_done_again_after_a_rebalance() -> None:
    """Only the record that was not done comes back as work."""
    remembered = Remembered()
    assignment = new(remembered=remembered)
    first, second = received(assignment, record(0), record(1, lane="y"))
    assert [assignment.start(PLACES), assignment.start(PLACES)] == [first, second]
    assignment.ended(second)
    assignment.acknowledged(second)
    assert assignment.committable() == {("a", 0): 0}
    assignment.drain()
    assignment.close(0.0)
    again = new(remembered=remembered)
    assert again.receive(record(0)) is not None
    assert again.receive(record(1)) is None


def test_records_for_a_partition_that_is_not_ours_are_left_to_others() -> None:
    """Nor is anything taken for one that is draining."""
    assignment = new([("a", 0)])
    assert assignment.receive(record(0, ("b", 0))) is None
    assignment.drain()
    assert assignment.receive(record(0)) is None
    assert assignment.held_records == 0


def test_many_partitions_share_the_records() -> None:
    """So that no partition fills the process alone; each still gets a window that is worth a fetch."""
    few = Assignment([("t", n) for n in range(4)], Bounds(records=400), Remembered(), 0.0)
    assert few.sessions["t", 0].window.most_records == 100
    many = Assignment([("t", n) for n in range(100)], Bounds(records=400), Remembered(), 0.0)
    assert many.sessions["t", 0].window.most_records == 25


def test_enough_that_is_ready_stops_the_reading_until_half_of_it_is_started() -> None:
    """Whichever partition it is of: one that alone has records is not kept to a share."""
    assignment = Assignment([("a", 0), ("a", 1)], Bounds(ready=8, least_ready=2), Remembered(), 0.0)
    assert assignment.fetchable() == ([("a", 0), ("a", 1)], 8)
    received(assignment, *(record(offset, lane=f"lane-{offset}") for offset in range(7)))
    received(assignment, record(0, ("a", 1), lane="other"))
    assert assignment.fetchable()[0] == []
    for _ in range(3):
        assert assignment.start(10) is not None
        assert ("a", 0) not in assignment.fetchable()[0]
    assert assignment.start(10) is not None
    assert assignment.fetchable() == ([("a", 0), ("a", 1)], 4)


def test_a_partition_with_a_backlog_keeps_no_other_from_being_read() -> None:
    """One of which nothing is ready is always asked, for a few."""
    assignment = Assignment([("a", 0), ("a", 1)], Bounds(ready=8, least_ready=2), Remembered(), 0.0)
    received(assignment, *(record(offset, lane=f"lane-{offset}") for offset in range(8)))
    assert assignment.fetchable() == ([("a", 1)], 2)
    received(assignment, record(0, ("a", 1), lane="other"))
    assert assignment.fetchable()[0] == []


def test_one_that_is_ready_may_be_enough() -> None:
    """It is read again when that one is started."""
    assignment = Assignment([("a", 0)], Bounds(ready=1, least_ready=1), Remembered(), 0.0)
    received(assignment, record(0))
    assert assignment.fetchable()[0] == []
    assert assignment.start(PLACES) is not None
    assert assignment.fetchable() == ([("a", 0)], 1)


def test_many_records_of_one_lane_are_one_that_is_ready() -> None:
    """Else the records behind them, of other lanes, would wait for them."""
    assignment = Assignment([("a", 0)], Bounds(ready=2, least_ready=1), Remembered(), 0.0)
    received(assignment, *(record(offset) for offset in range(50)))
    assert assignment.fetchable() == ([("a", 0)], 1)
