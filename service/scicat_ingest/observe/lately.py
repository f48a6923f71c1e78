"""What was told lately, for the status page and for gauges: facts, no counts for Prometheus."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scicat_ingest.deliver.classify import Route
from scicat_ingest.engine.observer import Observer
from scicat_ingest.engine.standing import copy_of
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.deliver.attempt import Attempt, Result
    from scicat_ingest.faults import ConfigurationFault, RecordFault, StreamFault
    from scicat_ingest.report.outcome import Outcome

LAST_OUTCOMES = 100
LAST_REQUESTS = 500
MESSAGE_CHARACTERS = 300
MINUTES = 60
FAILURES_SECONDS = 60.0
SLOT_SECONDS = 5.0
"""Outcomes are counted in slots of this length."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An outcome, without the event: that may be megabytes."""

    at: float
    """Seconds since 1970."""
    outcome: str
    seconds: float
    """From receiving the record on."""
    record: tuple[str, int, int]
    pid: str | None = None
    acquisition_id: str | None = None
    instrument: str | None = None
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Letters:
    """The dead letters of one reason."""

    count: int
    last_at: float
    hint: str


@dataclass(slots=True)
class Requests:
    """The requests of one route."""

    count: int = 0
    last: deque[float] = field(default_factory=lambda: deque(maxlen=LAST_REQUESTS))
    """Seconds that the last ones took."""


class Lately(Observer):
    """Told in the event loop, read in any thread."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.started_at = now()
        self.outcomes: deque[Seen] = deque(maxlen=LAST_OUTCOMES)
        """The newest last."""
        self.slots: deque[tuple[float, Counter[str]]] = deque(maxlen=round(MINUTES * 60 / SLOT_SECONDS) + 1)
        """Begin of each slot that has any, and its outcomes by kind: ingested, dead_lettered, ignored."""
        self.attempts: deque[tuple[float, Counter[Result]]] = deque(maxlen=round(FAILURES_SECONDS / SLOT_SECONDS) + 1)
        """Begin of each slot that has any, and its requests to SciCat by result, probes left out."""
        self.letters: dict[str, Letters] = {}
        self.requests: dict[Route, Requests] = {}
        self.last_outcome_at: float | None = None
        self.halt: ConfigurationFault | None = None
        """Why nothing is read."""
        self.silence: StreamFault | None = None
        """What Kafka said when it did not acknowledge."""
        self.held_lanes = 0
        self.commits = 0
        self.last_commit_at: float | None = None
        self.rebalances = 0

    def assigned(self, partitions: Collection[Partition]) -> None:  # noqa: ARG002
        """Count."""
        self.rebalances += 1

    def commit_taken(self) -> None:
        """Note when."""
        self.commits += 1
        self.last_commit_at = self._now()

    def lane_held(self, outcome: Outcome) -> None:  # noqa: ARG002
        """Count."""
        self.held_lanes += 1

    def halted(self, fault: ConfigurationFault) -> None:
        """Note the cause; it may be another one at each recheck."""
        self.halt = fault

    def resumed(self) -> None:
        """Forget the cause."""
        self.halt = None

    def kafka_silent(self, fault: StreamFault) -> None:
        """Note the cause."""
        self.silence = fault

    def kafka_back(self) -> None:
        """Forget the cause."""
        self.silence = None

    def requested(self, attempt: Attempt) -> None:
        """Note how long a request took (`deliver.attempt.Tell`)."""
        requests = self.requests.get(attempt.route)
        if requests is None:
            requests = self.requests[attempt.route] = Requests()
        requests.count += 1
        requests.last.append(attempt.seconds)
        if attempt.route is Route.HEALTH:
            return  # a probe's; no work has failed
        now = self._now()
        begin = now - now % SLOT_SECONDS
        if not self.attempts or self.attempts[-1][0] != begin:
            self.attempts.append((begin, Counter()))
        self.attempts[-1][1][attempt.result] += 1

    def attempts_lately(self) -> Counter[Result]:
        """Count the requests of the last FAILURES_SECONDS by result."""
        since = self._now() - FAILURES_SECONDS
        found: Counter[Result] = Counter()
        for begin, counts in copy_of(lambda: self.attempts):
            if begin > since:
                found.update(dict(copy_of(counts.items)))
        return found

    def published(self, outcome: Outcome) -> None:
        """Note an outcome."""
        now = self.last_outcome_at = self._now()
        record = outcome.record
        where = (record.topic, record.partition, record.offset)
        took = max(now - outcome.received_at.timestamp(), 0.0)
        match outcome:
            case Ingested(plan=plan, delivered=delivered):
                kind, verdict = "ingested", delivered.verdict
                seen = Seen(now, verdict, took, where, plan.pid, plan.acquisition_id, plan.instrument)
            case DeadLettered(fault=fault, pid=pid):
                kind = "dead_lettered"
                seen = Seen(now, kind, took, where, pid, reason=fault.code, message=fault.message[:MESSAGE_CHARACTERS])
                self._count_letter(fault, now)
            case Skipped(ignored=ignored):
                kind = "ignored"
                seen = Seen(now, kind, took, where, reason=ignored.reason)
        self.outcomes.append(seen)
        begin = now - now % SLOT_SECONDS
        if not self.slots or self.slots[-1][0] != begin:
            self.slots.append((begin, Counter()))
        self.slots[-1][1][kind] += 1

    def _count_letter(self, fault: RecordFault, now: float) -> None:
        before = self.letters.get(fault.code)
        count = 1 if before is None else before.count + 1
        self.letters[fault.code] = Letters(count, now, fault.default_hint)
