"""Time stamps as JavaScript writes them, and the dates that it accepts."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Return seconds since 1970 as UTC with milliseconds: `2026-11-23T10:00:00.000Z`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def parse_iso(text: str) -> datetime | None:
    """Return the moment of an ISO 8601 text, in UTC if it names no zone; None if it is no date."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def normal_iso(text: str) -> str:
    """Return an ISO 8601 text in UTC with milliseconds, as MongoDB gives it back; other text as it is."""
    moment = parse_iso(text)
    return iso(moment.timestamp()) if moment else text


def parse_date(text: str) -> datetime | None:
    """Return the moment of an ISO 8601 text or an HTTP date; None if it is neither."""
    moment = parse_iso(text)
    if moment:
        return moment
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
