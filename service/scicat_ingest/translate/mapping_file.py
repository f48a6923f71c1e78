"""One mapping file: it makes an acquisition event of a foreign document, or of a native one that lacks something."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import MappingFailed
from scicat_ingest.translate.expressions import Missing, names_for
from scicat_ingest.translate.read_mapping import Parts, read_mapping
from scicat_ingest.translate.sandbox import OMIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.translate.context import Context, FileValues
    from scicat_ingest.translate.expressions import Value
    from scicat_ingest.translate.read_mapping import Node

_EARLY = ("acquisitionId", "instrument", "pid", "proposal")
"""What is needed before a file is opened: the pid for the order, names for the folders that may be read."""
_OF_SOURCES = {"proposal": ("proposal", "id"), "instrument": ("instrument", "name"), "sample": ("sample", "id")}
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
        """Tell whether the file is for this event; not so where its condition names what is not there."""
        if self.parts.match is None:
            return True
        try:
            return bool(self.parts.match.give(_names(self.parts, context)))
        except (Missing, MappingFailed):
            return False

    def source(self, context: Context, kind: str) -> str | None:
        """Give the path of the file to read values from; None if there is none. Raises MappingFailed."""
        value = self.parts.sources.get(kind)
        if value is None:
            return None
        try:
            path = value.give(_names(self.parts, context))
        except Missing as missing:
            raise _failed(f"sources.{kind}", value, str(missing), context) from None
        if path in (None, "") or path is OMIT:
            return None
        if not isinstance(path, str):
            raise MappingFailed(f"expected a path as text, got {path!r}", field=f"sources.{kind}")
        return path

    def early(self, context: Context) -> tuple[dict[str, Any], bool]:
        """Give what of the pid, instrument and proposal can be told without the file, and whether the pid can."""
        known: dict[str, Any] = {}
        complete = True
        render = _Rendering(self.parts, context, _names(self.parts, context))
        for name in _EARLY:
            node = self.parts.acquisition.get(name)
            if node is None:
                continue
            if node.needs("nexus"):
                complete = complete and name == "proposal"
                continue
            value = render.give(node, name)
            if value is not OMIT:
                known[name] = value
        self._fill_from_sources(known, render)
        return known, complete and "acquisitionId" in known

    def acquisition(self, context: Context, nexus: FileValues | None) -> Acquisition:
        """Make the event. Raises MappingFailed with file, line and field; NotThereYet of the file."""
        names = _names(self.parts, context)
        if nexus is not None:
            names["nexus"] = nexus
        render = _Rendering(self.parts, context, names)
        fields = {
            name: value
            for name, node in self.parts.acquisition.items()
            if (value := render.give(node, name)) is not OMIT
        }
        self._fill_from_sources(fields, render)
        return Acquisition(fields, frozenset(render.defaulted))

    def origins(self) -> list[Origin]:
        """Say where each field comes from."""
        return [
            Origin(path, node.line, node.source, node.value.reads if node.value else ())
            for name, top in self.parts.acquisition.items()
            for path, node in top.leaves(name)
        ]

    def _fill_from_sources(self, fields: dict[str, Any], render: _Rendering) -> None:
        """Let a proposal, instrument or sample of `sources` stand where the acquisition names none."""
        for kind, (group, name) in _OF_SOURCES.items():
            value = self.parts.sources.get(kind)
            if value is None or (fields.get(group) or {}).get(name):
                continue
            try:
                found = value.give(render.names)
            except Missing:
                continue
            if found not in (None, "") and found is not OMIT:
                fields[group] = {**(fields.get(group) or {}), name: found}


@lru_cache(maxsize=64)
def compile_mapping(text: str, name: str, schema: str | None = None) -> MappingFile:
    """Compile a mapping file; the same one is compiled once. Raises InvalidMapping."""
    return MappingFile(text, name, schema)


class _Rendering:
    """One event on its way through the fields."""

    def __init__(self, parts: Parts, context: Context, names: dict[str, Any]) -> None:
        self._parts = parts
        self._context = context
        self.names = names
        self.defaulted: set[str] = set()

    def give(self, node: Node, path: str) -> Any:
        """Give a field's value, its default where something is missing, or OMIT."""
        default = self._parts.on_missing.get(path)
        try:
            return self._value(node, path)
        except Missing as missing:
            if default is None:
                raise _failed(path, node.value, str(missing), self._context, node) from None
        self.defaulted.add(path)
        try:
            value = default.give(self.names)
        except Missing as missing:
            raise _failed(f"on_missing.{path}", default, str(missing), self._context) from None
        return OMIT if value is None else value

    def _value(self, node: Node, path: str) -> Any:
        if node.value is not None:
            value = node.value.give(self.names)
            return OMIT if value is None else value
        whole = path in self._parts.on_missing
        if node.items is not None:
            given = {name: self._part(item, f"{path}.{name}", whole=whole) for name, item in node.items.items()}
            kept = {name: value for name, value in given.items() if value is not OMIT}
            return kept if kept or not given else OMIT
        parts = [self._part(item, f"{path}[{index}]", whole=whole) for index, item in enumerate(node.elements)]
        return [value for value in parts if value is not OMIT]

    def _part(self, node: Node, path: str, *, whole: bool) -> Any:
        """Give a part; where the whole has a default of its own, that stands for a missing part without one."""
        if whole and path not in self._parts.on_missing:
            return self._value(node, path)
        return self.give(node, path)


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


def _failed(path: str, value: Value | None, why: str, context: Context, node: Node | None = None) -> MappingFailed:
    where = getattr(value, "where", None)
    if where is None and node is not None:
        where = f"line {node.line}"
    has = ", ".join(list(context.event)[:_MOST_SHOWN])
    hint = f"the event has: {has}; on_missing gives a default, or {{{{ omit }}}}"
    return MappingFailed(f"{where}: {getattr(value, 'source', '')!r}: {why}", field=path, hint=hint)
