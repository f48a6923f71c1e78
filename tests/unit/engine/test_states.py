"""The tables of states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scicat_ingest.engine.states import (
    ENGINE,
    SESSION,
    WORK,
    EngineEvent,
    EngineState,
    IllegalStep,
    SessionEvent,
    SessionState,
    WorkEvent,
    WorkState,
    step,
)

if TYPE_CHECKING:
    from enum import Enum

TABLES = [
    (WORK, WorkState, WorkEvent, WorkState.RECEIVED, {WorkState.DONE, WorkState.DROPPED}),
    (SESSION, SessionState, SessionEvent, SessionState.ACTIVE, {SessionState.CLOSED}),
    (ENGINE, EngineState, EngineEvent, EngineState.STARTING, {EngineState.STOPPED}),
]


@pytest.mark.parametrize(("table", "states", "events", "first", "last"), TABLES)
def test_every_state_is_reached_and_left_and_every_event_is_used(
    table: Any, states: type[Enum], events: type[Enum], first: Any, last: set[Any]
) -> None:
    """Only the last states have no way out, and from each other one there is a way to a last one."""
    assert {state for state, _ in table} == set(states) - last
    assert {event for _, event in table} == set(events)
    reached = {first}
    ending = set(last)
    for _ in table:
        reached |= {after for (before, _), after in table.items() if before in reached}
        ending |= {before for (before, _), after in table.items() if after in ending}
    assert reached == ending == set(states)


def test_a_step_that_no_table_knows_is_our_own_fault() -> None:
    """A closed session, for one, never comes back."""
    with pytest.raises(IllegalStep, match=r"CLOSED has no step for SessionEvent\.DRAIN"):
        step(SESSION, SessionState.CLOSED, SessionEvent.DRAIN)
