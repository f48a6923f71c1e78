"""The values of a mapping file: literals, expressions that keep their type, templates that give text."""

from __future__ import annotations

import difflib
import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from jinja2 import TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import FilterArgumentError, SecurityError, TemplateError

from scicat_ingest.faults import IngestFault, InvalidMapping
from scicat_ingest.translate.filters import CONSTANT_ARGUMENT, check_constant
from scicat_ingest.translate.sandbox import OMIT, SANDBOX, Omit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scicat_ingest.translate.yaml_lines import Placed

NAMES = ("event", "headers", "record", "source", "vars", "nexus", "omit", "range", "dict")
"""What expressions can see, besides filters and tests."""
_OF_EVENTS = frozenset({"event", "headers", "record", "nexus"})
_MOST_BYTES = 32 * 1024 * 1024
_VALUE_BYTES = 16
"""What each value counts for, besides its text."""
_DEEPEST = 100
_SHOWN = 80
_MOST_READS_SHOWN = 3


class Missing(Exception):  # noqa: N818 (a signal, caught where a default may stand)
    """An expression names what is not there."""


class CannotEvaluate(Exception):  # noqa: N818 (a signal: who asks for the value knows the field)
    """An expression is given what it can make nothing of."""


class Value(Protocol):
    """One value of a mapping file."""

    @property
    def reads(self) -> tuple[str, ...]:
        """What it takes from the event and elsewhere: `event.title`, `nexus['/entry/title']`."""
        ...

    def give(self, names: Mapping[str, Any]) -> Any:
        """Give the value, or OMIT. Raises Missing, CannotEvaluate, and what the file that is read raises."""
        ...


@dataclass(frozen=True, slots=True)
class Literal:
    """What stands in the file."""

    value: Any
    reads: tuple[str, ...] = ()

    def give(self, _: Mapping[str, Any]) -> Any:
        """Give it."""
        return self.value


@dataclass(frozen=True, slots=True)
class Expression:
    """`{{ … }}` alone keeps the type of what it gives; with text around it, it gives text."""

    source: str
    where: str
    """File and line."""
    reads: tuple[str, ...]
    _evaluate: Callable[[Mapping[str, Any]], Any]

    def give(self, names: Mapping[str, Any]) -> Any:
        """Evaluate it."""
        try:
            value = self._evaluate(names)
            return value if isinstance(value, Omit) else as_json(value)
        except UndefinedError as error:
            raise Missing(str(error)) from None
        except KeyError as error:  # of a NeXus file
            raise Missing(str(error.args[0]) if error.args else "it is not there") from None
        except (IngestFault, CannotEvaluate):
            raise
        except (FilterArgumentError, SecurityError, TemplateError, ArithmeticError, LookupError) as error:
            raise CannotEvaluate(str(error)) from None
        except (TypeError, ValueError, AttributeError, NameError, RecursionError, MemoryError) as error:
            raise CannotEvaluate(f"{type(error).__name__}: {error}") from None

    def values_read(self, names: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Give the first few of what it reads with their values, for messages; what is not there is left out."""
        found = []
        for read in self.reads[:_MOST_READS_SHOWN]:
            try:
                found.append((read, compile_expression(read, self.where).give(names)))
            except (Missing, CannotEvaluate, IngestFault):
                continue
        return found


def compile_value(placed: Placed, name: str) -> Value:
    """Compile a scalar. Raises InvalidMapping with file and line."""
    text, where = placed.value, f"{name}:{placed.line}"
    if not isinstance(text, str) or not any(mark in text for mark in ("{{", "{%", "{#")):
        return Literal(text)
    with _mistakes_named(text, where):
        source = _only_expression(text)
        if source is None:
            reads = _checked_reads(text)
            return Expression(text, where, reads, SANDBOX.from_string(text).render)
    return compile_expression(source, where)


def compile_expression(source: str, where: str) -> Expression:
    """Compile what stands between `{{` and `}}`. Raises InvalidMapping."""
    with _mistakes_named(source, where):
        reads = _checked_reads("{{ " + source + " }}")
        evaluate = SANDBOX.compile_expression(source, undefined_to_none=False)
    return Expression(source, where, reads, lambda names: evaluate(**names))


@contextmanager
def _mistakes_named(shown: str, where: str) -> Iterator[None]:
    """Say where a mistake is that is found before any event comes. Raises InvalidMapping."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise InvalidMapping(f"{where}: {_short(shown)}: {error.message}") from None
    except (FilterArgumentError, RecursionError, MemoryError, SyntaxError) as error:
        raise InvalidMapping(f"{where}: {_short(shown)}: {error}") from None


def _only_expression(text: str) -> str | None:
    """Give the expression if the text is exactly one, else None."""
    stripped = text.strip()
    if not (stripped.startswith("{{") and stripped.endswith("}}")):
        return None
    kinds = [kind for _, kind, _ in SANDBOX.lex(stripped) if kind.endswith(("_begin", "_end", "data"))]
    if kinds != ["variable_begin", "variable_end"]:
        return None
    inner = stripped[2:-2]
    inner = inner[1:] if inner.startswith(("-", "+")) else inner  # `{{-` takes blanks away; `{{ -1 }}` is a number
    return inner.removesuffix("-").strip()


def _checked_reads(text: str) -> tuple[str, ...]:
    """List what a template takes its values from. Raises TemplateSyntaxError, FilterArgumentError."""
    parsed = SANDBOX.parse(text)
    _check_statements(parsed)
    _check_names(parsed)
    for called in parsed.find_all(nodes.Filter):
        _check_filter(called)
    return _reads(parsed)


def _check_statements(parsed: nodes.Template) -> None:
    if not all(isinstance(node, nodes.Output) for node in parsed.body):
        raise FilterArgumentError("only {{ … }} is taken, no {% … %}; a choice is {{ a if condition else b }}")


def _check_names(parsed: nodes.Template) -> None:
    for name in sorted({node.name for node in parsed.find_all(nodes.Name)}):
        if name not in NAMES:
            close = difflib.get_close_matches(name, NAMES, n=1)
            meant = f"; is {close[0]!r} meant?" if close else f" (there is: {', '.join(NAMES)})"
            raise FilterArgumentError(f"there is nothing called {name!r}{meant}")


def _check_filter(called: nodes.Filter) -> None:
    """Refuse programs that come from events, and try those that stand in the mapping file."""
    name, arguments = called.name, list(called.args)
    if name == "map" and arguments:
        if not isinstance(arguments[0], nodes.Const):
            raise FilterArgumentError("map: the name of the filter must be written out")
        name, arguments = str(arguments[0].value), arguments[1:]
        if name not in SANDBOX.filters:
            raise FilterArgumentError(f"No filter named {name!r}.")
    if name not in CONSTANT_ARGUMENT:
        return
    others = (*(keyword.value for keyword in called.kwargs), called.dyn_args, called.dyn_kwargs)
    for argument in (*arguments, *others):
        if argument is not None and not _OF_EVENTS.isdisjoint(_names_in(argument)):
            raise FilterArgumentError(f"{name}: what it is asked may not come from the event")
    if arguments and isinstance(arguments[0], nodes.Const):
        check_constant(name, arguments[0].value)


def _names_in(node: nodes.Node) -> set[str]:
    found = {each.name for each in node.find_all(nodes.Name)}
    return {*found, node.name} if isinstance(node, nodes.Name) else found


def as_json(value: Any) -> Any:
    """Give a value as JSON knows it. Raises CannotEvaluate for what it does not, or what is too large."""
    budget = [_MOST_BYTES]
    return _as_json(value, budget, 0)


def _as_json(value: Any, budget: list[int], depth: int) -> Any:  # noqa: C901 (one case a type)
    budget[0] -= _VALUE_BYTES + (len(value) if isinstance(value, str) else 0)
    if budget[0] < 0:
        raise CannotEvaluate(f"the result is larger than {_MOST_BYTES >> 20} MiB")
    if depth > _DEEPEST:
        raise CannotEvaluate(f"the result is deeper than {_DEEPEST} levels")
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case float():
            if not math.isfinite(value):
                raise CannotEvaluate(f"the result is {value}, which JSON does not know")
            return value
        case dict():
            return {_key(name, budget): _as_json(item, budget, depth + 1) for name, item in value.items()}
        case Undefined():
            value._fail_with_undefined_error()  # noqa: SLF001 (jinja2's own way to say what is missing)
        case Omit():
            raise CannotEvaluate("omit cannot stand within an array or object that an expression makes")
        case _ if callable(value):  # `event.items`, which the event does not have: a method of Python's
            raise UndefinedError("it is not there")
        case _ if hasattr(value, "__iter__"):
            return [_as_json(item, budget, depth + 1) for item in value]
    raise CannotEvaluate(f"the result is a {type(value).__name__}, which JSON does not know")


def _key(name: Any, budget: list[int]) -> str:
    if not isinstance(name, (str, int)):
        raise CannotEvaluate(f"expected text as the name of a field, got {name!r:.60}")
    budget[0] -= len(text := str(name))
    return text


def _reads(parsed: nodes.Template) -> tuple[str, ...]:
    """List what an expression takes its value from, as it is written there."""
    return tuple(dict.fromkeys(path for path in _paths(parsed) if path not in ("omit", "range", "dict")))


def _paths(node: nodes.Node) -> Iterator[str]:
    path = _path(node)
    if path is not None:
        yield path
        return
    for child in node.iter_child_nodes():
        yield from _paths(child)


def _path(node: nodes.Node) -> str | None:
    match node:
        case nodes.Name(name=name, ctx="load"):
            return str(name)
        case nodes.Getattr(node=inner, attr=name):
            before = _path(inner)
            return None if before is None else f"{before}.{name}"
        case nodes.Getitem(node=inner, arg=nodes.Const(value=key)):
            before = _path(inner)
            return None if before is None else f"{before}[{key!r}]"
        case nodes.Call(node=nodes.Getattr(node=inner, attr=name), args=[nodes.Const(value=key), *_]):
            before = _path(inner)
            return None if before is None else f"{before}.{name}({key!r})"
    return None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def names_for(context_names: Mapping[str, Any]) -> dict[str, Any]:
    """Give what expressions can see, besides filters."""
    return {**context_names, "omit": OMIT}
