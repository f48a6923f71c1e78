"""docs/alerts.md, made of the rules that Prometheus gets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[1] / "helm/scicat-ingest/files/rules.yaml"
SEVERITIES = {
    "critical": "it will not go on without a person, or data are in danger: wake somebody",
    "warning": "it goes on by itself, or can wait until the morning",
    "info": "look when there is time",
}

INTRODUCTION = """\
# Alerts

All rules are in [rules.yaml](../helm/scicat-ingest/files/rules.yaml): a plain Prometheus file, which the chart puts into a
PrometheusRule. One copy watches all releases that a Prometheus scrapes, apart by namespace and job; the job's name must contain
`scicat-ingest`. Thresholds are absolute: of ten events a day, one late one is no trend. Each has a test that it fires and one that it
does not (`make test-tools`), and a runbook.
"""

INHIBITION = """\
One cause, one page: for Alertmanager, so that a service that has halted or is down does not also complain of what follows from it:

```yaml
inhibit_rules:
  - source_matchers: [alertname=~"ScicatIngestDown|ScicatIngestHalted|ScicatIngestCredentialsRefused|ScicatIngestCircuitOpen"]
    target_matchers:
      - alertname=~"ScicatIngestReplicaDown|ScicatIngestRestarting|ScicatIngestTimeToDrain|ScicatIngestFreshnessBudgetBurning"
    equal: [namespace, job]
  - source_matchers: [alertname="ScicatIngestKafkaAway"]
    target_matchers: [alertname="ScicatIngestKafkaNotAcknowledging"]
    equal: [namespace, job]
  - source_matchers: [alertname="ScicatIngestOldestOpenRecord", severity="critical"]
    target_matchers: [alertname="ScicatIngestOldestOpenRecord", severity="warning"]
    equal: [namespace, job, topic]
```

Alerts that nobody reads are worth less than none: route `critical` to who is on call, `warning` to the team's channel, `info` nowhere.
"""


def alerts_page() -> str:
    """Give the page, without the note that it is generated."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = [rule for group in groups for rule in group["rules"]]
    lines = [INTRODUCTION, "| severity | meaning |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for name, meaning in SEVERITIES.items()]
    lines += ["", "| alert | severity | after | it says |", "|---|---|---|---|"]
    lines += [_row(rule) for rule in rules if "alert" in rule]
    lines += [
        "",
        INHIBITION,
        "## Recorded series",
        "",
        "The dashboards are made of them, too.",
        "",
        "| series | of |",
        "|---|---|",
    ]
    lines += [f"| `{rule['record']}` | `{_one_line(rule['expr'])}` |" for rule in rules if "record" in rule]
    return "\n".join([*lines, ""])


def _row(rule: dict[str, Any]) -> str:
    name = rule["alert"]
    says = re.sub(r"\{\{\s*(?:or )?\$labels\.(\w+)[^}]*\}\}", r"*\1*", rule["annotations"]["summary"])
    window = rule["labels"].get("window")
    shown = f"[{name}](runbooks/{name}.md)" + (f" ({window})" if window else "")
    return f"| {shown} | {rule['labels']['severity']} | {rule.get('for', 'at once')} | {says} |"


def _one_line(expr: str) -> str:
    return " ".join(expr.split()).replace("|", "\\|")
