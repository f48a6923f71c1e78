"""Records of a dead-letter topic, written by the service's own code."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from scicat_ingest.consume.record import Record
from scicat_ingest.faults import MissingField, RecordFault
from scicat_ingest.letters.book import Case
from scicat_ingest.letters.letter import read_letter
from scicat_ingest.letters.resolution import write_resolution
from scicat_ingest.report.message import Message, fit_message, write_message
from scicat_ingest.report.outcome import DeadLettered

if TYPE_CHECKING:
    from scicat_ingest.letters.letter import DeadLetter
    from scicat_ingest.report.contract import ResolutionKind

FAILED_AT = datetime(2026, 4, 22, 9, 0, tzinfo=UTC)
MISSING = MissingField("it is missing", field="source", hint="send it")


def original(number: int = 0, *, topic: str = "in", value: bytes | None = None) -> Record:
    if value is None:
        value = json.dumps({"acquisitionId": f"run-{number}", "instrument": {"id": "ODIN"}}).encode()
    return Record(topic, 0, number, 1_776_848_000_000 + number, f"run-{number}".encode(), value, (("trace", b"\xff"),))


def buried(
    record: Record,
    *,
    offset: int | None = None,
    fault: RecordFault = MISSING,
    pid: str | None = None,
    minutes: float = 0,
    largest: int = 1_000_000,
) -> Record:
    """Give the record on the dead-letter topic of one that failed some minutes after FAILED_AT."""
    failed_at = FAILED_AT + timedelta(minutes=minutes)
    message = write_message(
        DeadLettered(record, fault, pid, failed_at, failed_at),
        ingested_topic="out",
        dead_letter_topic="dead",
    )
    assert message is not None
    return placed(fit_message(message, largest), record.offset if offset is None else offset)


def placed(message: Message, offset: int, partition: int = 0) -> Record:
    """Give the record that Kafka makes of a message."""
    return Record(
        message.topic, partition, offset, message.timestamp_ms or 0, message.key, message.value, message.headers
    )


def case(record: Record) -> Case:
    return Case(read_letter(record), None)


def resolved(letter: DeadLetter, kind: ResolutionKind, *, minutes: float, offset: int) -> Record:
    """Give the resolution of a letter, so many minutes after FAILED_AT."""
    at = FAILED_AT + timedelta(minutes=minutes)
    return placed(write_resolution(letter, b"k", kind, by="ada@lab", at=at, why="because"), offset)
