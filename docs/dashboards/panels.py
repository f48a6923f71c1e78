"""What a dashboard is made of, and how it becomes Grafana's JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_VERSION = 39
"""Grafana 10.4 and later read it as it is."""
COLUMNS = 24
RUNBOOKS = "https://scicat-ingest.example/runbooks"
"""The chart puts its own base in its place."""
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"
WHERE = {
    "$where": 'namespace=~"$namespace", job=~"$job"',
    "$topics": 'namespace=~"$namespace", job=~"$job", topic=~"$topic"',
}
"""Short words for the selectors that nearly all queries have."""

Kind = Literal["stat", "timeseries", "state-timeline", "table"]


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression, and the name of its lines."""

    expr: str
    legend: str = ""
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    `unit` is Grafana's id of it. `levels` are the values from which on the colour changes; below the first all is well.
    `words` replace values by texts: {0: ("up", GREEN)}. `runbook` is an alert's name.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 8
    levels: tuple[tuple[float, str], ...] = ()
    words: tuple[tuple[float, str, str], ...] = ()
    stacked: bool = False
    runbook: str | None = None
    first: str = GREEN


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of rows."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]

    @property
    def file_name(self) -> str:
        """Below helm/scicat-ingest/files/dashboards."""
        return f"{self.uid.removeprefix('scicat-ingest-')}.json"

    def to_json(self) -> dict[str, Any]:
        """Give Grafana's model."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["scicat-ingest"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": False,
            "graphTooltip": 1,  # one cross-hair over all panels
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timezone": "browser",
            "annotations": {"list": [_alert_marks()]},
            "links": [_others()],
            "templating": {"list": list(_variables())},
            "panels": list(_placed(self.rows)),
        }


def _placed(rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    """Lay panels out from left to right, and under each other."""
    number, y = 1, 0
    for row in rows:
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
            "panels": [],
        }
        number, y, x, tallest = number + 1, y + 1, 0, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height})
            number, x, tallest = number + 1, x + panel.width, max(tallest, panel.height)
        y += tallest


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": place,
        "links": [_runbook(panel.runbook)] if panel.runbook else [],
        "targets": [_target(query, chr(ord("A") + index), panel.kind) for index, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
        "transformations": [{"id": "merge", "options": {}}] if panel.kind == "table" else [],
    }


def _target(query: Query, letter: str, kind: Kind) -> dict[str, Any]:
    expr = query.expr
    for word, selector in WHERE.items():
        expr = expr.replace(word, selector)
    now = kind == "table"
    return {
        "refId": letter,
        "datasource": SOURCE,
        "expr": expr,
        "legendFormat": query.legend or "__auto",
        "exemplar": query.exemplars,
        "instant": now,
        "range": not now,
        "format": "table" if now else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"color": panel.first, "value": None}, *({"color": color, "value": at} for at, color in panel.levels)]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [_words(panel)] if panel.words else [],
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
    }
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "fillOpacity": 30 if panel.stacked else 5,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if panel.levels else "off"},
        }
    return defaults


def _words(panel: Panel) -> dict[str, Any]:
    texts = {
        f"{value:g}": {"text": text, "color": color, "index": index}
        for index, (value, text, color) in enumerate(panel.words)
    }
    return {"type": "value", "options": texts}


def _options(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case "stat":
            return {
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                "colorMode": "background",
                "graphMode": "none" if panel.words else "area",
                "textMode": "value",
            }
        case "timeseries":
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case "state-timeline":
            return {"mergeValues": True, "showValue": "never", "legend": {"showLegend": True, "placement": "bottom"}}
        case "table":
            return {"showHeader": True}


def _runbook(alert: str) -> dict[str, Any]:
    return {"title": f"Runbook: {alert}", "url": f"{RUNBOOKS}/{alert}.md", "targetBlank": True}


def _others() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "scicat-ingest",
        "tags": ["scicat-ingest"],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "icon": "dashboard",
    }


def _alert_marks() -> dict[str, Any]:
    return {
        "name": "Alerts that fire",
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": RED,
        "expr": 'ALERTS{alertname=~"ScicatIngest.*", alertstate="firing", severity="critical", '
        + WHERE["$where"]
        + "}",
        "step": "60s",
        "titleFormat": "{{alertname}}",
    }


def _variables() -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0}
    yield _variable("namespace", "Namespace", "label_values(scicat_ingest_build_info, namespace)")
    yield _variable("job", "Service", 'label_values(scicat_ingest_build_info{namespace=~"$namespace"}, job)')
    known_topics = f"label_values(scicat_ingest_source_held{{{WHERE['$where']}}}, topic)"
    yield _variable("topic", "Topic", known_topics)


def _variable(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,  # whenever the time range changes: releases come and go
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",  # also where there is no such label, as outside Kubernetes
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }
