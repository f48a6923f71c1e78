"""What becomes of the later records of a lane of which one was dead-lettered: `sources[].on_lane_failure`.

`continue`: each record is judged on its own. `dead_letter`: those that come after it become dead letters too, so that
they can be replayed in their order. `hold`: the same, but no dead letter of them is published: their offsets stay open.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scicat_ingest.faults import AcquisitionFailed, EarlierFailed
from scicat_ingest.report.message import REPLAY
from scicat_ingest.report.outcome import DeadLettered, Ingested

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.deliver.delivered import TryAgain
    from scicat_ingest.engine.ports import Aside, Job, Lane
    from scicat_ingest.engine.way import Circumstances
    from scicat_ingest.report.outcome import Outcome

MOST_LANES = 10_000
"""So many are remembered; the oldest is forgotten first."""


def is_failure(outcome: object) -> bool:
    """Tell whether later records of the lane are concerned; an acquisition that failed itself is no fault of a lane."""
    match outcome:
        case DeadLettered(fault=AcquisitionFailed() | EarlierFailed()):
            return False
        case DeadLettered():
            return True
        case _:
            return False


@dataclass(slots=True)
class LaneFailures:
    """The lanes of which a record was dead-lettered, and which one; known until the process ends."""

    _first: OrderedDict[Lane, str] = field(default_factory=OrderedDict)

    def guard(self, given: Circumstances, lane: Lane, job: Job) -> Job:
        """Give a job that is only done if nothing before it in its lane has failed. A replayed one always is."""
        return _InLane(self, given, _names(lane, given.record), job)

    def earlier(self, names: tuple[Lane, ...], record: Record) -> str | None:
        """Give the record that has failed; None if none has but this one, which came again."""
        failed = (self._first[name] for name in names if name in self._first)
        return next((name for name in failed if name != str(record)), None)

    def add(self, names: tuple[Lane, ...], record: Record) -> None:
        """Note a failure."""
        for name in names:
            self._first.setdefault(name, str(record))
            if len(self._first) > MOST_LANES:
                self._first.popitem(last=False)

    def mended(self, names: tuple[Lane, ...]) -> None:
        """Let the lane go on: a record of it was ingested."""
        for name in names:
            self._first.pop(name, None)


@dataclass(frozen=True, slots=True)
class _InLane:
    failures: LaneFailures
    given: Circumstances
    names: tuple[Lane, ...]
    job: Job

    async def attempt(self) -> Outcome | TryAgain | Aside:
        record = self.given.record
        earlier = self.failures.earlier(self.names, record)
        if earlier is not None and record.header(f"{REPLAY}of") is None:
            pid = next((name for name in self.names if isinstance(name, str)), None)
            return self.given.end(EarlierFailed(f"{earlier}, of the same acquisition, is a dead letter"), pid)
        result = await self.job.attempt()
        if isinstance(result, DeadLettered) and is_failure(result):
            self.failures.add(self.names if result.pid is None else (result.pid, *self.names), record)
        elif isinstance(result, Ingested):
            self.failures.mended(self.names)
        return result


def _names(lane: Lane, record: Record) -> tuple[Lane, ...]:
    """Give what a lane is known by: a record that cannot be read is of its key, a later one of its pid and its key."""
    return (lane,) if record.key is None else (lane, ("key", record.topic, record.key))
