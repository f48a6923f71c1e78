"""Spans of a record, from its receiving to the acknowledged outcome."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from tests.unit.acquisition_events import event, plan, record

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.deliver.attempt import Attempt
from scicat_ingest.deliver.classify import Route
from scicat_ingest.deliver.delivered import Delivered
from scicat_ingest.faults import ExtraMissing, PidTaken
from scicat_ingest.observe import tracing as tracing_module
from scicat_ingest.observe.tracing import Tracing, sending
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped
from scicat_ingest.settings import KafkaSettings, TracingSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

NOW = 1_776_848_100.0
AT = datetime.fromtimestamp(NOW - 1, UTC)
PARENT = ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
DELIVERED = Delivered("created", 1, 0, 0, 0, ("b1",), (), 1, ())


class Stage:
    """Tracing into memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracing = Tracing(self.provider, KafkaSettings(), lambda: NOW)

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def stage() -> Iterator[Stage]:
    one = Stage()
    current = tracing_module._CURRENT.set(None)
    yield one
    tracing_module._CURRENT.reset(current)
    one.provider.shutdown()


def test_a_record_is_a_child_of_its_producers_span_and_its_steps_are_its_children(stage: Stage) -> None:
    """Mapping, each request, publishing: one trace from the acquisition to the answer."""
    given = record(event(), headers=(PARENT,))
    stage.tracing.attempting(given)
    stage.tracing.requested(Attempt(Route.POST_DATASET, "success", 0.25))
    stage.tracing.requested(Attempt(Route.POST_ORIGDATABLOCK, "transient", 0.5))
    stage.tracing.attempting(given)  # again, after a wait
    stage.tracing.published(Ingested(given, plan(event()), DELIVERED, AT, AT, AT))
    spans = stage.spans()
    root = spans["process scicat.acquisitions"]
    assert root.parent is not None
    assert f"{root.parent.trace_id:032x}" == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert root.kind is SpanKind.CONSUMER
    assert root.attributes is not None
    assert root.attributes["scicat.outcome"] == "created"
    assert root.attributes["messaging.kafka.offset"] == given.offset
    children = set(spans) - {root.name}
    assert children == {"map", "scicat post_dataset", "scicat post_origdatablock", "publish scicat.ingested"}
    for name in children:
        parent = spans[name].parent
        assert parent is not None
        assert parent.span_id == root.context.span_id
    posted = spans["scicat post_dataset"]
    assert (posted.end_time or 0) - (posted.start_time or 0) == pytest.approx(250_000_000, abs=1000)
    assert not spans["scicat post_origdatablock"].status.is_ok


def test_a_dead_letter_is_an_error_and_an_ignored_record_is_none(stage: Stage) -> None:
    """With the reason; a record that was never attempted has a span too."""
    stage.tracing.published(DeadLettered(record(event()), PidTaken("no"), "p/1", AT, AT))
    root = stage.spans()["process scicat.acquisitions"]
    assert root.attributes is not None
    assert (root.attributes["error.type"], root.attributes["scicat.pid"]) == ("pid_taken", "p/1")
    assert not root.status.is_ok
    stage.exporter.clear()
    stage.tracing.published(Skipped(record(None), Ignored("tombstone"), AT))
    assert set(stage.spans()) == {"process scicat.acquisitions"}


def test_what_is_given_up_ends_with_its_partition(stage: Stage) -> None:
    """Nothing is kept of records that come again elsewhere; requests of nobody are no spans."""
    stage.tracing.requested(Attempt(Route.HEALTH, "success", 0.1))
    stage.tracing.attempting(record(event()))
    stage.tracing.assigned([])
    assert [dict(span.attributes or {})["scicat.outcome"] for span in stage.spans().values()] == ["given_up"]
    stage.tracing.drained(1.0)
    assert len(stage.spans()) == 1


def test_it_is_off_by_default_and_costs_nothing() -> None:
    """Nothing is imported, nothing made."""
    with sending(TracingSettings(), KafkaSettings()) as tracing:
        assert tracing is None


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the service does not start."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with (
        pytest.raises(ExtraMissing, match=r"scicat-ingest\[tracing\]"),
        sending(TracingSettings(enabled="on"), KafkaSettings()),
    ):
        pass


def test_spans_are_sent_to_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ones at the end; one that is away harms nobody."""
    sent: list[Any] = []
    from opentelemetry.exporter.otlp.proto.http import trace_exporter  # noqa: PLC0415

    class Exporter(InMemorySpanExporter):
        def __init__(self, endpoint: str | None) -> None:
            super().__init__()
            sent.append(endpoint)

        def export(self, spans: Any) -> Any:
            sent.extend(span.name for span in spans)
            return super().export(spans)

    monkeypatch.setattr(trace_exporter, "OTLPSpanExporter", Exporter)
    settings = TracingSettings(enabled="on", endpoint="http://collector:4318/v1/traces")
    with sending(settings, KafkaSettings()) as tracing:
        assert tracing is not None
        tracing.published(Skipped(record(None), Ignored("tombstone"), AT))
    assert sent == ["http://collector:4318/v1/traces", "process scicat.acquisitions"]
