"""Outcomes as the service writes them: examples for the contract, of events that are really mapped (pure)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from scicat_ingest.consume.record import Record
from scicat_ingest.deliver.delivered import Delivered, SoFar
from scicat_ingest.engine.reading import Accepted, plan_accepted, read, understand
from scicat_ingest.faults import ForbiddenGroup, RecordFault
from scicat_ingest.mapping.rules import rules_for
from scicat_ingest.plan.steps import Plan
from scicat_ingest.report.message import write_message
from scicat_ingest.report.outcome import DeadLettered, Ingested
from scicat_ingest.settings.example import example_settings

if TYPE_CHECKING:
    from scicat_ingest.report.message import Message
    from scicat_ingest.report.outcome import Outcome

_AT = datetime(2026, 4, 22, 9, 0, tzinfo=UTC)
_EVENT: dict[str, Any] = {
    "acquisitionId": "odin-000042",
    "instrument": {"id": "ODIN"},
    "proposal": {"id": "p1001", "principalInvestigators": ["Ada Lovelace"]},
    "contactEmail": "ada@example.org",
    "endedAt": "2026-04-22T10:54:53+02:00",
    "source": {"folder": "/data/odin/p1001/run42"},
    "files": [{"path": "run42.nxs", "size": 1048576}],
}
_TRACE = ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")


def sample_messages() -> dict[str, list[Message]]:
    """Give messages by kind: `ingested` (created, updated after a replay), `deadLetter` (unreadable, refused)."""
    replayed = tuple(
        (f"ingest.replay.{name}", str(value).encode())
        for name, value in {
            "count": 1,
            "topic": "scicat.acquisitions",
            "partition": 0,
            "offset": 7,
            "timestamp": 1776848093642,
        }.items()
    )
    created = _ingested(_record(_EVENT, (_TRACE,)), "created")
    updated = _ingested(_record({**_EVENT, "revision": 1}, replayed), "updated")
    refused = ForbiddenGroup(
        "POST_ORIGDATABLOCK: 403 Unauthorized to create origdatablock", field="groups.owner", status=403
    )
    started = SoFar(attempts=2, dataset_created=True, block_ids=(), attachment_ids=())
    return {
        "ingested": [created, updated],
        "deadLetter": [_dead(_record({**_EVENT, "endedAt": "yesterday"})), _dead(_record(_EVENT), refused, started)],
    }


def _record(event: dict[str, Any], headers: tuple[tuple[str, bytes], ...] = ()) -> Record:
    value = json.dumps(event).encode()
    return Record("scicat.acquisitions", 0, 7, 1776848093642, event["acquisitionId"].encode(), value, headers)


def _planned(record: Record) -> Plan | RecordFault:
    settings = example_settings()
    rules = rules_for(settings.sources[0], settings)
    document = read(record, rules)
    understood = understand(document, record, rules)  # type: ignore[arg-type]  # (these records are JSON)
    planned = plan_accepted(record, understood) if isinstance(understood, Accepted) else understood
    if not isinstance(planned, Plan | RecordFault):
        raise TypeError(planned)
    return planned


def _ingested(record: Record, verdict: Any) -> Message:
    plan = _planned(record)
    if not isinstance(plan, Plan):
        raise plan
    new = verdict == "created"
    delivered = Delivered(
        verdict=verdict,
        blocks_created=int(new),
        blocks_found=int(not new),
        attachments_created=0,
        attachments_found=0,
        block_ids=("6807a1c2e4b0a5f1d2c3b4a5",) if new else (),
        attachment_ids=(),
        attempts=1,
        warnings=(),
    )
    times = (_AT, _AT + timedelta(milliseconds=48), _AT + timedelta(milliseconds=3))
    return _message(Ingested(record, plan, delivered, *times))


def _dead(record: Record, fault: RecordFault | None = None, so_far: SoFar | None = None) -> Message:
    planned = _planned(record)
    why = planned if isinstance(planned, RecordFault) else fault
    if why is None:
        raise TypeError(planned)
    pid = planned.pid if isinstance(planned, Plan) else None
    begun = None if so_far is None else _AT + timedelta(milliseconds=3)
    return _message(DeadLettered(record, why, pid, _AT, _AT + timedelta(milliseconds=48), begun, so_far))


def _message(outcome: Outcome) -> Message:
    message = write_message(
        outcome,
        ingested_topic="scicat.ingested",
        dead_letter_topic="scicat.dead-letters",
        dataset_page="https://scicat.example.org/datasets/{pid}",
    )
    if message is None:
        raise TypeError(outcome)
    return message
