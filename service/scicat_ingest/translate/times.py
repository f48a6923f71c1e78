"""Times as machines and people write them, made ready for RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SECONDS_UNTIL = 1e11
"""Seconds since 1970 that are larger are milliseconds: in seconds, the year 5138. And so on."""
_FIRST, _LAST = 1980, 2100
_LOOSE = re.compile(r"(\d{4})([-/.:])(\d\d)\2(\d\d)[ T_]+(\d\d):(\d\d)(?::(\d\d(?:[.,]\d+)?))?(.*)", re.ASCII)
_OFFSET = re.compile(r"\s*(?:UTC|GMT)?([-+]\d\d):?(\d\d)?", re.ASCII)


def from_number(number: float) -> datetime:
    """Read seconds, milliseconds, microseconds or nanoseconds since 1970. Raises ValueError for what is none."""
    seconds = number
    for _ in ("milli", "micro", "nano"):
        seconds = seconds / 1000 if seconds > _SECONDS_UNTIL else seconds
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.min.replace(tzinfo=UTC)
    if not _FIRST <= moment.year < _LAST:
        raise ValueError(f"as seconds since 1970 this is no time from {_FIRST} to {_LAST}")
    return moment


def tidy(text: str) -> str:
    """Give `2026.04.22 10:54`, `2026/04/22_10:54:53,5 +0200` and the like as RFC 3339 writes them; others as is."""
    loose = _LOOSE.fullmatch(text.strip())
    if not loose:
        return text.strip()
    year, _, month, day, hour, minute, second, rest = loose.groups()
    offset = _OFFSET.fullmatch(rest)
    if offset:
        rest = f"{offset[1]}:{offset[2] or '00'}"
    elif rest.strip() in ("UTC", "GMT"):
        rest = "Z"
    return f"{year}-{month}-{day}T{hour}:{minute}:{(second or '00').replace(',', '.')}{rest.strip()}"
