"""When dead letters are too many to be the records' fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import record

from scicat_ingest.engine.flood_guard import IN_A_ROW, LAST, FloodGuard
from scicat_ingest.engine.observer import Observer
from scicat_ingest.engine.withholding import Withholding
from scicat_ingest.faults import InvalidField
from scicat_ingest.report.outcome import DeadLettered


def test_more_than_20_in_a_row_of_distinct_keys_trip_it() -> None:
    """The reason says how many."""
    guard = FloodGuard()
    assert [guard.dead(f"pid {number}", 0.0) for number in range(IN_A_ROW)] == [None] * IN_A_ROW
    assert guard.dead("one more", 0.0) == "21 dead letters in a row, of as many keys"


def test_one_poisonous_record_that_comes_again_and_again_is_no_flood() -> None:
    """Its key counts once."""
    guard = FloodGuard()
    assert {guard.dead("same", 0.0) for _ in range(50)} == {None}


def test_a_good_record_in_between_ends_the_row() -> None:
    """Nineteen, one good, nineteen: nothing is held."""
    guard = FloodGuard()
    for round_ in range(2):
        assert {guard.dead(f"{round_} {number}", 0.0) for number in range(19)} == {None}
        guard.good(0.0)


def test_more_than_a_quarter_of_the_last_200_trip_it() -> None:
    """Even if never many in a row."""
    guard = FloodGuard()
    reasons = []
    for number in range(LAST):
        if number % 3:
            guard.good(0.0)
        else:
            reasons.append(guard.dead(number, 0.0))
    assert reasons.index("51 dead letters among the last 151 outcomes") == 50
    assert set(reasons[:50]) == {None}


def test_a_quarter_over_more_than_an_hour_is_no_flood() -> None:
    """A slow trickle of bad records is life."""
    guard = FloodGuard()
    for number in range(LAST):
        guard.good(number * 100.0)
        assert guard.dead(number, number * 100.0) is None


@given(st.lists(st.booleans(), max_size=400))
def test_few_dead_letters_never_trip_it(outcomes: list[bool]) -> None:
    """Up to 20 dead letters in all cannot be a flood, in whatever order they come."""
    guard = FloodGuard()
    dead = 0
    for number, good in enumerate(outcomes):
        if good:
            guard.good(0.0)
        elif dead < IN_A_ROW:
            dead += 1
            assert guard.dead(number, 0.0) is None


@pytest.mark.parametrize(("headers", "held"), [((), ["in"]), ((("ingest.replay.of", b"letter"),), [])])
def test_a_replay_that_fails_again_holds_nothing(headers: Any, held: list[str]) -> None:
    """A curator who replays before the cause is mended must not stop what the producer sends meanwhile."""
    told: list[str] = []
    withholding = Withholding(["in"], (), Observer())
    at = datetime(2026, 4, 22, tzinfo=UTC)
    for number in range(50):
        failed = replace(record(b"{"), topic="in", offset=number, headers=headers)
        work: Any = SimpleNamespace(record=failed, lane=number)
        withholding.concerns(work, DeadLettered(failed, InvalidField("no"), None, at, at), 0.0, told.append)
    assert told == list(withholding.held) == held
