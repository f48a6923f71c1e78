"""JSON as the backend's JavaScript reads and writes it."""

from __future__ import annotations

import json
from typing import Any

from scicat_ingest.testing.stand_in.exchange import refuse

EXACT_DIGITS = 15
"""Whole numbers of up to so many digits are exact in JavaScript."""


def read_body(raw: bytes) -> Any:
    """Return the object or list in a request body; an empty body is an empty object.

    Numbers become doubles, so 2^53 + 1 is 2^53. Raises Refusal 400 on damaged JSON, on NaN and Infinity, and, like the
    backend's strict parser, on a bare string, number or literal.
    """
    text = raw.decode(errors="replace").strip("\ufeff \t\r\n")
    if not text:
        return {}
    if text[0] not in "{[":
        raise refuse(400, f"Unexpected token '{text[0]}', \"{text[:10]}\" is not valid JSON")
    return parse(text)


def parse(text: str, prefix: str = "") -> Any:
    """Return the value of any JSON text. Raises Refusal 400 whose message starts with `prefix`."""
    try:
        return json.loads(text, parse_int=_whole, parse_float=_number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        at_end = isinstance(error, json.JSONDecodeError) and error.pos >= len(text.rstrip())
        reason = "Unexpected end of JSON input" if at_end else f"Unexpected token in JSON: {error}"
        raise refuse(400, prefix + reason) from None


def write(value: Any) -> bytes:
    """Return `value` as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= EXACT_DIGITS else _number(digits)


def _number(digits: str) -> int | float:
    number = float(digits)
    return int(number) if number.is_integer() else number


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
