"""A mapping file's text becomes compiled parts; whatever is wrong is found here, with file and line."""

from __future__ import annotations

import difflib
import json
import re
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.decode.event_part import EventPart
from scicat_ingest.faults import InvalidMapping
from scicat_ingest.translate.expressions import Expression, Value, compile_expression, compile_value
from scicat_ingest.translate.yaml_lines import Placed, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEYS = ("name", "description", "order", "match", "vars", "sources", "acquisition", "on_missing", "metadata_schema")
"""Of a mapping file."""
_LOOKED_UP = {"proposal": "id", "instrument": "name", "sample": "id"}
"""Sources that are asked for in SciCat, where `lookups` say so, and the field of the event that names each."""
_SOURCES = ("nexus", *_LOOKED_UP)
_MOST_SHOWN = 40
_NEEDED = {"acquisitionId": "every acquisition has an id of its own"}


@dataclass(frozen=True, slots=True)
class Node:
    """A field's template: a value, an object of nodes, or an array of nodes."""

    line: int
    source: str = ""
    value: Value | None = None
    items: Mapping[str, Node] | None = None
    elements: tuple[Node, ...] = ()

    def leaves(self, path: str) -> Iterator[tuple[str, Node]]:
        """Give all values below, each with its path."""
        if self.value is not None:
            yield path, self
        for below, item in self.parts(path):
            yield from item.leaves(below)

    def parts(self, path: str) -> Iterator[tuple[str, Node]]:
        """Give what is directly below, each with its path."""
        for name, item in (self.items or {}).items():
            yield f"{path}.{name}", item
        for index, item in enumerate(self.elements):
            yield f"{path}[{index}]", item

    def paths(self, path: str) -> Iterator[str]:
        """Give its path and those of all below."""
        yield path
        for below, item in self.parts(path):
            yield from item.paths(below)

    def needs(self, name: str) -> bool:
        """Tell whether any value below reads from `name`."""
        return any(
            read == name or read.startswith((f"{name}.", f"{name}["))
            for _, node in self.leaves("")
            if node.value is not None
            for read in node.value.reads
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What a mapping file says."""

    name: str
    acquisition: Mapping[str, Node]
    order: float = 100
    match: Expression | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, Value] = field(default_factory=dict)
    on_missing: Mapping[str, Node] = field(default_factory=dict)
    metadata_schema: Mapping[str, Any] | None = None
    description: str = ""


def read_mapping(text: str, file: str, schema: str | None = None) -> Parts:
    """Read and check a mapping file. Raises InvalidMapping."""
    root = _object(parse_yaml(text, file), file, "a mapping file")
    for key, value in root.items():
        if key not in KEYS:
            raise InvalidMapping(f"{file}:{value.line}: there is no key {key!r}{_meant(key, KEYS)}")
    acquisition = _object(_needed(root, "acquisition", file), file, "acquisition")
    for name, why in _NEEDED.items():
        if name not in acquisition:
            raise InvalidMapping(f"{file}:{root['acquisition'].line}: acquisition.{name} is missing: {why}")
    for name, value in acquisition.items():
        _check_field(name, value, file, AcquisitionCompleted, "acquisition")
    nodes = {name: _node(value, file) for name, value in acquisition.items()}
    sources = _sources(root.get("sources"), file)
    _name_looked_up(nodes, sources, file)
    parts = Parts(
        name=_scalar(_needed(root, "name", file), str, file, "name"),
        acquisition=nodes,
        order=_scalar(root["order"], (int, float), file, "order") if "order" in root else 100,
        match=_match(root.get("match"), file),
        variables=_variables(root.get("vars"), file),
        sources={name: value for name, (_, value) in sources.items()},
        on_missing=_on_missing(root.get("on_missing"), nodes, file),
        metadata_schema=None if schema is None else _schema(schema, root["metadata_schema"], file),
        description=_scalar(root["description"], str, file, "description") if "description" in root else "",
    )
    _check_reads(parts, file)
    return parts


def _match(placed: Placed | None, file: str) -> Expression | None:
    if placed is None:
        return None
    source = _scalar(placed, str, file, "match")
    return compile_expression(source.strip().removeprefix("{{").removesuffix("}}"), f"{file}:{placed.line}")


def _variables(placed: Placed | None, file: str) -> Mapping[str, Any]:
    if placed is None:
        return {}
    for name, item in _object(placed, file, "vars").items():
        if "{{" in str(item.plain()):
            raise InvalidMapping(f"{file}:{item.line}: vars.{name}: expected a plain value, nothing is evaluated here")
    return {name: item.plain() for name, item in placed.value.items()}


def _check_reads(parts: Parts, file: str) -> None:
    """Refuse expressions that read what can never be there: another variable, or a file that is not named."""
    trees = (*parts.acquisition.values(), *parts.on_missing.values())
    of_fields = [leaf.value for tree in trees for _, leaf in tree.leaves("")]
    before = [*parts.sources.values(), *([parts.match] if parts.match else [])]
    known = tuple(parts.variables)
    for value in (*of_fields, *before):
        where = getattr(value, "where", file)
        for root, name in _roots_of(value):
            if root == "vars" and name and name not in (*known, "get"):
                raise InvalidMapping(f"{where}: there is no vars.{name}{_meant(name, known)}")
            if root == "nexus" and value in before:
                raise InvalidMapping(f"{where}: the file is not read yet here")
            if root == "nexus" and "nexus" not in parts.sources:
                hint = 'sources: {nexus: "{{ event.file_name }}"}'
                raise InvalidMapping(f"{where}: sources.nexus is missing: which file is read?", hint=hint)


def _roots_of(value: Value | None) -> Iterator[tuple[str, str]]:
    """Give what a value reads, as (`vars`, `zone`) of `vars.zone`."""
    for read in value.reads if value is not None else ():
        root, name = re.match(r"(\w+)\.?(\w*)", read).groups()  # type: ignore[union-attr] # it begins with a name
        yield root, name


def _sources(placed: Placed | None, file: str) -> dict[str, tuple[Placed, Value]]:
    if placed is None:
        return {}
    sources = _object(placed, file, "sources")
    for name, value in sources.items():
        if name not in _SOURCES:
            raise InvalidMapping(
                f"{file}:{value.line}: sources.{name}: there is no such source{_meant(name, _SOURCES)}"
            )
        _scalar(value, str, file, f"sources.{name}")
    return {name: (value, compile_value(value, file)) for name, value in sources.items()}


def _name_looked_up(nodes: dict[str, Node], sources: Mapping[str, tuple[Placed, Value]], file: str) -> None:
    """Let `sources: {proposal: X}` stand for `acquisition: {proposal: {id: X}}`. Refuses to say it twice."""
    for kind, name in _LOOKED_UP.items():
        if kind not in sources:
            continue
        placed, value = sources[kind]
        given = nodes.get(kind)
        if given is not None and (given.items is None or name in given.items):
            raise InvalidMapping(f"{file}:{placed.line}: sources.{kind}: acquisition.{kind} says it too")
        node = Node(placed.line, str(placed.value), value)
        items = {**((given.items if given else None) or {}), name: node}
        nodes[kind] = Node(given.line if given else placed.line, items=items)


def _on_missing(placed: Placed | None, acquisition: Mapping[str, Node], file: str) -> dict[str, Node]:
    if placed is None:
        return {}
    known = tuple(path for name, node in acquisition.items() for path in node.paths(name))
    defaults: dict[str, Node] = {}
    for path, value in _object(placed, file, "on_missing").items():
        if path not in known:
            where = f"{file}:{value.line}: on_missing.{path}"
            raise InvalidMapping(f"{where}: `acquisition` has no such field{_meant(path, known)}")
        defaults[path] = _node(value, file)
    return defaults


def _schema(text: str, placed: Placed, file: str) -> Mapping[str, Any]:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 (few need it: 20 MB, up to a second)
    from jsonschema.validators import validator_for  # noqa: PLC0415

    where = f"{file}:{placed.line}: metadata_schema {placed.value}"
    try:
        schema = json.loads(text)
        validator_for(schema).check_schema(schema)
    except (ValueError, RecursionError) as error:
        raise InvalidMapping(f"{where}: this is no JSON: {error}") from None
    except SchemaError as error:
        raise InvalidMapping(f"{where}: this is no JSON Schema: {error.message}") from None
    if not isinstance(schema, dict):
        raise InvalidMapping(f"{where}: expected an object")
    return schema


def _node(placed: Placed, file: str) -> Node:
    if isinstance(placed.value, dict):
        return Node(placed.line, items={name: _node(item, file) for name, item in placed.value.items()})
    if isinstance(placed.value, list):
        return Node(placed.line, elements=tuple(_node(item, file) for item in placed.value))
    return Node(placed.line, str(placed.value), compile_value(placed, file))


def _check_field(name: str, placed: Placed, file: str, model: type[EventPart], path: str) -> None:
    """Refuse names that the native event does not have, as deep as the file spells them out."""
    if name not in model.model_fields:
        known = tuple(model.model_fields)
        raise InvalidMapping(f"{file}:{placed.line}: {path}.{name}: the event has no such field{_meant(name, known)}")
    below = _part_of(model.model_fields[name].annotation)
    if below is None:
        return
    items = placed.value if isinstance(placed.value, list) else [placed]
    for item in items:
        if isinstance(item.value, dict):
            for inner, value in item.value.items():
                _check_field(inner, value, file, below, f"{path}.{name}")


def _part_of(annotation: Any) -> type[EventPart] | None:
    """Give the kind of object that a field holds, or a list of it; None if anything may be there."""
    if isinstance(annotation, type) and issubclass(annotation, EventPart):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, list, tuple, typing.Annotated):
        found = [part for argument in typing.get_args(annotation) if (part := _part_of(argument)) is not None]
        return found[0] if len(found) == 1 else None
    return None


def _object(placed: Placed, file: str, what: str) -> dict[str, Placed]:
    if not isinstance(placed.value, dict):
        raise InvalidMapping(f"{file}:{placed.line}: {what}: expected names with values")
    return placed.value


def _needed(root: Mapping[str, Placed], key: str, file: str) -> Placed:
    if key not in root:
        raise InvalidMapping(f"{file}: {key!r} is missing")
    return root[key]


def _scalar(placed: Placed, kind: Any, file: str, what: str) -> Any:
    if not isinstance(placed.value, kind) or isinstance(placed.value, bool) or placed.value == "":
        expected = "text" if kind is str else "a number"
        raise InvalidMapping(f"{file}:{placed.line}: {what}: expected {expected}, got {placed.plain()!r}")
    return placed.value


def _meant(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; is {close[0]!r} meant?"
    return f" (there is: {', '.join(known[:_MOST_SHOWN])})" if known else ""
