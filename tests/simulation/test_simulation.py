"""The simulation: the engine keeps its promises in it, it repeats exactly, and it would see them broken."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from scicat_ingest.engine.assignment import Assignment
from scicat_ingest.engine.engine import Engine
from scicat_ingest.engine.lanes import Lanes
from scicat_ingest.engine.ledger import Ledger
from scicat_ingest.engine.states import WorkEvent, WorkState
from scicat_ingest.engine.window import Window
from scicat_ingest.testing.simulate.__main__ import main
from scicat_ingest.testing.simulate.scenario import Kind, Trouble, draw_scenario
from scicat_ingest.testing.simulate.world import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scicat_ingest.engine.session import Work

SEEDS = 400
"""Here; `make simulate` runs 10 000, or as many as SEEDS says."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_all_promises_hold_whatever_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """No loss, order per lane, commits after acknowledgements, bounds, one id a record, and everything ends."""
    assert main(["--seeds", str(SEEDS)]) == 0
    said = capsys.readouterr().out
    assert f"{SEEDS} seeds in" in said
    assert "0 broken" in said


def test_every_kind_of_trouble_and_record_is_drawn() -> None:
    """A simulation without trouble proves nothing."""
    scenarios = [draw_scenario(seed) for seed in range(SEEDS)]
    assert {event.trouble for scenario in scenarios for event in scenario.events} == set(Trouble)
    assert {record.kind for scenario in scenarios for record in scenario.records} == set(Kind)


@pytest.mark.parametrize("seed", [3, 11, 76])
def test_a_seed_replays_exactly(seed: int) -> None:
    """Step by step, in another process with another hash seed."""
    here = simulate(seed)
    elsewhere = subprocess.run(
        [sys.executable, "-m", "scicat_ingest.testing.simulate", "--replay", str(seed)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "12345"},
    )
    assert here.digest in elsewhere.stdout
    assert simulate(seed).digest == here.digest


def commit_what_was_received(self: Ledger) -> int | None:
    return self.end


def forget_the_order(self: Assignment, work: Work) -> None:
    """Let the committed offset pass a record whose outcome is not acknowledged yet."""
    self._leave_place(work, WorkEvent.OUTCOME)
    work.session.ledger._open.move_to_end(work.record.offset)


def forget_to_free_the_place(self: Assignment, work: Work) -> None:
    if work.state is not WorkState.DROPPED:
        work.step(WorkEvent.OUTCOME)


def release_the_lane_at_once(self: Lanes[Any], lane: Any = None) -> Any:
    lane = self._ready.popleft()
    item = self._queues[lane].popleft()
    if self._queues[lane]:
        self._ready.append(lane)
    return item


def put_back_at_the_end(self: Lanes[Any], lane: Any, item: Any) -> None:
    self._queues[lane].append(item)
    self._ready.append(lane)


def never_shut(self: Window) -> bool:
    return True


async def close_at_once(self: Engine, assignment: Assignment) -> None:
    """Let partitions go with an offset that is not done."""
    offsets = {partition: session.ledger.end for partition, session in assignment.sessions.items()}
    assignment.drain()
    await self._stream.commit({partition: end for partition, end in offsets.items() if end is not None})
    assignment.close(0.0)


def drop_what_comes(self: Assignment, record: Any) -> None:
    """Lose a record in memory, and go on after it."""
    session = self.sessions[record.topic, record.partition]
    session.ledger.receive(record.offset, record.timestamp_ms)
    session.ledger.finish(record.offset, record.timestamp_ms)


def ids_by_partition(record: Any) -> str:
    return f"{record.partition} {record.timestamp_ms // 7}"


@pytest.mark.parametrize(
    ("where", "name", "planted", "seen_as"),
    [
        (Ledger, "position", property(commit_what_was_received), "is committed, and"),
        (Assignment, "ended", forget_the_order, "is committed, and"),
        (Assignment, "ended", forget_to_free_the_place, "no outcome for"),
        (Lanes, "take", release_the_lane_at_once, "begins before"),
        (Lanes, "put_back", put_back_at_the_end, "begins before"),
        (Window, "open", property(never_shut), "allowed"),
        (Engine, "_drain", close_at_once, "is committed, and"),
        (Assignment, "receive", drop_what_comes, "is committed, and"),
    ],
)
def test_a_planted_fault_is_seen(
    monkeypatch: pytest.MonkeyPatch, where: type, name: str, planted: Callable[..., Any], seen_as: str
) -> None:
    """The checks are worth something: each promise, once broken on purpose, is found broken within few seeds."""
    monkeypatch.setattr(where, name, planted)
    assert any(seen_as in (simulate(seed).violation or "") for seed in range(200))


def test_outcome_ids_that_are_not_distinct_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Consumers drop repeats by them."""
    for module in ("memory_kafka.publisher", "simulate.checks"):
        monkeypatch.setattr(f"scicat_ingest.testing.{module}.outcome_id", ids_by_partition)
    assert any("an outcome id names two records" in simulate(seed).violation for seed in range(50))


def test_a_wrong_number_of_seeds_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """With a message that says what is expected."""
    with pytest.raises(SystemExit) as ended:
        main(["--seeds", "0"])
    assert ended.value.code == 2
    assert "--seeds must be at least 1" in capsys.readouterr().err
