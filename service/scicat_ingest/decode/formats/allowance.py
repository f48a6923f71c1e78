"""What one record may still take while it is read, and what was put right on the way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scicat_ingest.faults import InvalidUtf8, TooDeep, TooLarge

if TYPE_CHECKING:
    from scicat_ingest.settings import LimitsSettings

VALUE_BYTES = 16
"""What a value counts for, besides its text: about what it takes as JSON, and far less than it takes in memory.

So a few bytes that stand for millions of values (an array of nulls, a field name that is repeated) are refused before
the memory is gone.
"""
_SHOWN_WARNINGS = 5


class Allowance:
    """Bounds what is made of one record: `limits.max_event_bytes` and `limits.max_event_depth`.

    `levels_above` is how deep the document will stand in another one.
    """

    def __init__(self, limits: LimitsSettings, *, levels_above: int = 0) -> None:
        self._max_bytes = limits.max_event_bytes
        self._left = limits.max_event_bytes
        self._max_depth = limits.max_event_depth
        self._levels_above = levels_above
        self._not_finite = 0
        self._warnings: list[str] = []
        self._more_warnings = 0

    def admit(self, record_bytes: int) -> None:
        """Check the record's own size. Raises TooLarge."""
        if record_bytes > self._max_bytes:
            raise TooLarge(f"the event has {record_bytes} bytes, at most {self._max_bytes} are taken")

    def take(self, text_bytes: int = 0) -> None:
        """Count one value, with so many bytes of text. Raises TooLarge."""
        self._left -= VALUE_BYTES + text_bytes
        if self._left < 0:
            raise TooLarge(f"what the event stands for takes more than {self._max_bytes} bytes")

    def enter(self, level: int) -> None:
        """Check the level of an object or array: 1 is the document itself. Raises TooDeep."""
        if level + self._levels_above > self._max_depth:
            raise TooDeep(f"expected at most {self._max_depth} levels of objects and arrays")

    def number(self, value: float) -> float | None:
        """Give a number that JSON has; for NaN and infinity null, with a warning."""
        if math.isfinite(value):
            return value
        self._not_finite += 1
        return None

    def warn(self, warning: str) -> None:
        """Note what was put right."""
        if len(self._warnings) < _SHOWN_WARNINGS:
            self._warnings.append(warning)
        else:
            self._more_warnings += 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was put right: a few lines, however much it was."""
        shown = list(self._warnings)
        if self._more_warnings:
            shown.append(f"and {self._more_warnings} more such warnings")
        if self._not_finite:
            shown.append(f"NaN and infinity are null, as JSON has none: {self._not_finite} numbers")
        return tuple(shown)


def utf8(raw: bytes, field: str | None = None) -> str:
    """Decode text strictly. Raises InvalidUtf8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidUtf8(f"expected UTF-8, byte {error.start} is {raw[error.start]:#04x}", field=field) from None
