"""Settings of traces."""

from __future__ import annotations

from pydantic import Field

from scicat_ingest.settings.values import Group, Switch


class TracingSettings(Group):
    """Spans for OpenTelemetry, sent over OTLP; the rest is OpenTelemetry's own environment (OTEL_…): docs/traces.md."""

    enabled: Switch = Field(default="off", description="on: needs scicat-ingest[tracing]")
    endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="of the collector, such as http://collector:4318/v1/traces; "
        "default: OTEL_EXPORTER_OTLP_ENDPOINT, else localhost",
    )
    sample_ratio: float = Field(
        default=1.0, ge=0, le=1, description="share of the traces that begin here; a producer's own decision is kept"
    )
