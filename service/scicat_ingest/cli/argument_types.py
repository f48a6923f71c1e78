"""What arguments may be: times, counts, rates."""

from __future__ import annotations

import argparse
import math
import re
from datetime import UTC, datetime, timedelta

from scicat_ingest.catalogue.times import parse_time

_AGE = re.compile(r"(\d{1,6})(d|h|min)", re.ASCII)
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1)}


def moment(text: str) -> datetime:
    """Read RFC 3339, or an age such as 3d, 12h, 30min."""
    if match := _AGE.fullmatch(text):
        try:
            return datetime.now(UTC) - int(match[1]) * _UNITS[match[2]]
        except OverflowError:
            raise argparse.ArgumentTypeError(f"{text} is before the year 1") from None
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; or an age: 3d, 12h, 30min") from None


def count(text: str) -> int:
    """Read a whole number from 0 on."""
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(text)


def positive(text: str) -> int:
    """Read a whole number from 1 on."""
    if count(text) == 0:
        raise argparse.ArgumentTypeError("expected a number from 1 on")
    return int(text)


def rate(text: str) -> float:
    """Read so many a second."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number a second, such as 5 or 0.2, got {text!r}")
    return number
