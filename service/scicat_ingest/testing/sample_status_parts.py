"""What sample statuses are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scicat_ingest.catalogue.times import write_time

_NOW = datetime(2026, 4, 22, 9, 30, tzinfo=UTC)
_DAYS_WORK = (
    ("created", "ODIN", "20.500.12345/a0bac869-29ef-52fa-9bd4-f997cc7f4112", 0.048, None, None),
    ("created", "LOKI", "20.500.12345/c5998c0d-decc-58b1-83e8-4d5fe7fff23b", 0.061, None, None),
    (
        "dead_lettered",
        "DREAM",
        None,
        0.004,
        "missing_field",
        "contactEmail: is missing, and a dataset needs an e-mail address",
    ),
    ("already_present", "ODIN", "20.500.12345/9d58d35f-f88f-5df7-b889-e902187bbb76", 0.022, None, None),
    ("updated", "BIFROST", "20.500.12345/0f3c9d7c-21d4-5c1e-8a55-1b1a5f0f7b10", 0.110, None, None),
    ("ignored", None, None, 0.001, "noise", None),
)


def _ago(seconds: float) -> str:
    return write_time(_NOW - timedelta(seconds=seconds))


def last_outcomes(newest: float = 2) -> list[dict[str, Any]]:
    """Give the last outcomes; the newest is so many seconds old."""
    return [
        {
            "at": _ago(newest + 3 * number),
            "outcome": outcome,
            "pid": pid,
            "acquisitionId": f"run-{4200 - number}",
            "instrument": instrument,
            "durationSeconds": took,
            "reason": reason,
            "message": message,
            "record": f"scicat.acquisitions/{number % 3}/{1187 - number}",
            "datasetUrl": None if pid is None else f"https://scicat.example.org/datasets/{pid.replace('/', '%2F')}",
        }
        for number, (outcome, instrument, pid, took, reason, message) in enumerate(_DAYS_WORK * 5)
    ]


BASE: dict[str, Any] = {
    "version": "scicat-ingest 0.1.0",
    "name": "scicat-ingest-7c9d8b5f6-x2x4q",
    "now": write_time(_NOW),
    "startedAt": _ago(3 * 86_400 + 400),
    "state": "running",
    "severity": "ok",
    "conditions": [],
    "throughput": {
        "perSecond1m": 3.4,
        "perSecond15m": 2.9,
        "minutes": [
            {
                "at": _ago(60 * (60 - minute)),
                "ingested": 120 + (minute * 37) % 90,
                "deadLettered": 6 if minute % 17 == 5 else 0,
                "ignored": minute % 7,
            }
            for minute in range(60)
        ],
    },
    "lag": {
        "records": 12,
        "oldestOpenSeconds": 1.4,
        "partitions": [
            {"topic": "scicat.acquisitions", "partition": 0, "lag": 4, "open": 3, "oldestOpenSeconds": 1.4},
            {"topic": "scicat.acquisitions", "partition": 1, "lag": 8, "open": 2, "oldestOpenSeconds": 0.3},
            {"topic": "scicat.acquisitions", "partition": 2, "lag": 0, "open": 0, "oldestOpenSeconds": None},
        ],
    },
    "held": {
        "records": 5,
        "bytes": 18_500,
        "limitRecords": 2000,
        "limitBytes": 67_108_864,
        "byState": {"queued": 1, "working": 4, "waiting": 0, "publishing": 0},
    },
    "scicat": {
        "circuit": "closed",
        "concurrencyLimit": 6,
        "inFlight": 4,
        "waiting": 1,
        "ratePerSecond": 25.0,
        "retryBudget": 500,
        "retryBudgetLimit": 500,
        "tokenExpiresAt": _ago(-2700),
        "routes": [
            {"route": "post_dataset", "requests": 48_211, "p50Seconds": 0.021, "p95Seconds": 0.064},
            {"route": "post_origdatablock", "requests": 51_002, "p50Seconds": 0.018, "p95Seconds": 0.051},
            {"route": "read", "requests": 812, "p50Seconds": 0.011, "p95Seconds": 0.040},
        ],
    },
    "kafka": {
        "assignedPartitions": 3,
        "commits": 20_114,
        "lastCommitSeconds": 0.8,
        "rebalances": 2,
        "acknowledges": True,
    },
    "sources": [
        {"topic": "scicat.acquisitions", "mapping": "native", "held": False, "reason": None},
        {"topic": "ess.filewriter", "mapping": "ess-wrdn", "held": False, "reason": None},
    ],
    "lastOutcomes": last_outcomes(),
    "deadLetters": [
        {
            "reason": "missing_field",
            "count": 41,
            "lastAt": _ago(8),
            "hint": "send the event again with it, under the same acquisitionId",
        },
        {
            "reason": "pid_taken",
            "count": 2,
            "lastAt": _ago(7200),
            "hint": "compare the two datasets; send a new acquisitionId or pid",
        },
    ],
    "configuration": {
        "kafka": {"bootstrap_servers": "kafka:9092", "group_id": "scicat-ingest"},
        "scicat": {"url": "https://scicat.example.org", "username": "ingestor", "password_file": "/run/secrets/scicat"},
    },
}
"""A service that works."""

CONDITIONS: dict[str, list[dict[str, Any]]] = {
    "outage": [
        {
            "severity": "degraded",
            "title": "SciCat is away: work is paused",
            "detail": "16 of the last 20 attempts failed; the last: POST dataset: no answer (connection refused)",
            "whatToDo": "Nothing is lost. It asks every 5 s, and goes on by itself; is SciCat up?",
            "since": _ago(752),
        },
        {
            "severity": "degraded",
            "title": "the source ess.filewriter is held",
            "detail": "21 dead letters in a row, of as many keys; the last: missing_field: source: it is missing",
            "whatToDo": "Look at its dead letters, correct the mapping or the producer, then restart the service.",
            "since": _ago(300),
        },
    ],
    "halted": [
        {
            "severity": "halted",
            "title": "our configuration is wrong",
            "detail": "credentials_rejected: SciCat refuses the login of 'ingestor': 401 Unauthorized",
            "whatToDo": "Put the right password into scicat.password_file; it is tried when the file changes.",
            "since": _ago(90),
        }
    ],
}
