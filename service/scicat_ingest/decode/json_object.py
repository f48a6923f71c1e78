"""Strict JSON: bytes to an object, or a fault that says where and what was expected."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from scicat_ingest.faults import (
    DuplicateKey,
    InvalidJson,
    InvalidUtf8,
    NonFiniteNumber,
    NotAnObject,
    TooDeep,
    TooLarge,
)

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_EXCERPT = 60
_LONG_PATH = 200
_MANY_DIGITS = 300


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
    if len(value) > max_bytes:
        raise TooLarge(f"the event has {len(value)} bytes, at most {max_bytes} are taken")
    try:
        text = value.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidUtf8(f"expected UTF-8, byte {error.start} is {value[error.start]:#04x}") from None
    hooks = _Hooks()
    document = _load(text, hooks, max_depth)
    if not isinstance(document, dict):
        raise NotAnObject(f"expected a JSON object, got {_kind(document)}")
    if hooks.found_flaws:
        _report_first_flaw(document)
    _refuse_depth(document, max_depth)
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
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidJson(f"expected JSON, got an error at {where}: {error.msg}") from None


def _children(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"{path}.{name}" if path else name, item) for name, item in value.items()]
    if isinstance(value, list):
        return [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    return []


def _report_first_flaw(document: dict[str, Any]) -> NoReturn:
    level = _children(document, "")
    while level:
        for path, item in level:
            if isinstance(item, _Flaw):
                raise item.fault(item.message, field=path)
        level = [child for path, item in level for child in _children(item, path)]
    raise DuplicateKey("expected each key once; one comes twice inside a value that is given twice itself")


def _refuse_depth(document: dict[str, Any], max_depth: int) -> None:
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
    deep = [("", document)]
    for _ in range(max_depth):
        deep = [child for path, item in deep for child in _children(item, path) if isinstance(child[1], (dict, list))]
    raise TooDeep(f"expected at most {max_depth} levels of objects and arrays", field=deep[0][0][:_LONG_PATH])


def _refuse_lone_surrogates(document: dict[str, Any]) -> None:
    level = _children(document, "")
    while level:
        for path, item in level:
            if _SURROGATE.search(path) or (isinstance(item, str) and _SURROGATE.search(item)):
                where = path.encode("utf-8", "replace").decode()
                raise InvalidUtf8("expected Unicode text, got half of a surrogate pair", field=where)
        level = [child for path, item in level for child in _children(item, path)]


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
        case _:
            return "a number"
