"""What a single value must look like, in the words of the backend's validator."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scicat_ingest.testing.stand_in.times import parse_iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LARGEST = 1e15
"""Beyond it doubles are whole anyway."""

EMAIL = re.compile(r"[^@\s;,]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)
HOST = re.compile(
    r"(?:(?:https?|ftp)://)?(?:[^\s/@:]+@)?(?:(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}|\d+(?:\.\d+){3})(?::\d+)?(?:[/?#]\S*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A test, the validator's name for it, and what it says when the test fails."""

    test: Callable[[Any], bool]
    constraint: str
    message: str


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return not isinstance(value, bool) and (
        isinstance(value, int) or (isinstance(value, float) and LARGEST < abs(value) < math.inf)
    )


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float)


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and parse_iso(value) is not None


def _is_email(value: Any) -> bool:
    return isinstance(value, str) and EMAIL.fullmatch(value) is not None


def _is_email_list(value: Any) -> bool:
    return isinstance(value, str) and all(EMAIL.fullmatch(part.strip()) for part in value.split(";"))


def _is_host(value: Any) -> bool:
    return isinstance(value, str) and HOST.fullmatch(value) is not None


def _is_something(_: Any) -> bool:
    return True


TEXT = Kind(_is_text, "isString", "{} must be a string")
FILLED = Kind(lambda value: value != "", "isNotEmpty", "{} should not be empty")
WHOLE = Kind(_is_whole, "isInt", "{} must be an integer number")
NUMBER = Kind(_is_number, "isNumber", "{} must be a number conforming to the specified constraints")
TRUTH = Kind(lambda value: isinstance(value, bool), "isBoolean", "{} must be a boolean value")
DATE = Kind(_is_date, "isDateString", "{} must be a valid ISO 8601 date string")
EMAIL_ADDRESS = Kind(_is_email, "isEmail", "{} must be an email")
EMAIL_LIST = Kind(_is_email_list, "isEmailList", "{} must contain one or more valid e-mail addresses separated by ;")
HOST_NAME = Kind(_is_host, "isUrl", "{} must be a URL address")
OBJECT = Kind(lambda value: isinstance(value, dict), "isObject", "{} must be an object")
LIST = Kind(lambda value: isinstance(value, list), "isArray", "{} must be an array")
FILLED_LIST = Kind(lambda value: value != [], "arrayNotEmpty", "{} should not be empty")
ANYTHING = Kind(_is_something, "isDefined", "{} should not be null or undefined")


@dataclass(frozen=True, slots=True)
class Problem:
    """One property that is wrong, as class-validator reports it."""

    property: str
    constraints: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Problem, ...] = ()

    def tree(self) -> dict[str, Any]:
        """Return the shape that v3 puts, as text, into its error messages."""
        tree: dict[str, Any] = {"property": self.property, "children": [child.tree() for child in self.children]}
        return tree | ({"constraints": dict(self.constraints)} if self.constraints else {})

    def lines(self, path: str = "") -> Iterator[str]:
        """Yield the messages that v4 lists, each with the path of its parent in front."""
        for message in self.constraints.values():
            yield f"{path}{message}"
        for child in self.children:
            yield from child.lines(f"{path}{self.property}.")


@dataclass(frozen=True, slots=True)
class Field:
    """A property of a payload. Optional ones may be null too. `many` takes a list, or one value in its place."""

    kinds: tuple[Kind, ...] = (ANYTHING,)
    required: bool = False
    many: bool = False
    table: Mapping[str, Field] | None = None

    def problem(self, name: str, value: Any) -> Problem | None:
        """Return what is wrong with a value; None stands for a missing one."""
        if value is None and not self.required:
            return None
        prefix = "each value in " if self.many and self.table is None else ""
        broken = {
            kind.constraint: prefix + kind.message.format(name) for kind in self.kinds if not self._holds(kind, value)
        }
        return Problem(name, broken) if broken else self._nested(name, value)

    def _holds(self, kind: Kind, value: Any) -> bool:
        if value is None:
            return False
        each = self.many and isinstance(value, list) and kind not in {LIST, FILLED_LIST}
        return all(kind.test(item) for item in value) if each else kind.test(value)

    def _nested(self, name: str, value: Any) -> Problem | None:
        if self.table is None:
            return None
        children = []
        for position, item in enumerate(value if isinstance(value, list) else [value]):
            problems = (
                tuple(find_problems(item, self.table))
                if isinstance(item, dict)
                else (Problem(name, {"nestedValidation": f"nested property {name} must be either object or array"}),)
            )
            if problems:
                children.append(Problem(str(position), children=problems))
        if not isinstance(value, list) and children:
            return Problem(name, children=children[0].children)
        return Problem(name, children=tuple(children)) if children else None


def find_problems(payload: Mapping[str, Any], table: Mapping[str, Field], *, unknown: bool = True) -> Iterator[Problem]:
    """Yield what is wrong with a payload: unknown properties first (unless they are let through), then the table's."""
    if unknown:
        for name in payload:
            if name not in table:
                yield Problem(name, {"whitelistValidation": f"property {name} should not exist"})
    for name, rule in table.items():
        problem = rule.problem(name, payload.get(name))
        if problem:
            yield problem
