"""Strict JSON: bytes to an object, or a fault that says where and what was expected."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic_core import from_json

from scicat_ingest.decode.field_path import write_path
from scicat_ingest.faults import (
    DuplicateKey,
    InvalidJson,
    InvalidUtf8,
    NonFiniteNumber,
    NotAnObject,
    TooDeep,
    TooLarge,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_EXCERPT = 60
_BEFORE = 24
"""Characters that show people a place."""
_MANY_DIGITS = 300
_MANY_BITS = 900
"""Fewer than those of _MANY_DIGITS."""


class _Flaw:
    """Stands in the parsed tree for a value that JSON lets pass and we do not, until its path is known."""

    def __init__(self, fault: type[DuplicateKey | NonFiniteNumber], message: str) -> None:
        self.fault = fault
        self.message = message


class _Hooks:
    """What json.loads calls for numbers and objects; `found_flaws` tells whether there is a _Flaw in the tree."""

    def __init__(self) -> None:
        self.found_flaws = False

    def flaw(self, fault: type[DuplicateKey | NonFiniteNumber], message: str) -> _Flaw:
        self.found_flaws = True
        return _Flaw(fault, message)

    def constant(self, name: str) -> _Flaw:
        return self.flaw(NonFiniteNumber, f"expected a finite number, got {name}")

    def decimal(self, digits: str) -> float | _Flaw:
        parsed = float(digits)
        if math.isfinite(parsed):
            return parsed
        return self.flaw(NonFiniteNumber, f"expected a number that fits a double, got {digits[:_EXCERPT]}")

    def integer(self, digits: str) -> int | float | _Flaw:
        return int(digits) if len(digits) < _MANY_DIGITS else self.decimal(digits)

    def pairs(self, items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            seen: set[str] = set()
            for name, _ in items:
                if name in seen:
                    found[name] = self.flaw(DuplicateKey, "expected each key once, this one comes twice")
                seen.add(name)
        return found


def parse_json_object(value: bytes, *, max_bytes: int, max_depth: int) -> dict[str, Any]:
    """Parse a JSON object.

    Raises a subclass of UndecodableRecord: more than `max_bytes` bytes or `max_depth` levels, not UTF-8, not JSON, not
    an object, a key twice in one object, or a number that is not finite. The fault's field is the path of the place.
    """
    document: dict[str, Any] = _parse(value, dict, max_bytes, max_depth)
    return document


def parse_json_array(value: bytes, *, max_bytes: int, max_depth: int) -> list[Any]:
    """Parse a JSON array, as strictly as `parse_json_object`."""
    items: list[Any] = _parse(value, list, max_bytes, max_depth)
    return items


def _parse(value: bytes, wanted: type[dict[str, Any] | list[Any]], max_bytes: int, max_depth: int) -> Any:
    if len(value) > max_bytes:
        raise TooLarge(f"the event has {len(value)} bytes, at most {max_bytes} are taken")
    document = _parse_flawless(value, max_depth)
    return document if isinstance(document, wanted) else _parse_closely(value, wanted, max_depth)


def _parse_flawless(value: bytes, max_depth: int) -> Any | None:
    """Parse JSON in which surely nothing is to be found; None: it needs the closer, slower look.

    Without backslashes, each colon of the value stands behind a key or in a text. If so many are in the tree, no key
    came twice: its first entry would be lost, with the colon behind it.
    """
    if b"\\" in value:
        return None
    try:
        document = from_json(value, allow_inf_nan=False)
    except ValueError:
        return None
    texts: list[str] = []
    keys, depth, level = 0, -1, [document]
    while level:
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                texts.append(item)
            elif kind is dict:
                keys += len(item)
                texts += item
                below += item.values()
            elif kind is list:
                below += item
            elif (kind is float and not math.isfinite(item)) or (kind is int and item.bit_length() > _MANY_BITS):
                return None
        level = below
        depth += 1
    text = "".join(texts)
    colons = len(value) - len(value.replace(b":", b""))  # `count` takes five times as long where they are few
    return document if depth < max_depth and colons == keys + len(text) - len(text.replace(":", "")) else None


def _parse_closely(value: bytes, wanted: type[dict[str, Any] | list[Any]], max_depth: int) -> Any:
    try:
        text = value.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        first = error.start + len(value) - len(error.object)  # the byte order mark is not counted
        before = value[max(first - _BEFORE, 0) : first].decode("utf-8", "replace")
        after = f", after {before!r}" if before else ""
        raise InvalidUtf8(f"expected UTF-8, byte {first} is {value[first]:#04x}{after}") from None
    hooks = _Hooks()
    document = _load(text, hooks, max_depth)
    if not isinstance(document, wanted):
        expected = "object" if wanted is dict else "array"
        raise NotAnObject(f"expected a JSON {expected}, got {_kind(document)}")
    _refuse_depth(document, max_depth)
    if hooks.found_flaws:
        _report_first_flaw(document)
    if _ESCAPED_SURROGATE.search(value):
        _refuse_lone_surrogates(document)
    return document


def _load(text: str, hooks: _Hooks, max_depth: int) -> Any:
    try:
        return json.loads(
            text,
            parse_constant=hooks.constant,
            parse_float=hooks.decimal,
            parse_int=hooks.integer,
            object_pairs_hook=hooks.pairs,
        )
    except RecursionError:
        raise TooDeep(f"expected at most {max_depth} levels of objects and arrays") from None
    except json.JSONDecodeError as error:
        raise InvalidJson(_why_no_json(error)) from None


def _why_no_json(error: json.JSONDecodeError) -> str:
    text = error.doc
    if not text.strip():
        return "expected JSON, the value is blank"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"expected JSON, the value ends in the middle of it: …{text[-_BEFORE:]!r}"
    where, near = f"line {error.lineno}, column {error.colno}", text[error.pos : error.pos + _BEFORE]
    return f"expected JSON, got {near!r} at {where}: {error.msg}"


def _steps(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _find(value: Any, wanted: Callable[[str | int, Any], bool]) -> tuple[list[str | int], Any] | None:
    """Give the way to the first wanted item, and the item. Only for values whose depth is bounded.

    The path is put together on the way back: a path for every item on the way there would cost gigabytes where a name
    is long.
    """
    for step, item in _steps(value):
        if wanted(step, item):
            return [step], item
        below = _find(item, wanted)
        if below is not None:
            return [step, *below[0]], below[1]
    return None


def _report_first_flaw(document: Any) -> NoReturn:
    found = _find(document, lambda _, item: isinstance(item, _Flaw))
    if found is None:  # cannot be: a flaw only gives way to another one
        raise DuplicateKey("expected each key once")
    steps, flaw = found
    raise flaw.fault(flaw.message, field=write_path(steps))


def _refuse_depth(document: Any, max_depth: int) -> None:
    level: list[Any] = [document]
    for _ in range(max_depth):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    steps = _way_down(document, max_depth) or []
    raise TooDeep(f"expected at most {max_depth} levels of objects and arrays", field=write_path(steps))


def _way_down(value: Any, levels: int) -> list[str | int] | None:
    """Give the way to the first object or array so many levels below."""
    if levels == 0:
        return []
    for step, item in _steps(value):
        below = _way_down(item, levels - 1) if isinstance(item, (dict, list)) else None
        if below is not None:
            return [step, *below]
    return None


def _refuse_lone_surrogates(document: Any) -> None:
    def has_surrogate(step: str | int, item: Any) -> bool:
        return any(isinstance(text, str) and _SURROGATE.search(text) is not None for text in (step, item))

    found = _find(document, has_surrogate)
    if found is not None:
        raise InvalidUtf8("expected Unicode text, got half of a surrogate pair", field=write_path(found[0]))


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a string"
        case list():
            return "an array"
        case dict():
            return "an object"
        case _:
            return "a number"
