"""Where expressions run: Jinja2's sandbox, strict about what is undefined, and bounded.

Mapping files are ours; what is in events is data, and never compiled. No expression has loops, and no operator, filter
or method gives more than a constant times what it is given, or than MOST_ITEMS: so neither a mistake in a mapping file
nor a hostile event takes all memory or time.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from jinja2 import ChainableUndefined, StrictUndefined, Undefined, nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from scicat_ingest.translate.filters import FILTERS, null_stays_null

if TYPE_CHECKING:
    from jinja2.compiler import Frame
    from jinja2.runtime import Context

MOST_ITEMS = 1_000_000
"""Characters or items that one operator may make of less."""
_MOST_SEARCHED_ITEMS = 2_000
"""Items of an array that `in` is asked for within `select` and `reject`, once for each of another array."""
_JINJA_FILTERS = frozenset({
    "abs", "count", "d", "default", "dictsort", "first", "groupby", "items", "last", "length", "list", "map", "max",
    "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique",
})  # fmt: skip
_JINJA_TEXT_FILTERS = frozenset({
    "capitalize", "lower", "title", "trim", "truncate", "upper", "urlencode", "wordcount",
})  # fmt: skip
"""Jinja's filters that are kept, these for text: null stays null. The others are not repeatable, make HTML, or make
much of little."""
_SHOWN = 60
_KINDS = {type(None): "null", str: "a text", list: "an array"}
_GLOBALS = frozenset({"range", "dict"})
_TEXT_METHODS = frozenset({
    "capitalize", "casefold", "count", "endswith", "find", "isalnum", "isalpha", "isdigit", "isnumeric", "isupper",
    "islower", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "rfind", "rpartition", "rsplit",
    "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
})  # fmt: skip
_OBJECT_METHODS = frozenset({"items", "keys", "values", "get"})
_ARRAY_METHODS = frozenset({"index", "count"})
_FILE_METHODS = frozenset({"get", "units", "attrs", "glob"})
"""Of `FileValues`; nothing else of a file can be reached."""


class Omit:
    """Stands for a field that is to be left out: `{{ omit }}`."""

    def __repr__(self) -> str:
        """Name it."""
        return "omit"

    def __bool__(self) -> bool:
        """Tell that it is nothing."""
        return False


OMIT = Omit()


class _NotThere(ChainableUndefined, StrictUndefined):
    """What is missing, and all below it: `event.a.b | default('x')` needs no `a`; anything else raises."""

    @property
    def _undefined_message(self) -> str:
        """Say what is missing for people who know no Python."""
        if self._undefined_hint:
            return self._undefined_hint
        name, obj = self._undefined_name, self._undefined_obj
        if obj is missing:
            return f"there is no {name!r} here" if name != "nexus" else "no file is read for this event"
        if isinstance(obj, Mapping):
            close = difflib.get_close_matches(str(name), [str(key) for key in islice(obj, 1000)], n=1)
            return f"there is no {str(name)[:_SHOWN]!r}" + (f"; is {close[0][:_SHOWN]!r} meant?" if close else "")
        return f"{_KINDS.get(type(obj), 'this')} has no {name!r}"


class _Generator(CodeGenerator):
    """Makes `~` refuse null: an id `p None` would be worse than none."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 (Jinja's name)
        """Write the joining of texts."""
        self.write("environment.join_texts((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


def text_of(value: Any) -> str:
    """Give a value as a part of a text: what is no text as JSON writes it.

    Raises UndefinedError for null, omit and what is not there: on_missing may give another text.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, Omit):
        raise UndefinedError("a part of the text is null")
    if isinstance(value, Undefined):
        return str(value)  # raises UndefinedError
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        raise SecurityError(f"a {type(value).__name__} cannot stand in a text") from None


class Sandbox(ImmutableSandboxedEnvironment):
    """Expressions without side effects, clocks, dice or ways out."""

    intercepted_binops = frozenset({"*", "**", "%"})
    code_generator_class = _Generator

    def __init__(self) -> None:
        super().__init__(undefined=_NotThere, autoescape=False, finalize=text_of, optimized=False)
        own = self.filters
        self.filters = {name: own[name] for name in _JINJA_FILTERS}
        self.filters |= {name: null_stays_null(own[name]) for name in _JINJA_TEXT_FILTERS}
        self.filters |= FILTERS
        self.globals = {name: self.globals[name] for name in _GLOBALS}
        self.tests["in"] = _bounded_in

    def join_texts(self, parts: Iterable[Any]) -> str:
        """Do what `~` stands for. Raises UndefinedError for null."""
        return "".join(text_of(part) for part in parts)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Give a key of an object before a method of Python's: `event.values` is what the event says."""
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
            if attribute not in _OBJECT_METHODS:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Give an item, never a method; of what a file lacks, the reason is kept: `nexus['/entry/titel']`."""
        if isinstance(obj, Undefined):
            return obj
        try:
            return obj[argument]
        except KeyError as error:
            reason = None if isinstance(obj, Mapping) or not error.args else str(error.args[0])
            return self.undefined(reason, obj=obj, name=argument)
        except (TypeError, LookupError):
            return self.undefined(obj=obj, name=argument)

    def wrap_str_format(self, value: Any) -> None:
        """Give nothing in the place of `format`, which fills up as wide as it is told: it is no safe attribute."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Tell whether it is one of the methods that are bounded: no `ljust`, `format`, `join`."""
        match obj:
            case str():
                allowed = attr in _TEXT_METHODS
            case Mapping():
                allowed = attr in _OBJECT_METHODS
            case Sequence():
                allowed = attr in _ARRAY_METHODS
            case bool() | int() | float():
                allowed = False
            case _:
                allowed = attr in _FILE_METHODS
        return allowed and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
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


def _bounded_in(value: Any, container: Any) -> bool:
    """Do what `in` does within `select` and `reject`: once for each of many items."""
    if isinstance(container, (list, tuple)) and len(container) > _MOST_SEARCHED_ITEMS:
        raise SecurityError(f"the array has more than {_MOST_SEARCHED_ITEMS} items to look through each time")
    return value in container


SANDBOX = Sandbox()
