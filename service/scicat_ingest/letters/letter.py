"""A dead letter, read from its Kafka record (pure).

The record of a dead letter is the original one with headers added behind it: `ingest.dlq.original_headers` says how
many were the producer's own. A producer may have sent headers of our names itself; only those behind are believed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.times import from_epoch_ms, parse_time
from scicat_ingest.consume.position import Position
from scicat_ingest.report.message import REPLAY, count_original

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.report.message import Headers

NOT_OURS = "not_ours"
"""The reason of a message on the dead-letter topic that no scicat-ingest has written."""

_DLQ = "ingest.dlq."
_CONNECT = "__connect.errors."
_OURS = (_DLQ, _CONNECT, "ce_")
_LONGEST_KEY = 200
_LARGEST_LOOKED_INTO = 64 * 1024
"""Bytes of the largest value that is looked into for its instrument."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What is known of a dead letter without its value, key and headers: about 1 kB."""

    id: str
    """Of the outcome (`ce_id`): the same if the same record was dead-lettered twice."""
    at: Position
    """Where it is on the dead-letter topic."""
    source: Position | None
    """Where the record was that could not be ingested; None if the letter does not say."""
    first: Position | None
    """Where it was before any replay."""
    timestamp_ms: int
    """Of that record, milliseconds since 1970; -1: it has none."""
    failed_at: datetime
    reason: str
    fault_class: str
    message: str
    field: str | None
    hint: str | None
    status: int | None
    """HTTP status of SciCat's refusal."""
    attempts: int | None
    """How often the delivery was begun; None: it never was."""
    dataset_created: bool
    """Whether the dataset was made before the fault."""
    block_ids: str | None
    """Origdatablocks made before it, separated by commas."""
    attachment_ids: str | None
    pid: str | None
    key: str | None
    """The record's key as text, at most 200 characters."""
    instrument: str | None
    """Its id, else its name, where it can be told."""
    replays: int
    """How often the record had been replayed before it failed."""
    replay_of: str | None
    """The letter that it was a replay of."""
    value_bytes: int
    """Size of the original value."""
    value_sha256: str | None
    """Digest of a value that was left out; None if it is there."""

    @property
    def is_ours(self) -> bool:
        """Whether scicat-ingest has written it."""
        return self.reason != NOT_OURS

    @property
    def subject(self) -> str:
        """The pid, else the key, else where the record was."""
        return self.pid or self.key or str(self.source or self.at)


def read_letter(record: Record) -> DeadLetter:
    """Read a record of the dead-letter topic; whatever it is, it is a letter. What is missing is None or empty."""
    said = _texts(_split(record.headers)[1])
    original = original_record(record)
    theirs = _texts(original.headers)
    reason = said.get(f"{_DLQ}reason")
    at, source = _position(record), _source(said)
    omitted = f"{_DLQ}value_omitted" in said
    return DeadLetter(
        id=said.get("ce_id") or str(at),
        at=at,
        source=source,
        first=None if source is None else _position(first_source(original)),
        timestamp_ms=original.timestamp_ms,
        failed_at=_time(said, record.timestamp_ms),
        reason=reason or NOT_OURS,
        fault_class=said.get(f"{_DLQ}class") or "unknown",
        message=said.get(f"{_DLQ}message")
        or said.get(f"{_CONNECT}exception.message")
        or ("" if reason else "scicat-ingest did not write this message: it has no header ingest.dlq.reason"),
        field=said.get(f"{_DLQ}field"),
        hint=said.get(f"{_DLQ}hint"),
        status=_number(said.get(f"{_DLQ}status")),
        attempts=_number(said.get(f"{_DLQ}attempts")),
        dataset_created=said.get(f"{_DLQ}dataset_created") == "true",
        block_ids=said.get(f"{_DLQ}block_ids"),
        attachment_ids=said.get(f"{_DLQ}attachment_ids"),
        pid=said.get(f"{_DLQ}pid"),
        key=None if record.key is None else record.key[: 4 * _LONGEST_KEY].decode("utf-8", "replace")[:_LONGEST_KEY],
        instrument=said.get(f"{_DLQ}instrument") or _instrument(record.value),
        replays=_number(theirs.get(f"{REPLAY}count")) or 0,
        replay_of=theirs.get(f"{REPLAY}of"),
        value_bytes=(_number(said.get(f"{_DLQ}value_bytes")) or 0) if omitted else len(record.value or b""),
        value_sha256=said.get(f"{_DLQ}value_sha256", "") if omitted else None,
    )


def original_record(record: Record) -> Record:
    """Give the record that could not be ingested, as it was; of one whose value was left out, with no value.

    Where the letter does not say where the record was, it has the letter's own coordinates.
    """
    theirs, ours = _split(record.headers)
    said = _texts(ours)
    source = _source(said) or _position(record)
    stamp = _number(said.get(f"{_DLQ}timestamp"))
    return replace(
        record,
        topic=source.topic,
        partition=source.partition,
        offset=source.offset,
        timestamp_ms=record.timestamp_ms if stamp is None else stamp,
        headers=theirs,
    )


def is_its_value(letter: DeadLetter, value: bytes | None) -> bool:
    """Tell whether this is the value that was left out of the letter."""
    found = value or b""
    return len(found) == letter.value_bytes and hashlib.sha256(found).hexdigest() == letter.value_sha256


def first_source(record: Record) -> Record:
    """Give a record that was replayed the coordinates and the timestamp of the first one; of others, itself."""
    said = _texts(record.headers)
    numbers = [_number(said.get(f"{REPLAY}{name}")) for name in ("partition", "offset", "timestamp")]
    topic, (partition, offset, stamp) = said.get(f"{REPLAY}topic"), numbers
    if not topic or partition is None or offset is None or stamp is None:
        return record
    return replace(record, topic=topic, partition=partition, offset=offset, timestamp_ms=stamp)


def _position(record: Record) -> Position:
    return Position(record.topic, record.partition, record.offset)


def _split(headers: Headers) -> tuple[Headers, Headers]:
    """Give the producer's headers, and ours: from the last count on that stands where it says."""
    count = count_original(headers)
    if count >= 0:
        return headers[:count], headers[count:]
    ours = [index for index, (name, _) in enumerate(headers) if name.startswith(_OURS)]
    if f"{_DLQ}reason" not in {headers[index][0] for index in ours}:
        return tuple(pair for pair in headers if not pair[0].startswith(_CONNECT)), headers
    return tuple(pair for pair in headers if not pair[0].startswith(_OURS)), tuple(headers[index] for index in ours)


def _texts(headers: Headers) -> dict[str, str]:
    """Give headers as text; of several with one name, the last."""
    return {name: value.decode("utf-8", "replace") for name, value in headers}


def _source(said: dict[str, str]) -> Position | None:
    for prefix in (_DLQ, _CONNECT):
        topic = said.get(f"{prefix}topic")
        partition, offset = _number(said.get(f"{prefix}partition")), _number(said.get(f"{prefix}offset"))
        if topic and "/" not in topic and partition is not None and offset is not None:
            return Position(topic, partition, offset)
    return None


def _number(text: str | None) -> int | None:
    """Read an integer that fits into 64 bits."""
    if text is None or not text.isascii() or len(text) > 20:
        return None
    try:
        number = int(text)
    except ValueError:
        return None
    return number if -(2**63) <= number < 2**63 else None


def _time(said: dict[str, str], timestamp_ms: int) -> datetime:
    for name in (f"{_DLQ}failed_at", "ce_time"):
        try:
            return parse_time(said.get(name, ""))
        except ValueError:
            continue
    try:
        return from_epoch_ms(max(timestamp_ms, 0))
    except ValueError:
        return from_epoch_ms(0)


def _instrument(value: bytes | None) -> str | None:
    if value is None or len(value) > _LARGEST_LOOKED_INTO or b"instrument" not in value:
        return None
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return _named(document) or (_named(document.get("data")) if isinstance(document, dict) else None)


def _named(document: Any) -> str | None:
    instrument = document.get("instrument") if isinstance(document, dict) else None
    names = (instrument.get("id"), instrument.get("name")) if isinstance(instrument, dict) else (instrument,)
    return next((name[:_LONGEST_KEY] for name in names if isinstance(name, str) and name), None)
