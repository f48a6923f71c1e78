"""The dashboards: every query can be asked, every panel is understood without asking somebody."""

from __future__ import annotations

import json
import subprocess
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from docs.dashboards import DASHBOARDS
from tests.alerts.promql import metric_names, with_values
from tests.alerts.series import RULES, alert_names, known_series, labels_unknown
from tests.tools.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = RULES.parent / "dashboards"
BOARDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
PANELS = {
    f"{name}: {panel['title']}": panel
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
}


def expressions(node: Any) -> Iterator[str]:
    match node:
        case dict():
            if isinstance(node.get("expr"), str):
                yield node["expr"]
            for value in node.values():
                yield from expressions(value)
        case list():
            for value in node:
                yield from expressions(value)


@pytest.mark.tools
@pytest.mark.parametrize("name", BOARDS)
def test_prometheus_can_parse_every_query(name: str, tmp_path: Path) -> None:
    """All of a dashboard's queries, as recording rules, with values in the place of Grafana's variables."""
    asked = [with_values(expr) for expr in expressions(BOARDS[name])]
    rules = [{"record": f"query:{number}", "expr": expr} for number, expr in enumerate(asked)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": name, "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([program("promtool"), "check", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(asked)} rules found" in done.stdout


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_reads_series_that_there_are(name: str) -> None:
    """A misspelt series is an empty panel, for ever."""
    for expr in expressions(BOARDS[name]):
        assert metric_names(with_values(expr)) <= known_series(), expr
        assert not labels_unknown([expr])


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_keeps_to_what_was_chosen(name: str) -> None:
    """Namespace and service are chosen above the page; a query without them would add up strangers."""
    for expr in expressions(BOARDS[name]):
        assert "$namespace" in expr, expr
        assert "$job" in expr, expr


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_explains_itself(name: str) -> None:
    """Title, description, unit, a data source that can be chosen, and runbooks that there are."""
    panel = PANELS[name]
    assert panel["description"].endswith((".", ":"))
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])
    for link in panel["links"]:
        assert Path(link["url"]).stem in alert_names()


@pytest.mark.parametrize("name", BOARDS)
def test_panels_do_not_overlap(name: str) -> None:
    """They lie in the 24 columns, none on another, and have numbers of their own."""
    panels = BOARDS[name]["panels"]
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_chosen_for(name: str) -> None:
    """Data source, namespace, service and topic are variables; the model is one that Grafana 10.4 knows."""
    board = BOARDS[name]
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "namespace", "job", "topic"]
    assert board["schemaVersion"] >= 39
    assert board["uid"] == f"scicat-ingest-{name}"


def test_no_dashboard_is_left_over() -> None:
    """Each file is written by docs/dashboards."""
    assert {f"{name}.json" for name in BOARDS} == {board.file_name for board in DASHBOARDS}
