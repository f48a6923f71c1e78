"""Metrics of the catalogue as prometheus-client's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from scicat_ingest.observe.metrics.metric import Metric


def open_registry() -> CollectorRegistry:
    """Give a registry with the process's and Python's own metrics: ours, not the one that all libraries share."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter, which Prometheus itself does not use
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    """Give a counter that is told."""
    return Counter(metric.name, metric.meaning, metric.labels, registry=registry)


def histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    """Give a histogram that is told."""
    return Histogram(metric.name, metric.meaning, metric.labels, registry=registry, buckets=metric.buckets)


def family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    """Give one that is read at each scrape, with no values yet."""
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(metric.name, metric.meaning, labels=metric.labels)
