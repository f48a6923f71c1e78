"""Avro's logical types as JSON: what a number or some bytes mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from scicat_ingest.faults import CorruptRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scicat_ingest.decode.formats.allowance import Allowance

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_DECIMAL = 128
"""Bytes of an unscaled decimal: 308 digits."""
_MOST_DECIMALS = 1000
_DAY_SECONDS = 24 * 3600
_PER_SECOND = {"millis": 10**3, "micros": 10**6, "nanos": 10**9}


def _decimal(value: Any, schema: Mapping[str, Any], _: Allowance) -> str:
    """Give the digits as text: a double could not hold them all."""
    scale = schema.get("scale", 0)
    if type(scale) is not int or not 0 <= scale <= _MOST_DECIMALS or len(value) > _LONGEST_DECIMAL:
        raise CorruptRecord(f"expected a decimal of at most {_LONGEST_DECIMAL} bytes and {_MOST_DECIMALS} places")
    unscaled = int.from_bytes(value, "big", signed=True)
    digits = tuple(int(digit) for digit in str(abs(unscaled)))
    return f"{Decimal((int(unscaled < 0), digits, -scale)):f}"


def _date(value: Any, _: Mapping[str, Any], allowance: Allowance) -> Any:
    moment = _moment(value * _DAY_SECONDS, allowance)
    return value if moment is None else moment.date().isoformat()


def _timestamp(unit: str, zone: str) -> Callable[[Any, Mapping[str, Any], Allowance], Any]:
    def read(value: Any, _: Mapping[str, Any], allowance: Allowance) -> Any:
        seconds, rest = divmod(value, _PER_SECOND[unit])
        moment = _moment(seconds, allowance)
        if moment is None:
            return value
        return f"{moment:%Y-%m-%dT%H:%M:%S}{_fraction(rest, unit)}{zone}"

    return read


def _time(unit: str) -> Callable[[Any, Mapping[str, Any], Allowance], Any]:
    def read(value: Any, _: Mapping[str, Any], allowance: Allowance) -> Any:
        seconds, rest = divmod(value, _PER_SECOND[unit])
        if not 0 <= seconds < _DAY_SECONDS:
            allowance.warn("a time is not within a day: it stays a number")
            return value
        return f"{_EPOCH + timedelta(seconds=seconds):%H:%M:%S}{_fraction(rest, unit)}"

    return read


def _moment(seconds: int, allowance: Allowance) -> datetime | None:
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        moment = None
    if moment is None or moment.year < 1000:  # strftime does not pad the year everywhere
        allowance.warn("a date is not within the years 1000 to 9999: it stays a number")
        return None
    return moment


def _fraction(rest: int, unit: str) -> str:
    digits = len(str(_PER_SECOND[unit])) - 1
    return f".{rest:0{digits}d}" if rest else ""


def _uuid(value: Any, _schema: Mapping[str, Any], _: Allowance) -> Any:
    return str(UUID(bytes=value)) if isinstance(value, bytes) and len(value) == 16 else value


def _duration(value: Any, _schema: Mapping[str, Any], _: Allowance) -> Any:
    if len(value) != 12:
        raise CorruptRecord(f"expected a duration of 12 bytes, got {len(value)}")
    months, days, millis = (int.from_bytes(value[start : start + 4], "little") for start in (0, 4, 8))
    return f"P{months}M{days}DT{millis // 1000}{_fraction(millis % 1000, 'millis')}S"


LOGICAL: dict[tuple[str, Any], Callable[[Any, Mapping[str, Any], Allowance], Any]] = {
    ("bytes", "decimal"): _decimal,
    ("fixed", "decimal"): _decimal,
    ("int", "date"): _date,
    ("int", "time-millis"): _time("millis"),
    ("long", "time-micros"): _time("micros"),
    **{("long", f"timestamp-{unit}"): _timestamp(unit, "Z") for unit in _PER_SECOND},
    **{("long", f"local-timestamp-{unit}"): _timestamp(unit, "") for unit in _PER_SECOND},
    ("fixed", "uuid"): _uuid,
    ("fixed", "duration"): _duration,
}
"""By Avro type and logical type; those that are not here stay what they are."""
