"""Counts and measures what happens. What is only looked at is `gauges`' matter."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from scicat_ingest.deliver.delivered import DatasetVerdict
from scicat_ingest.engine.observer import Observer
from scicat_ingest.observe.metrics import catalogue
from scicat_ingest.observe.metrics.registry import counter, histogram
from scicat_ingest.observe.metrics.trace import exemplar_of
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from prometheus_client import CollectorRegistry, Counter, Histogram

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.deliver.attempt import Attempt, Result
    from scicat_ingest.deliver.classify import Route
    from scicat_ingest.report.outcome import Outcome

OUTCOMES = (*get_args(DatasetVerdict), "dead_lettered", "ignored")


@dataclass(slots=True)
class _Cost:
    """What a record has cost so far."""

    exemplar: dict[str, str] | None
    requests: int = 0


_NOBODYS = _Cost(None)
_CURRENT: ContextVar[_Cost] = ContextVar("the record that this task works on", default=_NOBODYS)


class _Topic:
    """The series of one topic, looked up once: that takes longer than counting."""

    def __init__(self, topic: str, records: Counter, age: Histogram, work: Histogram) -> None:
        self.records = {outcome: records.labels(topic, outcome) for outcome in OUTCOMES}
        self.age = age.labels(topic)
        self.work = work.labels(topic)


class Recorder(Observer):
    """Told in the event loop; each call takes some microseconds.

    `topics` are the input topics: their series are there from the start, at 0.
    """

    def __init__(
        self, registry: CollectorRegistry, topics: Iterable[str], now: Callable[[], float] = time.time
    ) -> None:
        self._now = now
        records = counter(catalogue.RECORDS, registry)
        age, work = histogram(catalogue.AGE_AT_COMMIT, registry), histogram(catalogue.WORK, registry)
        self._topics = {topic: _Topic(topic, records, age, work) for topic in topics}
        self._dead_letters = counter(catalogue.DEAD_LETTERS, registry)
        self._ignored = counter(catalogue.IGNORED, registry)
        self._attempts = counter(catalogue.ATTEMPTS, registry)
        self._attempt: dict[tuple[Route, Result], Counter] = {}
        self._request_seconds = histogram(catalogue.REQUEST_SECONDS, registry)
        self._seconds: dict[Route, Histogram] = {}
        self._requests_per_record = histogram(catalogue.COST, registry)
        self._costs: dict[tuple[str, int, int], _Cost] = {}
        """Of records that were begun and are not done."""
        commits = counter(catalogue.COMMITS, registry)
        self._taken, self._failed = commits.labels("success"), commits.labels("failure")
        publishes = counter(catalogue.PUBLISHES, registry)
        self._publishes: dict[tuple[type[Outcome], str], Counter] = {
            (kind, result): publishes.labels(name, result)
            for kind, name in ((Ingested, "ingested"), (DeadLettered, "dead_letter"))
            for result in ("success", "failure")
        }
        self._rebalances = counter(catalogue.REBALANCES, registry)
        self._drains = histogram(catalogue.DRAIN, registry)

    def assigned(self, partitions: Collection[Partition]) -> None:  # noqa: ARG002 (which ones, the gauges tell)
        """Count, and forget what unfinished records have cost: they may be somebody else's now."""
        self._rebalances.inc()
        self._costs.clear()

    def attempting(self, record: Record) -> None:
        """Let the requests of this task count for the record."""
        place = (record.topic, record.partition, record.offset)
        cost = self._costs.get(place)
        if cost is None:
            cost = self._costs[place] = _Cost(exemplar_of(record))
        _CURRENT.set(cost)

    def requested(self, attempt: Attempt) -> None:
        """Count a request (`deliver.attempt.Tell`)."""
        cost = _CURRENT.get()
        cost.requests += 1
        key = (attempt.route, attempt.result)
        if key not in self._attempt:
            route = attempt.route.name.lower()
            self._attempt[key] = self._attempts.labels(route, attempt.result)
            self._seconds[attempt.route] = self._request_seconds.labels(route)
        self._attempt[key].inc()
        self._seconds[attempt.route].observe(attempt.seconds, cost.exemplar)

    def published(self, outcome: Outcome) -> None:
        """Count an outcome, and measure how long it took."""
        record, topic = outcome.record, self._topics[outcome.record.topic]
        now = self._now()
        match outcome:
            case Ingested(delivered=delivered):
                topic.records[delivered.verdict].inc()
            case DeadLettered(fault=fault):
                topic.records["dead_lettered"].inc()
                self._dead_letters.labels(record.topic, fault.code, fault.fault_class).inc()
            case Skipped(ignored=ignored):
                topic.records["ignored"].inc()
                self._ignored.labels(record.topic, ignored.reason).inc()
        if not isinstance(outcome, Skipped):
            self._publishes[type(outcome), "success"].inc()
        cost = self._costs.pop((record.topic, record.partition, record.offset), _NOBODYS)
        if record.timestamp_ms >= 0:
            topic.age.observe(max(now - record.timestamp_ms / 1000, 0.0), cost.exemplar)
        topic.work.observe(max(now - outcome.received_at.timestamp(), 0.0))
        self._requests_per_record.observe(0 if cost is _NOBODYS else cost.requests)

    def not_published(self, outcome: Outcome) -> None:
        """Count a failure."""
        self._publishes[type(outcome), "failure"].inc()

    def commit_taken(self) -> None:
        """Count."""
        self._taken.inc()

    def commit_failed(self) -> None:
        """Count a failure."""
        self._failed.inc()

    def drained(self, seconds: float) -> None:
        """Measure."""
        self._drains.observe(seconds)
