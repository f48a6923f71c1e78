"""Who may be in which state, as tables. docs/engine.md is drawn from them (`make docs`).

A step that is not in its table is a fault of ours: `step` raises, and the process ends.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class WorkState(Enum):
    """Where one record is."""

    __hash__ = object.__hash__  # each member is one object; Enum's own is slow, and these are looked up all the time

    RECEIVED = "fetched, not yet decoded"
    KEPT = "waiting for another record of its run; only its offset is held, and what the run needs of it"
    QUEUED = "waiting for its turn in its lane"
    RUNNING = "an attempt is under way; it holds one of limits.max_concurrency places"
    WAITING = "waiting for its next attempt; its lane waits with it, and nobody else"
    UNPUBLISHED = "ended; Kafka has not acknowledged the outcome yet"
    DONE = "acknowledged; its offset may be committed"
    DROPPED = "left to the partition's next session, where it comes again"


class WorkEvent(Enum):
    """What happens to one record."""

    __hash__ = object.__hash__  # each member is one object; Enum's own is slow, and these are looked up all the time

    PREPARED = "decoded, mapped and planned: its lane is known"
    ABSORBED = "its run has taken over what it says; it comes again if the run's start does"
    KEEP = "it is one of several records of a run, and the run is not complete"
    WAKE = "its run is complete, or given up"
    COMPLETED = "the outcome of its run's end is acknowledged"
    START = "its turn has come"
    TRY_AGAIN = "SciCat is in trouble, or the dataset may be someone's work in progress"
    DUE = "the wait is over"
    HALT = "our own configuration is wrong: the record is not to blame"
    OUTCOME = "it was ingested, or never can be, or there was nothing to do"
    ACKNOWLEDGED = "Kafka has stored its outcome"
    WITHHOLD = "the flood guard holds its source: the dead letter is not published"
    DROP = "its session takes no more part in it"


WORK: Mapping[tuple[WorkState, WorkEvent], WorkState] = {
    (WorkState.RECEIVED, WorkEvent.PREPARED): WorkState.QUEUED,
    (WorkState.RECEIVED, WorkEvent.DROP): WorkState.DROPPED,
    (WorkState.RECEIVED, WorkEvent.ABSORBED): WorkState.DONE,
    (WorkState.RECEIVED, WorkEvent.KEEP): WorkState.KEPT,
    (WorkState.KEPT, WorkEvent.WAKE): WorkState.QUEUED,
    (WorkState.KEPT, WorkEvent.COMPLETED): WorkState.DONE,
    (WorkState.KEPT, WorkEvent.DROP): WorkState.DROPPED,
    (WorkState.QUEUED, WorkEvent.START): WorkState.RUNNING,
    (WorkState.QUEUED, WorkEvent.DROP): WorkState.DROPPED,
    (WorkState.RUNNING, WorkEvent.TRY_AGAIN): WorkState.WAITING,
    (WorkState.RUNNING, WorkEvent.HALT): WorkState.QUEUED,
    (WorkState.RUNNING, WorkEvent.OUTCOME): WorkState.UNPUBLISHED,
    (WorkState.RUNNING, WorkEvent.DROP): WorkState.DROPPED,
    (WorkState.WAITING, WorkEvent.DUE): WorkState.QUEUED,
    (WorkState.WAITING, WorkEvent.DROP): WorkState.DROPPED,
    (WorkState.UNPUBLISHED, WorkEvent.ACKNOWLEDGED): WorkState.DONE,
    (WorkState.UNPUBLISHED, WorkEvent.WITHHOLD): WorkState.DROPPED,
    (WorkState.UNPUBLISHED, WorkEvent.DROP): WorkState.DROPPED,
}


class SessionState(Enum):
    """Whether a partition of ours may be worked on."""

    ACTIVE = "fetched from, worked on"
    HELD = "the flood guard holds its source: paused, nothing is started, its offsets stay open"
    DRAINING = "the partition is going, or the service stops: what is started finishes, nothing begins"
    CLOSED = "no longer ours: whatever still ends is ignored, and comes again elsewhere"


class SessionEvent(Enum):
    """What happens to a partition of ours."""

    HOLD = "too many dead letters from this source"
    DRAIN = "revoked, or SIGTERM"
    CLOSE = "drained, or out of time"


SESSION: Mapping[tuple[SessionState, SessionEvent], SessionState] = {
    (SessionState.ACTIVE, SessionEvent.HOLD): SessionState.HELD,
    (SessionState.ACTIVE, SessionEvent.DRAIN): SessionState.DRAINING,
    (SessionState.HELD, SessionEvent.DRAIN): SessionState.DRAINING,
    (SessionState.DRAINING, SessionEvent.CLOSE): SessionState.CLOSED,
}


class EngineState(Enum):
    """What the service does."""

    STARTING = "joining the group; a wrong configuration ends the process with 78"
    RUNNING = "reading and working"
    HALTED = "our own configuration is wrong: paused, not ready; asks again every 1 to 5 min"
    PROBING = "trying with one record whether the configuration is right again"
    DRAINING = "stopping: what is started finishes"
    STOPPED = "the end"


class EngineEvent(Enum):
    """What happens to the service."""

    READY = "joined the group, and the partitions can be read"
    HALT = "a configuration fault, by whomever it is met"
    RECHECK = "the time for another try has come, or a secret has changed"
    PROVED = "what had failed works"
    STOP = "SIGTERM"
    DRAINED = "nothing is under way any more, or the grace is over"


ENGINE: Mapping[tuple[EngineState, EngineEvent], EngineState] = {
    (EngineState.STARTING, EngineEvent.READY): EngineState.RUNNING,
    (EngineState.STARTING, EngineEvent.STOP): EngineState.DRAINING,
    (EngineState.RUNNING, EngineEvent.HALT): EngineState.HALTED,
    (EngineState.RUNNING, EngineEvent.STOP): EngineState.DRAINING,
    (EngineState.HALTED, EngineEvent.RECHECK): EngineState.PROBING,
    (EngineState.HALTED, EngineEvent.STOP): EngineState.DRAINING,
    (EngineState.PROBING, EngineEvent.PROVED): EngineState.RUNNING,
    (EngineState.PROBING, EngineEvent.HALT): EngineState.HALTED,
    (EngineState.PROBING, EngineEvent.STOP): EngineState.DRAINING,
    (EngineState.DRAINING, EngineEvent.DRAINED): EngineState.STOPPED,
}

State = TypeVar("State", WorkState, SessionState, EngineState)
Event = TypeVar("Event", WorkEvent, SessionEvent, EngineEvent)


class IllegalStep(Exception):  # noqa: N818 (a bug, not one of the faults that callers expect)
    """A step that no table knows."""


def step(table: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """Give the next state. Raises IllegalStep."""
    try:
        return table[state, event]
    except KeyError:
        raise IllegalStep(f"{state} has no step for {event}") from None
