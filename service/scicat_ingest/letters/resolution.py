"""What became of a dead letter: a record behind it on the dead-letter topic (pure).

It lies in the letter's partition and has its key, so it is read after it and lives as long. Who reads the topic for
other purposes tells it by its header `ce_type`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID, uuid5

from pydantic import ValidationError

from scicat_ingest.catalogue.times import write_time
from scicat_ingest.report.contract import RESOLUTION_TYPE, SOURCE, ResolutionKind, ResolutionV1
from scicat_ingest.report.message import Message

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.letters.letter import DeadLetter

_NAMESPACE = UUID("2ff5cf32-7a0b-5c52-8d3a-50d5e1b7a8cf")


@dataclass(frozen=True, slots=True)
class Resolved:
    """How a letter came to be no longer open."""

    kind: Literal["replayed", "purged", "ingested"]
    """`ingested`: a record with the same pid was ingested later."""
    at: datetime
    by: str | None = None
    why: str | None = None
    to: str | None = None


def write_resolution(
    letter: DeadLetter,
    key: bytes | None,
    kind: ResolutionKind,
    *,
    by: str,
    at: datetime,
    why: str | None,
    to: str | None = None,
) -> Message:
    """Give the message that closes a letter; it belongs into the letter's partition."""
    body = ResolutionV1(
        letter=letter.id,
        letterFailedAt=letter.failed_at,
        kind=kind,
        by=by,
        at=at,
        why=why,
        to=to,
        replays=letter.replays + 1 if kind == "replayed" else None,
    )
    name = json.dumps([letter.id, str(letter.at), kind, write_time(at)])
    headers = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": str(uuid5(_NAMESPACE, name)),
        "ce_source": f"{SOURCE}/dlq",
        "ce_type": RESOLUTION_TYPE,
        "ce_time": write_time(at),
        "ce_subject": letter.id,
    }
    return Message(
        topic=letter.at.topic,
        key=key,
        value=body.model_dump_json(exclude_none=True).encode(),
        headers=tuple((name, text.encode("utf-8", "replace")) for name, text in headers.items()),
    )


def is_resolution(record: Record) -> bool:
    """Tell a resolution from a dead letter, whose original record may have brought any `ce_type`."""
    return record.header("ce_type") == RESOLUTION_TYPE and record.header("ingest.dlq.reason") is None


def read_resolution(record: Record) -> ResolutionV1 | None:
    """Read a resolution; None if it cannot be read: what it was about stays open."""
    try:
        return ResolutionV1.model_validate_json(record.value or b"")
    except ValidationError:
        return None
