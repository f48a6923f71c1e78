"""What is looked at when Prometheus asks, and needs nobody to tell it. Runs in the ops server's threads.

Series of partitions that are gone, of states that are over, vanish by themselves: only what there is now is given.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector

from scicat_ingest import __version__
from scicat_ingest.deliver.pace import retry_budget
from scicat_ingest.engine.states import EngineState, WorkState
from scicat_ingest.observe.metrics import catalogue
from scicat_ingest.observe.metrics.registry import family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric as Family

    from scicat_ingest.deliver.pace.traffic import Numbers
    from scicat_ingest.engine.standing import Standing
    from scicat_ingest.observe.heart import Heart
    from scicat_ingest.observe.lately import Lately
    from scicat_ingest.observe.metrics.metric import Metric
    from scicat_ingest.observe.pauses import Pauses
    from scicat_ingest.observe.sights import Sights
    from scicat_ingest.settings import LimitsSettings

HELD_STATES = {
    "queued": (WorkState.RECEIVED, WorkState.QUEUED),
    "working": (WorkState.RUNNING,),
    "waiting": (WorkState.WAITING,),
    "publishing": (WorkState.UNPUBLISHED,),
}
"""The states of a record that is in memory, by the label's value."""


def by_state(held: Mapping[WorkState, int]) -> dict[str, int]:
    """Add up what is in memory, records or bytes, by the label's value."""
    return {name: sum(held.get(state, 0) for state in states) for name, states in HELD_STATES.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Gauges(Collector):
    """Gives families of the catalogue. `now` is in seconds since 1970; `topics` are the input topics."""

    sights: Sights
    lately: Lately
    heart: Heart
    pauses: Pauses
    limits: LimitsSettings
    topics: tuple[str, ...]
    now: Callable[[], float]

    def collect(self) -> Iterator[Family]:
        """Look at everything once."""
        standing = None if self.sights.engine is None else self.sights.engine.standing
        yield from self._kafka(standing)
        yield from self._memory(standing)
        yield from self._scicat(standing)
        yield from self._service(standing)

    def _kafka(self, standing: Standing | None) -> Iterator[Family]:
        partitions = {} if standing is None else standing.partitions
        lag, oldest = family(catalogue.LAG), family(catalogue.OLDEST_OPEN)
        for (topic, number), partition in partitions.items():
            labels = [topic, str(number)]
            if partition.lag is not None:
                lag.add_metric(labels, partition.lag)
            oldest.add_metric(labels, age_of(partition.oldest_ms, self.now()))
        yield lag
        yield oldest
        retention = family(catalogue.RETENTION)
        for topic in self.topics:
            seconds = self.sights.retention.get(topic)
            if seconds is not None:
                retention.add_metric([topic], seconds)
        yield retention
        yield _one(catalogue.ASSIGNED, len(partitions))
        if self.sights.kafka_asked:
            yield _one(catalogue.KAFKA_ANSWERS, self.sights.kafka_away is None)

    def _memory(self, standing: Standing | None) -> Iterator[Family]:
        yield _many(catalogue.HELD, by_state({} if standing is None else standing.held))
        yield _many(catalogue.HELD_BYTES, by_state({} if standing is None else standing.held_bytes))
        yield _one(catalogue.HELD_LIMIT, self.limits.held_records)
        yield _one(catalogue.HELD_LIMIT_BYTES, self.limits.held_bytes)
        yield _many(catalogue.PAUSED, self.pauses.seconds)

    def _scicat(self, standing: Standing | None) -> Iterator[Family]:
        if self.sights.deliveries is None:
            return
        numbers, token = self.sights.deliveries.numbers, self.sights.deliveries.token
        closed = numbers.circuit == "closed"
        yield _one(catalogue.CONCURRENCY, numbers.limit)
        yield _one(catalogue.IN_FLIGHT, self.sights.deliveries.requests_under_way)
        yield _many(catalogue.WAITING, _waiting(standing, numbers))
        if numbers.rate is not None:
            yield _one(catalogue.RATE, numbers.rate)
        yield _one(catalogue.RETRY_TOKENS, numbers.retry_tokens)
        yield _one(catalogue.RETRY_LIMIT, retry_budget.TOKENS)
        yield _one(catalogue.CIRCUIT_OPEN, not closed)
        yield _one(catalogue.CIRCUIT_OPENED, numbers.circuit_opened)
        if token.issued_at is not None:
            yield _one(catalogue.TOKEN_ISSUED, token.issued_at)
        if token.expires_at is not None:
            yield _one(catalogue.TOKEN_EXPIRES, token.expires_at)
        yield _many(catalogue.TOKEN_RENEWALS, {"success": token.succeeded, "failure": token.failed})

    def _service(self, standing: Standing | None) -> Iterator[Family]:
        state, lately = self.sights.state, self.lately
        yield _many(catalogue.STATE, {each.name.lower(): each is state for each in EngineState})
        yield _many(catalogue.HALTED, {} if lately.halt is None else {lately.halt.code: 1})
        held = {} if standing is None else standing.sources_held
        yield _many(catalogue.SOURCE_HELD, {topic: topic in held for topic in self.topics})
        if lately.last_outcome_at is not None:
            yield _one(catalogue.LAST_OUTCOME, lately.last_outcome_at)
        yield _one(catalogue.LOOP_LAG, self.heart.lag_seconds)
        build = family(catalogue.BUILD)
        build.add_metric([__version__, platform.python_version()], 1)
        yield build


def _waiting(standing: Standing | None, numbers: Numbers) -> dict[str, int]:
    ready = behind = 0
    if standing is not None:
        behind = max(standing.held.get(WorkState.QUEUED, 0) - standing.ready, 0)
        if standing.state is EngineState.RUNNING and not standing.kafka_silent:
            ready = standing.ready  # else they wait for something else
    closed = numbers.circuit == "closed"
    return {
        "lane": behind,
        "circuit": 0 if closed else ready,
        "concurrency": ready if closed else 0,
        "rate": numbers.waiting,
    }


def age_of(timestamp_ms: int | None, now: float) -> float:
    """Give the seconds since a Kafka timestamp; 0 for none, and for one of a clock that is ahead."""
    return 0.0 if timestamp_ms is None or timestamp_ms < 0 else max(now - timestamp_ms / 1000, 0.0)


def _one(metric: Metric, value: float) -> Family:
    given = family(metric)
    given.add_metric([], value)
    return given


def _many(metric: Metric, values: Mapping[str, float]) -> Family:
    given = family(metric)
    for label, value in values.items():
        given.add_metric([label], value)
    return given
