"""The part of MongoDB's query language that SciCat's clients use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from scicat_ingest.testing.stand_in.exchange import refuse

MISSING = object()


def matches(document: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Return whether a document fits. Raises Refusal 400 on an operator that is not known.

    Dotted keys go into objects and lists; a list fits if one of its values does, or if it is the value itself.
    """
    return all(_clause(document, key, condition) for key, condition in where.items())


def _clause(document: Mapping[str, Any], key: str, condition: Any) -> bool:
    match key:
        case "$and":
            return all(matches(document, part) for part in _items(condition, key))
        case "$or":
            return any(matches(document, part) for part in _items(condition, key))
        case "$nor":
            return not any(matches(document, part) for part in _items(condition, key))
        case _ if key.startswith("$"):
            raise refuse(400, f"unknown top level operator: {key}")
        case _:
            return _fits(values_at(document, key.split(".")), condition)


def values_at(value: Any, path: list[str]) -> list[Any]:
    """Return every value at a dotted path; a list at its end gives itself and its items. Empty if there is nothing."""
    if not path:
        return [value, *value] if isinstance(value, list) else [value]
    if isinstance(value, list):
        return [found for item in value if isinstance(item, dict) for found in values_at(item, path)]
    if isinstance(value, dict) and path[0] in value:
        return values_at(value[path[0]], path[1:])
    return []


def _fits(values: list[Any], condition: Any) -> bool:
    if isinstance(condition, Mapping) and any(key.startswith("$") for key in condition):
        return all(_operator(values, name, operand, condition) for name, operand in condition.items())
    return _equals(values, condition)


def _equals(values: list[Any], wanted: Any) -> bool:
    if wanted is None:
        return not values or None in values
    return any(value == wanted and isinstance(value, bool) == isinstance(wanted, bool) for value in values)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[list[Any], Any], bool]:
    def compare(values: list[Any], operand: Any) -> bool:
        comparable = str if isinstance(operand, str) else (int, float)
        return any(isinstance(value, comparable) and test(value, operand) for value in values)

    return compare


def _items(operand: Any, name: str) -> list[Any]:
    if not isinstance(operand, list):
        raise refuse(400, f"{name} needs an array")
    return operand


OPERATORS: Mapping[str, Callable[[list[Any], Any], bool]] = {
    "$eq": _equals,
    "$ne": lambda values, operand: not _equals(values, operand),
    "$in": lambda values, operand: any(_equals(values, item) for item in _items(operand, "$in")),
    "$nin": lambda values, operand: not any(_equals(values, item) for item in _items(operand, "$nin")),
    "$gt": _compare(lambda value, operand: value > operand),
    "$gte": _compare(lambda value, operand: value >= operand),
    "$lt": _compare(lambda value, operand: value < operand),
    "$lte": _compare(lambda value, operand: value <= operand),
    "$exists": lambda values, operand: bool(values) == bool(operand),
    "$not": lambda values, operand: not _fits(values, operand),
}


def _operator(values: list[Any], name: str, operand: Any, condition: Mapping[str, Any]) -> bool:
    if name == "$regex":
        flags = re.IGNORECASE if "i" in str(condition.get("$options", "")) else 0
        try:
            pattern = re.compile(str(operand), flags)
        except re.error as error:
            raise refuse(400, f"Regular expression is invalid: {error}") from None
        return any(isinstance(value, str) and pattern.search(value) for value in values)
    if name == "$options":
        return True
    if name not in OPERATORS:
        raise refuse(400, f"unknown operator: {name}")
    return OPERATORS[name](values, operand)
