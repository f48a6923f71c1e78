"""What an event on the ingested topic says of a record (pure)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.consume.position import Position

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """The record at this position was ingested."""

    at: Position
    first: Position
    """Where it was before any replay."""
    pid: str
    acquisition_id: str | None
    instrument: str | None
    run: str | None
    is_whole: bool
    """Whether it says all of the acquisition: not so, if its files came on top of those of earlier records."""
    is_news: bool
    """Whether something was written; else it was all there already."""
    files: int
    bytes: int


def read_answer(record: Record) -> Answer | None:
    """Read an event of the ingested topic; None if it is none of ours."""
    try:
        said: dict[str, Any] = json.loads(record.value or b"")
        source = said["source"]
        at = Position(str(source["topic"]), int(source["partition"]), int(source["offset"]))
        before = source.get("first")
        first = at if before is None else Position(before["topic"], int(before["partition"]), int(before["offset"]))
        return Answer(
            at=at,
            first=first,
            pid=str(said["pid"]),
            acquisition_id=said.get("acquisitionId"),
            instrument=said.get("instrument"),
            run=said.get("runNumber"),
            is_whole=said.get("filesMode") != "additional",
            is_news=said.get("verdict") != "already_present",
            files=int(said.get("files", 0)),
            bytes=int(said.get("bytes", 0)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
