"""Statuses as the service could give them: for looking at the page, and for its tests (pure)."""

from __future__ import annotations

from typing import Any

from scicat_ingest.testing.sample_status_parts import BASE, CONDITIONS, last_outcomes

_OUTAGE_MINUTES = 12
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def sample_statuses() -> dict[str, dict[str, Any]]:
    """Give documents of `/api/status` by name: normal, empty, outage, halted, hostile."""
    outage = {**BASE, "state": "running", "severity": "degraded", "conditions": CONDITIONS["outage"]}
    outage["scicat"] = {**BASE["scicat"], "circuit": "open", "inFlight": 0, "waiting": 500}
    nothing = {"ingested": 0, "deadLettered": 0, "ignored": 0}
    minutes = BASE["throughput"]["minutes"]
    minutes = [*minutes[:-_OUTAGE_MINUTES], *({**minute, **nothing} for minute in minutes[-_OUTAGE_MINUTES:])]
    outage["throughput"] = {"perSecond1m": 0.0, "perSecond15m": 0.6, "minutes": minutes}
    outage["lastOutcomes"] = last_outcomes(60.0 * _OUTAGE_MINUTES)
    outage["lag"] = {**BASE["lag"], "records": 18_420, "oldestOpenSeconds": 754.0}
    outage["held"] = {**BASE["held"], "records": 2000, "bytes": 7_400_000}
    outage["held"]["byState"] = {"queued": 1996, "working": 0, "waiting": 4, "publishing": 0}
    halted = {**outage, "state": "halted", "severity": "halted", "conditions": CONDITIONS["halted"]}
    halted["scicat"] = {**outage["scicat"], "circuit": "closed"}
    return {"normal": BASE, "empty": _empty(), "outage": outage, "halted": halted, "hostile": _hostile()}


def _empty() -> dict[str, Any]:
    return {
        **BASE,
        "state": "starting",
        "throughput": {"perSecond1m": 0.0, "perSecond15m": 0.0, "minutes": []},
        "lag": {"records": None, "oldestOpenSeconds": None, "partitions": []},
        "held": {**BASE["held"], "records": 0, "bytes": 0},
        "scicat": {**BASE["scicat"], "tokenExpiresAt": None, "routes": [], "inFlight": 0},
        "kafka": {**BASE["kafka"], "assignedPartitions": 0, "commits": 0, "lastCommitSeconds": None},
        "lastOutcomes": [],
        "deadLetters": [],
    }


def _hostile() -> dict[str, Any]:
    outcome: dict[str, Any] = dict.fromkeys(
        ("pid", "acquisitionId", "instrument", "reason", "message", "record"), HOSTILE
    )
    outcome |= {
        "at": BASE["now"],
        "outcome": "dead_lettered",
        "durationSeconds": 0.1,
        "datasetUrl": "javascript:alert(1)",
    }
    return {
        **BASE,
        "lastOutcomes": [outcome] * 3,
        "deadLetters": [{"reason": HOSTILE, "count": 3, "lastAt": BASE["now"], "hint": HOSTILE}],
        "configuration": {"kafka": {"group_id": HOSTILE}},
    }
