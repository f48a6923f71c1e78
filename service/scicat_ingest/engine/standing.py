"""Where the engine stands, for those who watch it: copied from plain attributes, in any thread and at any moment.

Nothing here waits for the event loop, so it works while that hangs. No locks: under the GIL an attribute is read, and
a dict's values are copied, at once; a container that changes meanwhile all the same raises RuntimeError, and is copied
once more. Numbers may differ by what happened between two reads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from scicat_ingest.engine.states import SessionState, WorkState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.engine.assignment import Assignment
    from scicat_ingest.engine.session import PartitionSession
    from scicat_ingest.engine.states import EngineState

Copied = TypeVar("Copied")

COPIES = 100
"""How often a copy is tried; that even the second one fails was never seen."""


@dataclass(frozen=True, slots=True)
class PartitionStanding:
    """One partition of ours."""

    lag: int | None
    """Offsets that are not committed, read or not; None while the end is not known."""
    open: int
    """Records in memory, those of unfinished runs included."""
    oldest_ms: int | None
    """Kafka timestamp (ms since 1970) of the first record that was read and is not done; None if there is none."""
    window_shut: bool
    """Whether it is not read because enough of its records are held."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The engine at a moment."""

    state: EngineState
    ready_once: bool
    """Whether it has ever joined its group and read its partitions."""
    partitions: Mapping[Partition, PartitionStanding]
    held: Mapping[WorkState, int]
    """Records in memory by state; those that are kept for the end of their run are not counted."""
    held_bytes: Mapping[WorkState, int]
    """Their size by state, of those that are counted."""
    ready: int
    """Records whose turn it is: they wait for a place only."""
    window_shut: bool
    """Whether nothing is read because the process holds enough."""
    sources_held: Mapping[str, str]
    """Topics that the flood guard holds, and why."""
    kafka_silent: bool
    """Whether an outcome is not acknowledged, so that nothing is taken in."""


def stand(assignment: Assignment, unread: Callable[[Partition], int | None]) -> dict[Partition, PartitionStanding]:
    """Tell where each partition stands; `unread` are the offsets after those that were received."""
    sessions = [each for each in copy_of(assignment.sessions.values) if each.state is not SessionState.CLOSED]
    return {session.partition: _partition(session, unread(session.partition)) for session in sessions}


def count_held(assignment: Assignment) -> tuple[Counter[WorkState], Counter[WorkState]]:
    """Count records in memory, and their bytes, by state."""
    records: Counter[WorkState] = Counter()
    sizes: Counter[WorkState] = Counter()
    for session in copy_of(assignment.sessions.values):
        for work in copy_of(session.open.values):
            state = work.state
            records[state] += 1
            sizes[state] += work.size
    del records[WorkState.KEPT], sizes[WorkState.KEPT]
    return records, sizes


def count_ready(assignment: Assignment) -> int:
    """Count records that wait for nothing but a place."""
    return sum(session.lanes.turns for session in copy_of(assignment.sessions.values))


def _partition(session: PartitionSession, unread: int | None) -> PartitionStanding:
    ledger = session.ledger
    lag = None if unread is None else unread + ledger.since(session.committed)
    return PartitionStanding(lag, len(session.open), retried(lambda: ledger.oldest_ms), not session.window.open)


def copy_of(values: Callable[[], Iterable[Copied]]) -> list[Copied]:
    """Copy what another thread may change meanwhile."""
    return retried(lambda: list(values()))


def retried(read: Callable[[], Copied]) -> Copied:
    """Read something that another thread may change meanwhile."""
    for _ in range(COPIES):
        try:
            return read()
        except RuntimeError:
            continue
    return read()
