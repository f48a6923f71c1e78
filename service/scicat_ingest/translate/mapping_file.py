"""One mapping file: it makes an acquisition event of a foreign document, or of a native one that lacks something."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.faults import MappingFailed
from scicat_ingest.translate.expressions import CannotEvaluate, Expression, Missing, names_for
from scicat_ingest.translate.read_mapping import Parts, read_mapping
from scicat_ingest.translate.sandbox import OMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.translate.context import Context, FileValues
    from scicat_ingest.translate.expressions import Value
    from scicat_ingest.translate.read_mapping import Node

_NAMES_THE_PID = ("acquisitionId", "instrument", "pid")
_EARLY = (*_NAMES_THE_PID, "proposal")
"""What is needed before a file is opened: the pid for the order, names for the folders that may be read."""
_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What a mapping file made: the fields of a native event, not validated yet."""

    fields: Mapping[str, Any]
    defaulted: frozenset[str] = frozenset()
    """Paths of fields that `on_missing` gave."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a field of the event comes from."""

    field: str
    line: int
    source: str
    """The expression, or the literal, as it stands in the file."""
    reads: tuple[str, ...]


class MappingFile:
    """A mapping file, checked and compiled. Pure; it can be sent to another process."""

    def __init__(self, text: str, name: str, schema: str | None) -> None:
        self._arguments = (text, name, schema)
        self.parts: Parts = read_mapping(text, name, schema)
        self.digest = hashlib.sha256(f"{text}\0{schema}".encode()).hexdigest()[:16]

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process compile it again, once."""
        return compile_mapping, self._arguments

    @property
    def name(self) -> str:
        """Its name, in outcomes and datasets."""
        return self.parts.name

    @property
    def order(self) -> float:
        """Lower ones are tried first."""
        return self.parts.order

    @property
    def file_name(self) -> str:
        """The file."""
        return self._arguments[1]

    @property
    def metadata_schema(self) -> Mapping[str, Any] | None:
        """JSON Schema of the datasets' scientificMetadata."""
        return self.parts.metadata_schema

    def matches(self, context: Context) -> bool:
        """Tell whether the file is for this event; not so where its condition cannot be evaluated for it."""
        if self.parts.match is None:
            return True
        try:
            return bool(self.parts.match.give(_names(self.parts, context)))
        except (Missing, CannotEvaluate):
            return False

    def source(self, context: Context, kind: str) -> str | None:
        """Give the path of the file to read values from; None if there is none. Raises MappingFailed."""
        value = self.parts.sources.get(kind)
        if value is None:
            return None
        names, field = _names(self.parts, context), f"sources.{kind}"
        try:
            path = value.give(names)
        except (Missing, CannotEvaluate) as why:
            raise _failed(field, value, why, names) from None
        if path in (None, "") or path is OMIT:
            return None
        if not isinstance(path, str):
            raise _failed(field, value, CannotEvaluate(f"expected a path as text, got {excerpt(path)}"), names)
        return path

    def early(self, context: Context) -> tuple[dict[str, Any], bool]:
        """Give what of the pid, instrument and proposal can be told without the file, and whether the pid can.

        Raises MappingFailed.
        """
        known: dict[str, Any] = {}
        unknown: set[str] = set()
        rendering = _Rendering(self.parts, _names(self.parts, context))
        for name in _EARLY:
            node = self.parts.acquisition.get(name)
            if node is None:
                continue
            if node.needs("nexus"):
                unknown.add(name)
            elif (value := rendering.give(node, name)) is not OMIT:
                known[name] = value
        return known, "acquisitionId" in known and not unknown.intersection(_NAMES_THE_PID)

    def acquisition(self, context: Context, nexus: FileValues | None) -> Acquisition:
        """Make the event. Raises MappingFailed with file, line and field; NotThereYet of the file."""
        names = _names(self.parts, context)
        if nexus is not None:
            names["nexus"] = nexus
        rendering = _Rendering(self.parts, names)
        fields = {
            name: value
            for name, node in self.parts.acquisition.items()
            if (value := rendering.give(node, name)) is not OMIT
        }
        return Acquisition(fields, frozenset(rendering.defaulted))

    def default_of(self, path: str) -> Origin:
        """Say what stands for a field where something is missing; `path` is one of `on_missing`."""
        node = self.parts.on_missing[path]
        return Origin(f"on_missing.{path}", node.line, node.source, node.value.reads if node.value else ())

    def origins(self) -> list[Origin]:
        """Say where each field comes from."""
        return [
            Origin(path, node.line, node.source, node.value.reads if node.value else ())
            for name, top in self.parts.acquisition.items()
            for path, node in top.leaves(name)
        ]


@lru_cache(maxsize=64)
def compile_mapping(text: str, name: str, schema: str | None) -> MappingFile:
    """Compile a mapping file, with the JSON Schema that it names; the same one once. Raises InvalidMapping."""
    return MappingFile(text, name, schema)


class _Rendering:
    """One event on its way through the fields."""

    def __init__(self, parts: Parts, names: dict[str, Any]) -> None:
        self._defaults = parts.on_missing
        self._names = names
        self.defaulted: set[str] = set()

    def give(self, node: Node, path: str) -> Any:
        """Give a field's value, or OMIT. Where something is missing, the nearest default around it counts."""
        default = self._defaults.get(path)
        if default is None:
            return self._value(node, path)
        try:
            return self._value(node, path, excused=True)
        except Missing:
            self.defaulted.add(path)
            return self._value(default, path, shown=f"on_missing.{path}")

    def _value(self, node: Node, path: str, *, excused: bool = False, shown: str | None = None) -> Any:
        """Give what a node makes; of what is missing Missing is raised if it is `excused`, else MappingFailed.

        `shown` is what stands for the path in messages: that of a default, which has no defaults of its own.
        """
        if node.value is not None:
            return self._leaf(node.value, shown or path, excused=excused)
        if node.items is None and not node.elements:
            return []
        given = [self._part(part, below, excused=excused, shown=shown) for below, part in node.parts(shown or path)]
        if node.items is None:
            return [value for value in given if value is not OMIT]
        kept = {name: value for name, value in zip(node.items, given, strict=True) if value is not OMIT}
        return kept if kept or not given else OMIT

    def _part(self, node: Node, path: str, *, excused: bool, shown: str | None) -> Any:
        if shown is not None:
            return self._value(node, path, shown=path)
        if path in self._defaults:
            return self.give(node, path)
        return self._value(node, path, excused=excused)

    def _leaf(self, value: Value, path: str, *, excused: bool) -> Any:
        try:
            given = value.give(self._names)
        except Missing as missing:
            if excused:
                raise
            raise _failed(path, value, missing, self._names) from None
        except CannotEvaluate as why:
            raise _failed(path, value, why, self._names) from None
        return OMIT if given is None else given


def _names(parts: Parts, context: Context) -> dict[str, Any]:
    return names_for(
        {
            "event": context.event,
            "headers": context.headers,
            "record": context.record,
            "source": context.source,
            "vars": parts.variables,
        }
    )


def _failed(path: str, value: Value, why: Exception, names: Mapping[str, Any]) -> MappingFailed:
    """Say which line of which file could not give which field, and of what."""
    if not isinstance(value, Expression):
        return MappingFailed(str(why), field=path)
    read = "; ".join(f"{name} is {excerpt(found)}" for name, found in value.values_read(names))
    has = ", ".join(list(names["event"])[:_MOST_SHOWN])
    hint = f"the event has: {has}; on_missing gives a default, or {{{{ omit }}}}" if isinstance(why, Missing) else ""
    message = f"{value.where}: {' '.join(value.source.split())!r:.200}: {why}"
    return MappingFailed(f"{message}; {read}" if read else message, field=path, hint=hint or None)
