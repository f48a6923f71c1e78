"""How letters are written for people and for programs. What comes from events can do a terminal no harm."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.times import write_time

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from scicat_ingest.letters.book import Case
    from scicat_ingest.letters.letter import DeadLetter
    from scicat_ingest.letters.resolution import Resolved

SHORT_ID = 8
_LONGEST_SHOWN = 4000
_HEX_BYTES = 512


def harmless(text: str, *, lines: bool = False) -> str:
    """Give text with control characters (colours, cursor movements) written out; newlines stay only with `lines`."""
    return "".join(
        each if each.isprintable() or (lines and each == "\n") else each.encode("unicode_escape", "replace").decode()
        for each in text
    )


def age_of(age: timedelta) -> str:
    """Write an age in its largest unit: 3 d, 5 h, 12 min, 40 s."""
    seconds = max(int(age.total_seconds()), 0)
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def how_resolved(how: Resolved) -> str:
    """Say in a line what became of a letter."""
    who = f" by {how.by}" if how.by else ""
    to = f" to {how.to}" if how.to else ""
    why = f": {how.why}" if how.why else ""
    return f"{how.kind}{to}{who} at {write_time(how.at)}{why}"


def what_is_wrong(letter: DeadLetter) -> str:
    """Say in a line where in the event something is wrong, and what."""
    return f"{letter.field}: {letter.message}" if letter.field else letter.message


def letter_document(letter: DeadLetter, now: datetime) -> dict[str, Any]:
    """Give a letter as JSON: names as in its headers, None for what is not known."""
    return {
        "id": letter.id,
        "at": str(letter.at),
        "source": None if letter.source is None else str(letter.source),
        "timestamp": letter.timestamp_ms,
        "failed_at": write_time(letter.failed_at),
        "age_seconds": max(round((now - letter.failed_at).total_seconds()), 0),
        "reason": letter.reason,
        "class": letter.fault_class,
        "message": letter.message,
        "field": letter.field,
        "hint": letter.hint,
        "status": letter.status,
        "attempts": letter.attempts,
        "dataset_created": letter.dataset_created,
        "block_ids": letter.block_ids.split(",") if letter.block_ids else [],
        "attachment_ids": letter.attachment_ids.split(",") if letter.attachment_ids else [],
        "pid": letter.pid,
        "key": letter.key,
        "instrument": letter.instrument,
        "replays": letter.replays,
        "replay_of": letter.replay_of,
        "value_bytes": letter.value_bytes,
        "value_omitted": letter.value_sha256 is not None,
    }


def case_document(case: Case, now: datetime) -> dict[str, Any]:
    """Give a letter and what became of it as JSON."""
    how = case.resolved
    resolved = None
    if how is not None:
        resolved = {"kind": how.kind, "at": write_time(how.at), "by": how.by, "why": how.why, "to": how.to}
    return letter_document(case.letter, now) | {"resolved": resolved}


def dump(document: Any) -> str:
    """Write JSON on one line; half characters, which no file takes, are escaped."""
    return json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace").decode()


def event_document(value: bytes | None) -> dict[str, Any]:
    """Give a value as `event` if it is JSON, else as `text`, else as `base64`."""
    if value is None:
        return {"event": None}
    try:
        return {"event": json.loads(value)}
    except (ValueError, RecursionError):
        pass
    try:
        return {"text": value.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def event_text(value: bytes | None) -> str:
    """Write a value for people: JSON indented, other text as it is, bytes as hexadecimal; the beginning of it."""
    if value is None:
        return "(none)"
    document = event_document(value)
    if "base64" in document:
        more = f" … ({len(value)} bytes)" if len(value) > _HEX_BYTES else ""
        return value[:_HEX_BYTES].hex(" ", 4) + more
    try:
        text = json.dumps(document["event"], ensure_ascii=False, indent=2) if "event" in document else document["text"]
    except RecursionError:
        text = value.decode("utf-8", "replace")
    more = f"\n… ({len(value)} bytes; --json shows all)" if len(text) > _LONGEST_SHOWN else ""
    return harmless(text[:_LONGEST_SHOWN], lines=True) + more
