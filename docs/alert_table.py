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

TRIED = """\
## Tried

One service each, a record every 2 s, a real Kafka, the stand-in with its failure script, a Prometheus that asks every 15 s, these rules as
they are. Faults of 7 min unless another time is given; "over" counts from their end. No record was lost or became a dead letter, but those of
the wrong producer. Where it took longer than 5 min, ScicatIngestFreshnessBudgetBurning told so as well, about 3 min after they were done.

| fault | alert, after | over |
|---|---|---|
| none, 25 min | none | |
| each answer takes 3 s longer | none | |
| of the POSTs 20 % lose their answer, 10 % store and say 500, 5 % break off; 5 % of all are reset | none | |
| 50 % are answered with 429, `Retry-After: 2` | none (it is slow: freshness only) | |
| SciCat crashes | CircuitOpen, 330 s | 14 s |
| MongoDB is down | CircuitOpen, 330 s | 14 s |
| SciCat hangs | CircuitOpen, 375 s | 14 s |
| the login is refused, 15 min | CredentialsRefused, 660 s (its token lived for another minute) | 284 s |
| POST dataset is answered with 404 | Halted, 195 s | 105 s |
| Kafka is frozen | KafkaAway, 345 s | 15 s |
| a producer sends nonsense | DeadLetters, 30 s; SourceHeld, 120 s | when it is corrected and restarted; an hour after the last |
| kill -9, and 16 min nobody starts it again | Down, 375 s; ReplicaDown, 915 s | 298 s; 13 s |
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
        TRIED,
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
