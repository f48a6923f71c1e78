"""Spans of each record, from its receiving to the acknowledged outcome: an extra, and nothing at all while it is off.

One span a record (kind consumer, child of the producer's `traceparent`), below it `map`, each request to SciCat (kind
client) and `publish` (kind producer). Names and attributes are OpenTelemetry's conventions for messaging and HTTP.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from scicat_ingest import __version__
from scicat_ingest.engine.observer import Observer
from scicat_ingest.faults import ExtraMissing
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.deliver.attempt import Attempt
    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.settings import KafkaSettings, TracingSettings

_NS = 1_000_000_000
_SENT_WITHIN_MS = 5000
"""How long the last spans may take at the end."""
_CURRENT: ContextVar[Span | None] = ContextVar("the span of the record that this task works on", default=None)


class Tracing(Observer):
    """Makes the spans. `now` gives seconds since 1970. Told in the event loop; sending is the provider's matter."""

    def __init__(self, provider: TracerProvider, kafka: KafkaSettings, now: Callable[[], float] = time.time) -> None:
        from opentelemetry import trace  # noqa: PLC0415 (an extra)
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._trace = trace
        self._propagator = TraceContextTextMapPropagator()
        self._tracer = provider.get_tracer("scicat_ingest", __version__)
        self._kafka = kafka
        self._now = now
        self._open: dict[tuple[str, int, int], Span] = {}

    def attempting(self, record: Record) -> None:
        """Begin the record's span at its first attempt; requests of this task belong to it."""
        key = _key(record)
        span = self._open.get(key)
        if span is None:
            span = self._open[key] = self._begin(record)
        _CURRENT.set(span)

    def requested(self, attempt: Attempt) -> None:
        """Note a request to SciCat that has ended just now (`deliver.attempt.Tell`)."""
        parent = _CURRENT.get()
        if parent is None:
            return
        end = self._now()
        route = attempt.route.name.lower()
        self._child(
            parent,
            f"scicat {route}",
            self._trace.SpanKind.CLIENT,
            (end - attempt.seconds, end),
            {"scicat.route": route, "scicat.result": attempt.result},
            failed=attempt.result not in ("success", "conflict"),
        )

    def published(self, outcome: Outcome) -> None:
        """End the record's span, with what became of it."""
        record = outcome.record
        span = self._open.pop(_key(record), None) or self._begin(record)
        end = self._now()
        match outcome:
            case Ingested(plan=plan, delivered=delivered):
                self._steps(span, outcome, self._kafka.ingested_topic, end)
                attributes = {"scicat.pid": plan.pid, "scicat.outcome": delivered.verdict}
            case DeadLettered(fault=fault, pid=pid):
                self._steps(span, outcome, self._kafka.dead_letter_topic, end)
                attributes = {"scicat.outcome": "dead_lettered", "error.type": fault.code}
                attributes |= {} if pid is None else {"scicat.pid": pid}
                span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, fault.code))
            case Skipped(ignored=ignored):
                attributes = {"scicat.outcome": "ignored", "scicat.reason": ignored.reason}
        span.set_attributes(attributes)
        span.end(round(end * _NS))

    def assigned(self, partitions: Collection[Partition]) -> None:  # noqa: ARG002 (an Observer)
        """End what was given up: its records come again, here or elsewhere."""
        self._give_up()

    def drained(self, seconds: float) -> None:  # noqa: ARG002 (an Observer)
        """End what was given up."""
        self._give_up()

    def _give_up(self) -> None:
        for span in self._open.values():
            span.set_attribute("scicat.outcome", "given_up")
            span.end(round(self._now() * _NS))
        self._open.clear()

    def _begin(self, record: Record) -> Span:
        carrier = {name: text.decode("utf-8", "replace") for name, text in record.headers if name.startswith("trace")}
        return self._tracer.start_span(
            f"process {record.topic}",
            context=self._propagator.extract(carrier),
            kind=self._trace.SpanKind.CONSUMER,
            start_time=round(self._now() * _NS),
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": record.topic,
                "messaging.destination.partition.id": str(record.partition),
                "messaging.kafka.offset": record.offset,
                "messaging.consumer.group.name": self._kafka.group_id,
                "messaging.message.body.size": len(record.value or b""),
            },
        )

    def _steps(self, span: Span, outcome: Ingested | DeadLettered, topic: str, end: float) -> None:
        received, first, done = outcome.received_at, outcome.first_attempt_at, outcome.done_at
        if first is not None:
            self._child(span, "map", self._trace.SpanKind.INTERNAL, (_seconds(received), _seconds(first)), {})
        attributes = {
            "messaging.system": "kafka",
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": topic,
        }
        times = (min(_seconds(done), end), end)
        self._child(span, f"publish {topic}", self._trace.SpanKind.PRODUCER, times, attributes)

    def _child(
        self,
        parent: Span,
        name: str,
        kind: object,
        times: tuple[float, float],
        attributes: dict[str, str],
        *,
        failed: bool = False,
    ) -> None:
        begin, end = times
        child = self._tracer.start_span(
            name,
            context=self._trace.set_span_in_context(parent),
            kind=kind,  # type: ignore[arg-type]  # (SpanKind is of an optional package)
            start_time=round(begin * _NS),
            attributes=attributes,
        )
        if failed:
            child.set_status(self._trace.Status(self._trace.StatusCode.ERROR))
        child.end(round(end * _NS))


@contextmanager
def sending(settings: TracingSettings, kafka: KafkaSettings) -> Iterator[Tracing | None]:
    """Give what makes spans, and send them meanwhile and at the end; None while it is off. Raises ExtraMissing."""
    if settings.enabled == "off":
        yield None
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 (an extra)
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
    except ImportError:
        raise ExtraMissing("tracing.enabled needs scicat-ingest[tracing]") from None
    provider = TracerProvider(
        resource=Resource.create({"service.name": "scicat-ingest", "service.version": __version__}),
        sampler=ParentBasedTraceIdRatio(settings.sample_ratio),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.endpoint)))
    try:
        yield Tracing(provider, kafka)
    finally:
        provider.force_flush(_SENT_WITHIN_MS)
        provider.shutdown()


def _key(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
