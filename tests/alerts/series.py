"""Which series there are: those of the service, of its client library, and of the recording rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from tests.alerts.promql import labels_asked

from scicat_ingest.observe.metrics.catalogue import CATALOGUE
from scicat_ingest.observe.metrics.registry import open_registry

RULES = Path(__file__).parents[2] / "helm/scicat-ingest/files/rules.yaml"
TARGET_LABELS = frozenset({"namespace", "job", "instance", "pod"})
PROMETHEUS = frozenset({"up", "ALERTS"})
"""Made by Prometheus itself."""


def rules() -> list[dict[str, Any]]:
    """Give all rules, of all groups, in order."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alert_names() -> list[str]:
    """Give the names of all alerts, each once."""
    return list(dict.fromkeys(rule["alert"] for rule in rules() if "alert" in rule))


def labels_of_series() -> dict[str, set[str]]:
    """Give the service's series with their labels: its own, and those that Prometheus adds."""
    series: dict[str, set[str]] = {}
    for metric in CATALOGUE:
        labels = {*metric.labels, *TARGET_LABELS}
        if metric.kind == "histogram":
            series[f"{metric.name}_bucket"] = labels | {"le"}
            series |= {f"{metric.name}_{part}": labels for part in ("sum", "count")}
        else:
            series[metric.name] = labels
    return series


def known_series() -> set[str]:
    """Give the names of all series that an expression may read."""
    of_the_process = {sample.name for family in open_registry().collect() for sample in family.samples}
    return {
        *labels_of_series(),
        *of_the_process,
        *PROMETHEUS,
        *(rule["record"] for rule in rules() if "record" in rule),
    }


def labels_unknown(expressions: list[str]) -> set[tuple[str, str]]:
    """Give (series, label) of what selectors ask of the service's series, and these do not have."""
    series = labels_of_series()
    asked = {pair for expr in expressions for pair in labels_asked(expr)}
    return {(name, label) for name, label in asked if name in series and label not in series[name]}
