"""What a simulation decides: how long requests take, and how they fare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scicat_ingest.faults import IngestFault

Operation = Literal["start", "stop", "fetch", "commit", "lags", "publish", "rebalance"]


class Answer(Enum):
    """How a request fares."""

    GIVEN = auto()
    """It is done, and the client hears of it."""
    UNREACHABLE = auto()
    """Nothing is done, and the client gives up."""
    LOST = auto()
    """It is done, and the client does not hear of it."""


Latency = Callable[[Operation], float]
"""Seconds that an operation takes."""
Answers = Callable[[Operation, str], "Answer | IngestFault"]
"""Decides how an operation of a member fares; a fault is raised, and nothing is done."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Deadlines, in seconds; the defaults are those of the service."""

    session_timeout: float = 45.0
    """A member that was silent for so long is expelled."""
    rebalance_timeout: float = 60.0
    """So long the group waits for a member that lets go of its partitions."""
    heartbeat: float = 3.0
    """After so long a member that has been expelled finds out."""
    commit_within: float = 20.0
    acknowledged_within: float = 10.0
    looked_up_within: float = 10.0
    stop_within: float = 10.0


def at_once(operation: Operation) -> float:  # noqa: ARG001 (a Latency)
    """Take no time."""
    return 0.0


def all_given(operation: Operation, member: str) -> Answer:  # noqa: ARG001 (an Answers)
    """Let everything succeed."""
    return Answer.GIVEN
