"""Which dead letters are not published: too many of one source, or one whose acquisition is to wait instead (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.engine.flood_guard import FloodGuard
from scicat_ingest.engine.lane_failures import is_failure
from scicat_ingest.faults import AcquisitionFailed, EarlierFailed
from scicat_ingest.report.message import REPLAY
from scicat_ingest.report.outcome import DeadLettered, Ingested

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from scicat_ingest.engine.observer import Observer
    from scicat_ingest.engine.session import Work
    from scicat_ingest.report.outcome import Outcome


class Withholding:
    """Asked about each outcome before it is published."""

    def __init__(self, guarded: Collection[str], holds_lanes: Collection[str], observer: Observer) -> None:
        self._guards = {topic: FloodGuard() for topic in guarded}
        self._holds_lanes = frozenset(holds_lanes)
        self._observer = observer
        self.held: dict[str, str] = {}
        """Topics that are held until the service is started again, and why."""

    def concerns(self, work: Work, outcome: Outcome, now: float, hold: Callable[[str], None]) -> bool:
        """Tell whether this outcome is not to be published; `hold` is called with a source that is to be held."""
        return self._is_flood(work, outcome, now, hold) or self._is_lane_held(work, outcome)

    def _is_flood(self, work: Work, outcome: Outcome, now: float, hold: Callable[[str], None]) -> bool:
        topic = work.record.topic
        guard = self._guards.get(topic)
        match outcome:
            case Ingested() if guard is not None:
                guard.good(now)
            case DeadLettered(fault=fault) if guard is not None and not isinstance(fault, AcquisitionFailed):
                if topic in self.held:
                    return True
                if work.record.header(f"{REPLAY}of") is not None:
                    return False  # it was a dead letter before: a replay of many must not hold what comes in meanwhile
                reason = guard.dead(work.lane, now)
                if reason is not None:
                    self.held[topic] = reason
                    hold(topic)
                    self._observer.held(topic, f"{reason}; the last: {fault}")
                    return True
        return False

    def _is_lane_held(self, work: Work, outcome: Outcome) -> bool:
        """Tell whether a dead letter is to hold its lane instead: the lane is not given back."""
        if work.record.topic not in self._holds_lanes:
            return False
        if is_failure(outcome):
            self._observer.lane_held(outcome)
            return True
        return isinstance(outcome, DeadLettered) and isinstance(outcome.fault, EarlierFailed)
