"""What the unit tests share: a small valid event, settings built in code, and the way of one record."""

from __future__ import annotations

import json
from typing import Any, TypeVar
from uuid import UUID

from scicat_ingest.consume.record import Record
from scicat_ingest.decode.decoded import Decoded, Ignored
from scicat_ingest.decode.document import Document
from scicat_ingest.decode.native import accept_native
from scicat_ingest.engine.reading import Accepted, plan_accepted, read, understand
from scicat_ingest.faults import RecordFault
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP, LookedUp
from scicat_ingest.mapping.rules import MappingRules, rules_for
from scicat_ingest.plan.steps import Plan
from scicat_ingest.settings import Settings

PREFIX = "20.500.12345"
NAMESPACE = UUID("0e4f7f5e-6f0b-4a44-9c39-3a4d4e9a0001")
TIMESTAMP_MS = 1_776_848_093_642
"""2026-04-22T08:54:53.642Z"""
PNG = "data:image/png;base64,iVBORw0KGgo="

JSON = dict[str, Any]
Fault = TypeVar("Fault", bound=RecordFault)


def event(**changes: Any) -> JSON:
    """Give a valid event of one file, with changes; None takes a field out."""
    fields: JSON = {
        "acquisitionId": "odin-000042",
        "instrument": {"id": "ODIN"},
        "proposal": {"id": "p1001"},
        "owner": {"name": "Ada Lovelace", "email": "ada@example.org"},
        "endedAt": "2026-04-22T10:54:53.642+02:00",
        "source": {"folder": "/data/odin/run42"},
        "files": [{"path": "run42.nxs", "size": 1048576}],
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def settings(
    *,
    source: JSON | None = None,
    limits: JSON | None = None,
    scicat: JSON | None = None,
    lookups: JSON | None = None,
    files: JSON | None = None,
    lint: JSON | None = None,
    **mapping: Any,
) -> Settings:
    """Give settings with one source; `mapping` settings by name."""
    needed = {"pid_prefix": PREFIX, "namespace": NAMESPACE, "fallback_owner_group": "odin-staff"}
    return Settings.model_validate(
        {
            "mapping": needed | mapping,
            "sources": [source or {}],
            "limits": limits or {},
            "scicat": scicat or {},
            "lookups": lookups or {},
            "files": files or {},
            "lint": lint or {},
        }
    )


def rules(**given: Any) -> MappingRules:
    """Give the rules of these settings' only source."""
    all_settings = settings(**given)
    return rules_for(all_settings.sources[0], all_settings)


def record(value: Any, *, timestamp_ms: int = TIMESTAMP_MS, headers: tuple[tuple[str, bytes], ...] = ()) -> Record:
    """Give the record of an event, or of raw bytes."""
    content = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return Record("scicat.acquisitions", 0, 7, timestamp_ms, b"odin-000042", content, headers)


def decode_record(given: Record, by: MappingRules) -> Decoded | Ignored:
    """Decode a record as a native event. Raises RecordFault."""
    document = read(given, by)
    if isinstance(document, RecordFault):
        raise document
    if isinstance(document, Ignored):
        return document
    assert isinstance(document, Document)
    return accept_native(document, by.source, by.mapping, by.limits)


def plan_record(
    given: Record, by: MappingRules, looked_up: LookedUp = NOTHING_LOOKED_UP
) -> Plan | Ignored | RecordFault:
    """Go the way of a record whose event says everything itself."""
    document = read(given, by)
    if isinstance(document, Ignored | RecordFault):
        return document
    assert isinstance(document, Document)
    understood = understand(document, given, by)
    if isinstance(understood, Ignored | RecordFault):
        return understood
    assert isinstance(understood, Accepted)
    return plan_accepted(given, understood, looked_up)


def decode(value: Any, *, headers: tuple[tuple[str, bytes], ...] = (), **given: Any) -> Decoded:
    """Decode an event that must be one."""
    decoded = decode_record(record(value, headers=headers), rules(**given))
    assert isinstance(decoded, Decoded)
    return decoded


def plan(
    value: Any, *, timestamp_ms: int = TIMESTAMP_MS, looked_up: LookedUp = NOTHING_LOOKED_UP, **given: Any
) -> Plan:
    """Plan an event that must be ingested."""
    planned = plan_record(record(value, timestamp_ms=timestamp_ms), rules(**given), looked_up)
    assert isinstance(planned, Plan), str(planned)
    return planned


def payloads(planned: Plan) -> list[JSON]:
    """Give the bodies of all its requests, in order."""
    dataset_body = dict(planned.dataset.payload)
    blocks = [dict(block.payload) for block in planned.blocks]
    return [dataset_body, *blocks, *(dict(attachment.payload) for attachment in planned.attachments)]


def dataset(value: Any, **given: Any) -> JSON:
    """Give the dataset that an event becomes; the arguments are those of `plan`."""
    return dict(plan(value, **given).dataset.payload)


def fault(
    kind: type[Fault],
    value: Any,
    *,
    timestamp_ms: int = TIMESTAMP_MS,
    looked_up: LookedUp = NOTHING_LOOKED_UP,
    **given: Any,
) -> Fault:
    """Give the fault that an event must come to."""
    planned = plan_record(record(value, timestamp_ms=timestamp_ms), rules(**given), looked_up)
    assert type(planned) is kind, str(planned)
    return planned
