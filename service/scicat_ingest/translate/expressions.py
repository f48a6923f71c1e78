"""The values of a mapping file: literals, expressions that keep their type, templates that give text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from jinja2 import TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import FilterArgumentError, SecurityError, TemplateError

from scicat_ingest.catalogue.times import write_time
from scicat_ingest.faults import IngestFault, InvalidMapping, MappingFailed
from scicat_ingest.translate.sandbox import OMIT, SANDBOX, Omit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scicat_ingest.translate.yaml_lines import Placed

_MOST_BYTES = 32 * 1024 * 1024
_DEEPEST = 100
_SHOWN = 80


class Missing(Exception):  # noqa: N818 (a signal, caught where a default may stand)
    """An expression names what is not there."""


class Value(Protocol):
    """One value of a mapping file."""

    @property
    def reads(self) -> tuple[str, ...]:
        """What it takes from the event and elsewhere: `event.title`, `nexus['/entry/title']`."""
        ...

    def give(self, names: Mapping[str, Any]) -> Any:
        """Give the value, or OMIT. Raises Missing, MappingFailed."""
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
            if isinstance(value, Undefined):
                value._fail_with_undefined_error()  # noqa: SLF001 (jinja2's own way to say what is missing)
            return value if isinstance(value, Omit) else as_json(value)
        except UndefinedError as error:
            raise Missing(str(error)) from None
        except KeyError as error:  # of a NeXus file
            raise Missing(str(error.args[0]) if error.args else "it is not there") from None
        except IngestFault:
            raise
        except (FilterArgumentError, SecurityError, TemplateError, ArithmeticError, LookupError) as error:
            raise MappingFailed(f"{self.where}: {_short(self.source)}: {error}") from None
        except (TypeError, ValueError, AttributeError, RecursionError, MemoryError) as error:
            raise MappingFailed(f"{self.where}: {_short(self.source)}: {type(error).__name__}: {error}") from None


def compile_value(placed: Placed, name: str) -> Value:
    """Compile a scalar. Raises InvalidMapping with file and line."""
    text, where = placed.value, f"{name}:{placed.line}"
    if not isinstance(text, str) or ("{{" not in text and "{%" not in text and "{#" not in text):
        return Literal(text)
    try:
        source = _only_expression(text)
        if source is not None:
            return compile_expression(source, where)
        template = SANDBOX.from_string(text)
        return Expression(text, where, _reads(SANDBOX.parse(text)), template.render)
    except TemplateSyntaxError as error:
        raise InvalidMapping(f"{where}: {_short(text)}: {error.message}") from None


def compile_expression(source: str, where: str) -> Expression:
    """Compile what stands between `{{` and `}}`. Raises InvalidMapping."""
    try:
        evaluate = SANDBOX.compile_expression(source, undefined_to_none=False)
        parsed = SANDBOX.parse("{{ " + source + " }}")
    except TemplateSyntaxError as error:
        raise InvalidMapping(f"{where}: {_short(source)}: {error.message}") from None
    return Expression(source, where, _reads(parsed), lambda names: evaluate(**names))


def _only_expression(text: str) -> str | None:
    """Give the expression if the text is exactly one, else None."""
    stripped = text.strip()
    if not (stripped.startswith("{{") and stripped.endswith("}}")):
        return None
    kinds = [kind for _, kind, _ in SANDBOX.lex(stripped) if kind in ("variable_begin", "variable_end", "data")]
    begins_block = any(kind in ("block_begin", "comment_begin") for _, kind, _ in SANDBOX.lex(stripped))
    if kinds != ["variable_begin", "variable_end"] or begins_block:
        return None
    return stripped[2:-2].strip().strip("-").strip()


def as_json(value: Any) -> Any:
    """Give a value as JSON knows it. Raises MappingFailed for what it does not, or what is too large."""
    budget = [_MOST_BYTES]
    return _as_json(value, budget, 0)


def _as_json(value: Any, budget: list[int], depth: int) -> Any:  # noqa: C901, PLR0911 (one case a type)
    budget[0] -= 8 + (len(value) if isinstance(value, str) else 0)
    if budget[0] < 0:
        raise MappingFailed(f"the result of an expression is larger than {_MOST_BYTES >> 20} MiB")
    if depth > _DEEPEST:
        raise MappingFailed(f"the result of an expression is deeper than {_DEEPEST} levels")
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case float():
            if not math.isfinite(value):
                raise MappingFailed(f"an expression gives {value}, which JSON does not know")
            return value
        case dict():
            return {str(name): _as_json(item, budget, depth + 1) for name, item in value.items()}
        case datetime():
            return write_time(value)
        case date():
            return value.isoformat()
        case Undefined():
            value._fail_with_undefined_error()  # noqa: SLF001
        case _ if hasattr(value, "__iter__"):
            return [_as_json(item, budget, depth + 1) for item in value]
    raise MappingFailed(f"an expression gives a {type(value).__name__}, which JSON does not know")


def _reads(parsed: nodes.Template) -> tuple[str, ...]:
    """List what an expression takes its value from, as it is written there."""
    return tuple(dict.fromkeys(_paths(parsed)))


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
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def names_for(context_names: Mapping[str, Any]) -> dict[str, Any]:
    """Give what expressions can see, besides filters."""
    return {**context_names, "omit": OMIT}
