"""Order within a lane, one at a time; lanes take turns."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scicat_ingest.engine.lanes import Lanes

LANES = st.sampled_from("abcd")


class LanesMachine(RuleBasedStateMachine):
    """Against a naive model: a list of all items, and those that are taken."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes: Lanes[tuple[str, int]] = Lanes()
        self.queued: list[tuple[str, int]] = []
        self.taken: dict[str, tuple[str, int]] = {}
        self.number = 0

    @rule(lane=LANES)
    def add(self, lane: str) -> None:
        self.number += 1
        self.lanes.add(lane, (lane, self.number))
        self.queued.append((lane, self.number))

    @precondition(lambda self: self.lanes.ready)
    @rule()
    def take(self) -> None:
        item = self.lanes.take()
        lane = item[0]
        assert lane not in self.taken
        assert item == next(queued for queued in self.queued if queued[0] == lane)
        self.queued.remove(item)
        self.taken[lane] = item

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        lane = data.draw(st.sampled_from(sorted(self.taken)))
        del self.taken[lane]
        self.lanes.release(lane)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        lane = data.draw(st.sampled_from(sorted(self.taken)))
        item = self.taken.pop(lane)
        self.lanes.put_back(lane, item)
        first = next((number for number, queued in enumerate(self.queued) if queued[0] == lane), len(self.queued))
        self.queued.insert(first, item)
        assert self.lanes.ready

    @rule()
    def clear(self) -> None:
        assert sorted(self.lanes.clear()) == sorted(self.queued)
        self.queued = []
        for lane in list(self.taken):
            self.lanes.release(lane)
        self.taken = {}

    @invariant()
    def something_is_ready_when_a_lane_with_items_is_not_taken(self) -> None:
        assert self.lanes.ready == bool({lane for lane, _ in self.queued} - set(self.taken))


TestLanes = LanesMachine.TestCase
TestLanes.settings = settings(max_examples=100, stateful_step_count=40, deadline=None, derandomize=True)


def test_a_long_lane_does_not_keep_the_others_waiting() -> None:
    """Each lane has one turn before any has two."""
    lanes: Lanes[str] = Lanes()
    for number in range(5):
        lanes.add("long", f"long {number}")
    lanes.add("short", "short 0")
    order = []
    while lanes.ready:
        item = lanes.take()
        order.append(item)
        lanes.release(item.split()[0])
    assert order == ["long 0", "short 0", "long 1", "long 2", "long 3", "long 4"]


def test_an_idle_lane_takes_no_memory() -> None:
    """Every pid is a lane: they must not pile up."""
    lanes: Lanes[int] = Lanes()
    for number in range(100):
        lanes.add(number, number)
        lanes.release(lanes.take())
    assert lanes._queues == {}
    with pytest.raises(IndexError):
        lanes.take()
