"""Fills `StatusV1`: what the status page shows. Runs in the ops server's threads."""

from __future__ import annotations

import json
import platform
import re
from dataclasses import dataclass
from statistics import quantiles
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scicat_ingest import __version__
from scicat_ingest.catalogue.times import from_epoch_ms, write_time
from scicat_ingest.deliver.pace import retry_budget
from scicat_ingest.engine.standing import copy_of
from scicat_ingest.observe.conditions import conditions, worst
from scicat_ingest.observe.lately import MINUTES
from scicat_ingest.observe.metrics.gauges import age_of, by_state
from scicat_ingest.observe.status.model import (
    DeadLetters,
    Held,
    Kafka,
    Lag,
    LastOutcome,
    MinuteOfOutcomes,
    PartitionLag,
    RouteLatency,
    Scicat,
    Source,
    StatusV1,
    Throughput,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scicat_ingest.engine.standing import Standing
    from scicat_ingest.observe.heart import Heart
    from scicat_ingest.observe.lately import Lately, Requests, Seen
    from scicat_ingest.observe.pauses import Pauses
    from scicat_ingest.observe.sights import Sights
    from scicat_ingest.settings import Settings

_WHO = re.compile(r'//[^/@"\s]*@')


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Tells how the service does. `now` is in seconds since 1970."""

    settings: Settings
    sights: Sights
    lately: Lately
    heart: Heart
    pauses: Pauses
    now: Callable[[], float]

    def give(self) -> StatusV1:
        """Look at everything once."""
        now = self.now()
        standing = None if self.sights.engine is None else self.sights.engine.standing
        found = tuple(conditions(self.sights, self.lately, self.heart, self.pauses, standing))
        return StatusV1(
            version=__version__,
            name=platform.node(),
            now=_time(now),
            started_at=_time(self.lately.started_at),
            state=self.sights.state.name.lower(),
            severity=worst(found),
            conditions=found,
            throughput=self._throughput(now),
            lag=_lag(standing, now),
            held=self._held(standing),
            scicat=self._scicat(standing),
            kafka=self._kafka(standing, now),
            sources=self._sources(standing),
            last_outcomes=tuple(self._outcome(seen) for seen in reversed(copy_of(lambda: self.lately.outcomes))),
            dead_letters=self._dead_letters(),
            configuration=redacted(self.settings),
        )

    def _throughput(self, now: float) -> Throughput:
        slots = copy_of(lambda: self.lately.slots)

        def per_second(seconds: float) -> float:
            passed = min(seconds, max(now - self.lately.started_at, 1.0))
            return sum(counts.total() for begin, counts in slots if begin > now - seconds) / passed

        this_minute = int(now // 60)
        minutes = {minute: {"ingested": 0, "dead_lettered": 0, "ignored": 0} for minute in self._minutes(this_minute)}
        for begin, counts in slots:
            for kind, count in counts.items():
                if int(begin // 60) in minutes:
                    minutes[int(begin // 60)][kind] += count
        return Throughput(
            per_second_1m=per_second(60),
            per_second_15m=per_second(900),
            minutes=tuple(MinuteOfOutcomes(at=_time(60 * minute), **counts) for minute, counts in minutes.items()),
        )

    def _minutes(self, last: int) -> range:
        return range(max(last - MINUTES + 1, int(self.lately.started_at // 60)), last + 1)

    def _held(self, standing: Standing | None) -> Held:
        held, limits = by_state({} if standing is None else standing.held), self.settings.limits
        return Held(
            records=sum(held.values()),
            bytes=0 if standing is None else sum(standing.held_bytes.values()),
            limit_records=limits.held_records,
            limit_bytes=limits.held_bytes,
            by_state=held,
        )

    def _scicat(self, standing: Standing | None) -> Scicat:
        deliveries = self.sights.deliveries
        if deliveries is None:
            return Scicat(
                circuit="closed",
                concurrency_limit=0,
                in_flight=0,
                waiting=0,
                retry_budget=0,
                retry_budget_limit=retry_budget.TOKENS,
            )
        numbers, expires_at = deliveries.numbers, deliveries.token.expires_at
        return Scicat(
            circuit=numbers.circuit,
            concurrency_limit=numbers.limit,
            in_flight=deliveries.requests_under_way,
            waiting=0 if standing is None else standing.ready,
            rate_per_second=numbers.rate,
            retry_budget=numbers.retry_tokens,
            retry_budget_limit=retry_budget.TOKENS,
            token_expires_at=None if expires_at is None else _time(expires_at),
            routes=tuple(
                _latency(route.name.lower(), requests) for route, requests in copy_of(self.lately.requests.items)
            ),
        )

    def _kafka(self, standing: Standing | None, now: float) -> Kafka:
        last = self.lately.last_commit_at
        return Kafka(
            assigned_partitions=0 if standing is None else len(standing.partitions),
            commits=self.lately.commits,
            last_commit_seconds=None if last is None else max(now - last, 0.0),
            rebalances=self.lately.rebalances,
            acknowledges=standing is None or not standing.kafka_silent,
        )

    def _sources(self, standing: Standing | None) -> tuple[Source, ...]:
        held = {} if standing is None else standing.sources_held
        topics = [source.topic for source in self.settings.sources]
        return tuple(
            Source(
                topic=topic,
                mapping=self.sights.mappings.get(topic, "native"),
                held=topic in held,
                reason=held.get(topic),
            )
            for topic in topics
        )

    def _outcome(self, seen: Seen) -> LastOutcome:
        page = self.settings.scicat.dataset_page
        there = seen.outcome not in ("dead_lettered", "ignored") and seen.pid is not None
        return LastOutcome(
            at=_time(seen.at),
            outcome=seen.outcome,
            pid=seen.pid,
            acquisition_id=seen.acquisition_id,
            instrument=seen.instrument,
            duration_seconds=seen.seconds,
            reason=seen.reason,
            message=seen.message if self.settings.ops.show_payloads == "on" else None,
            record="/".join(map(str, seen.record)),
            dataset_url=page.replace("{pid}", quote(seen.pid, safe="")) if page and there and seen.pid else None,
        )

    def _dead_letters(self) -> tuple[DeadLetters, ...]:
        letters = sorted(copy_of(self.lately.letters.items), key=lambda each: -each[1].count)
        return tuple(
            DeadLetters(reason=reason, count=each.count, last_at=_time(each.last_at), hint=each.hint)
            for reason, each in letters
        )


def _lag(standing: Standing | None, now: float) -> Lag:
    partitions = tuple(_partitions(standing, now))
    known = [each.lag for each in partitions if each.lag is not None]
    ages = [each.oldest_open_seconds for each in partitions if each.oldest_open_seconds is not None]
    complete = bool(known) and len(known) == len(partitions)
    return Lag(
        records=sum(known) if complete else None, oldest_open_seconds=max(ages, default=None), partitions=partitions
    )


def _partitions(standing: Standing | None, now: float) -> Iterator[PartitionLag]:
    for (topic, number), each in sorted(({} if standing is None else standing.partitions).items()):
        oldest = None if each.oldest_ms is None else age_of(each.oldest_ms, now)
        yield PartitionLag(topic=topic, partition=number, lag=each.lag, open=each.open, oldest_open_seconds=oldest)


def _latency(route: str, requests: Requests) -> RouteLatency:
    last = copy_of(lambda: requests.last)
    if len(last) < 2:
        return RouteLatency(route=route, requests=requests.count, p50_seconds=max(last, default=None), p95_seconds=None)
    cuts = quantiles(last, n=20, method="inclusive")
    return RouteLatency(route=route, requests=requests.count, p50_seconds=cuts[9], p95_seconds=cuts[18])


def redacted(settings: Settings) -> dict[str, Any]:
    """Give the settings as JSON: secrets are stars, and so is who an address names in front of its host."""
    document: dict[str, Any] = json.loads(_WHO.sub("//***@", settings.model_dump_json()))
    return document


def _time(seconds: float) -> str:
    return write_time(from_epoch_ms(int(seconds * 1000)))
