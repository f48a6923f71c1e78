"""The alerts fire when they must, are silent when they must, and lead to a runbook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from docs.alert_table import INHIBITION
from tests.alerts.promql import metric_names
from tests.alerts.series import RULES, alert_names, known_series, labels_unknown, rules
from tests.tools.programs import program

HERE = Path(__file__).parent
RUNBOOKS = Path(__file__).parents[2] / "docs/runbooks"
HEADINGS = ["What it means", "Look at", "Do", "Escalate"]


def files(alert: str) -> list[Path]:
    """Most alerts have one; Alert.days.test.yaml has longer steps."""
    return sorted(HERE.glob(f"{alert}.*test.yaml"))


def cases(alert: str) -> list[dict[str, Any]]:
    return [case for path in files(alert) for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]


def run(*command: str | Path, cwd: Path = HERE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.tools
def test_prometheus_takes_the_rules() -> None:
    """Promtool finds nothing wrong, nor a rule that is there twice."""
    done = run(program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.tools
@pytest.mark.parametrize("alert", alert_names())
def test_an_alert_fires_when_it_must_and_only_then(alert: str) -> None:
    """Prometheus' own engine runs the alert's cases."""
    done = run(program("promtool"), "test", "rules", *files(alert))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.tools
@pytest.mark.parametrize("alert", alert_names())
def test_what_an_alert_says_can_be_printed(alert: str, tmp_path: Path) -> None:
    """Promtool shows the texts of an alert that it did not expect: no template fails, and no label is missing."""
    document = yaml.safe_load((HERE / f"{alert}.test.yaml").read_text(encoding="utf-8"))
    case = next(case for case in document["tests"] if case["name"].startswith("fires"))
    check = next(check for check in case.pop("promql_expr_test") if check["exp_samples"])
    case["alert_rule_test"] = [{"eval_time": check["eval_time"], "alertname": alert, "exp_alerts": []}]
    document |= {"rule_files": [str(RULES)], "tests": [case]}
    (tmp_path / "unexpected.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    done = run(program("promtool"), "test", "rules", "unexpected.yaml", cwd=tmp_path)
    said = done.stdout + done.stderr
    assert f'alertname="{alert}"' in said
    assert "error expanding template" not in said
    assert "<no value>" not in said
    assert "{{" not in said


@pytest.mark.parametrize("alert", alert_names())
def test_an_alert_has_cases_both_ways(alert: str) -> None:
    """At least one case in which it fires, and one in which it never does."""
    fires = [case for case in cases(alert) if case["name"].startswith("fires: ")]
    quiet = [case for case in cases(alert) if case["name"].startswith("quiet: ")]
    assert fires
    assert quiet
    assert len(fires) + len(quiet) == len(cases(alert))
    assert all(any(check["exp_samples"] for check in case["promql_expr_test"]) for case in fires)
    assert not any(check["exp_samples"] for case in quiet for check in case["promql_expr_test"])


def test_no_case_is_of_an_alert_that_is_gone() -> None:
    """Each file of cases and each runbook has its alert."""
    assert {path.name.partition(".")[0] for path in HERE.glob("*.test.yaml")} == set(alert_names())
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {"README", *alert_names()}


@pytest.mark.parametrize("alert", alert_names())
def test_the_cases_use_series_that_there_are(alert: str) -> None:
    """A case on a misspelt series or label would be quiet for the wrong reason."""
    given = [entry["series"] for case in cases(alert) for entry in case["input_series"]]
    names = {name for series in given for name in metric_names(series)}
    assert names <= known_series() - {rule.get("record") for rule in rules()}
    assert not labels_unknown(given)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_reads_series_that_there_are(rule: dict[str, Any]) -> None:
    """Prometheus takes an unknown name for one without values, and such an alert never fires."""
    assert metric_names(rule["expr"]) <= known_series()
    assert not labels_unknown([rule["expr"]])


@pytest.mark.parametrize("rule", [rule for rule in rules() if "alert" in rule], ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    """Severity, summary, description with values, and a runbook of its own name."""
    assert re.fullmatch(r"ScicatIngest[A-Z]\w+", rule["alert"])
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    texts = rule["annotations"]
    assert set(texts) == {"summary", "description", "runbook_url"}
    assert texts["runbook_url"] == f"https://scicat-ingest.example/runbooks/{rule['alert']}.md"
    assert "$labels" in texts["summary"]
    assert "$value" in texts["description"] or "$labels" in texts["description"]


@pytest.mark.parametrize("alert", alert_names())
def test_a_runbook_has_what_a_tired_person_needs(alert: str) -> None:
    """Four headings in this order, none of them empty; links lead somewhere."""
    text = (RUNBOOKS / f"{alert}.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    assert parts[0].strip() == f"# {alert}"
    assert parts[1::2] == HEADINGS
    assert all(part.strip() for part in parts[2::2])
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (RUNBOOKS / link).exists(), link


@pytest.mark.tools
def test_alertmanager_takes_what_the_page_advises(tmp_path: Path) -> None:
    """The inhibit rules in docs/alerts.md are valid, and name alerts that there are."""
    advice = INHIBITION.split("```yaml\n")[1].split("```")[0]
    config = tmp_path / "alertmanager.yml"
    config.write_text(f"route: {{receiver: nobody}}\nreceivers: [{{name: nobody}}]\n{advice}", encoding="utf-8")
    done = run(program("amtool"), "check-config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"ScicatIngest\w+", advice)) <= set(alert_names())
