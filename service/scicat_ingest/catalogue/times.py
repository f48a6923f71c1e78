"""RFC 3339 times: read from events, written for SciCat."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(text: str, zone: tzinfo | None = None) -> datetime:
    """Read an RFC 3339 time; one without offset is taken in `zone`.

    Returns an aware time in UTC. Raises ValueError that says what was expected, also for a naive time without `zone`.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("expected an RFC 3339 time with offset, such as 2026-04-22T10:54:53.642+02:00")
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        if zone is None:
            raise ValueError("the time has no offset: send one, such as +02:00, or set mapping.timezone")
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is outside the years 1 to 9999") from None


def from_epoch_ms(milliseconds: int) -> datetime:
    """Turn a Kafka timestamp (milliseconds since 1970, UTC) into an aware time.

    Raises ValueError outside the years 1 to 9999: producers set timestamps, and Kafka takes any 64-bit integer.
    """
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise ValueError("the timestamp is outside the years 1 to 9999") from None


@lru_cache(256)  # all files of an event often have the same
def write_time(moment: datetime) -> str:
    """Write as SciCat itself does: UTC, milliseconds, `Z`. The year always has four digits."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"


def _read(value: Any, info: ValidationInfo) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("the time has no zone")
        return value.astimezone(UTC)
    if not isinstance(value, str):
        raise ValueError("expected an RFC 3339 time as a string")  # noqa: TRY004 (pydantic wants a ValueError)
    zone: tzinfo | None = (info.context or {}).get("zone")
    return parse_time(value, zone)


Instant = Annotated[datetime, BeforeValidator(_read), PlainSerializer(write_time, return_type=str)]
"""An aware time; one without offset is read in the zone of the validation context, or refused.

Its JSON form is RFC 3339 in UTC with milliseconds, as SciCat answers it.
"""
