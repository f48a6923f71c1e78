"""Where expressions run: Jinja2's sandbox, strict about what is undefined, and bounded.

Mapping files are ours; what is in events is data, and never compiled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import StrictUndefined, Undefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scicat_ingest.translate.filters import FILTERS

MOST_ITEMS = 1_000_000
"""Characters or items that one operator may make."""
_METHODS = frozenset({"items", "keys", "values", "get"})
_LEFT_OUT = ("random", "urlize", "xmlattr", "forceescape", "striptags", "pprint", "attr", "tojson", "filesizeformat")
"""Jinja's filters that are not repeatable, or make HTML."""


class Omit:
    """Stands for a field that is to be left out: `{{ omit }}`."""

    def __repr__(self) -> str:
        """Name it."""
        return "omit"


OMIT = Omit()


class Sandbox(ImmutableSandboxedEnvironment):
    """Expressions without side effects, clocks, dice or ways out."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False)
        for name in _LEFT_OUT:
            del self.filters[name]
        self.filters.update(FILTERS)
        del self.globals["lipsum"]

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Give a key of an object before a method of Python's: `event.values` is what the event says."""
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
            if attribute not in _METHODS:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Give an item; of what a file lacks, the reason is kept: `nexus['/entry/titel']`."""
        found = super().getitem(obj, argument)
        if isinstance(found, Undefined) and not isinstance(obj, (Mapping, Sequence, Undefined)):
            try:
                return obj[argument]
            except KeyError as error:
                return self.undefined(str(error.args[0]) if error.args else None, obj=obj, name=argument)
            except (TypeError, LookupError):
                return found
        return found

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse what would fill the memory: `"x" * 10**9`, `9 ** 9 ** 9`, `"%999999999d" % 1`."""
        if operator == "%" and isinstance(left, str):
            raise SecurityError("text % values is not allowed here; use ~ to join texts")
        if operator == "**" and (abs(right) > 64 or abs(left) > 1e6):
            raise SecurityError("the power is too large")
        if operator == "*":
            for text, times in ((left, right), (right, left)):
                if isinstance(text, (str, list, tuple)) and isinstance(times, int) and len(text) * times > MOST_ITEMS:
                    raise SecurityError(f"the result would be longer than {MOST_ITEMS}")
        return super().call_binop(context, operator, left, right)


SANDBOX = Sandbox()
