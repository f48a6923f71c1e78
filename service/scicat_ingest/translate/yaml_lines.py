"""YAML with the line of each value, for messages that say where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from scicat_ingest.faults import InvalidMapping

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_NODES = 100_000
"""What aliases may expand to."""
_STANDARD = "tag:yaml.org,2002:"
_CONSTRUCTED = frozenset({"null", "bool", "int", "float"})
_TAKEN = _CONSTRUCTED | {"str", "map", "seq"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A value and its line: a scalar, a list of Placed, or a dict of Placed by its keys."""

    value: Any
    line: int

    def plain(self) -> Any:
        """Give the value without lines."""
        if isinstance(self.value, dict):
            return {name: item.plain() for name, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


class _Loader(yaml.SafeLoader):
    """YAML 1.2's reading of plain scalars: `no`, `on`, `12:30`, `1_000`, `2026-04-22` and `007` are text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (as PyYAML has it)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(_STANDARD + _tag, re.compile(rf"(?:{_pattern})\Z"), _first)


def parse_yaml(text: str, name: str) -> Placed:
    """Parse one document. Raises InvalidMapping with `name` and line for what is no YAML, has a tag, or a key twice."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidMapping(f"{name}:{line}: this is no YAML: {error.reason}") from None
    try:
        root = loader.get_single_node()
        if root is None:
            raise InvalidMapping(f"{name}: the file is empty")
        return _placed(root, loader, name, iter(range(_MOST_NODES)))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidMapping(f"{name}:{line}: this is no YAML: {error.problem}") from None
    except RecursionError:
        raise InvalidMapping(f"{name}: this is nested too deeply, or contains itself by an alias") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidMapping(f"{name}: this is no YAML: {error}") from None
    finally:
        loader.dispose()


def _placed(node: yaml.Node, loader: yaml.SafeLoader, name: str, budget: Iterator[int]) -> Placed:
    line = node.start_mark.line + 1
    if next(budget, None) is None:
        raise InvalidMapping(f"{name}:{line}: more than {_MOST_NODES} values, aliases counted")
    kind = node.tag.removeprefix(_STANDARD)
    if kind not in _TAKEN:
        raise InvalidMapping(f"{name}:{line}: tags are not taken, got {node.tag!r}")
    if isinstance(node, yaml.MappingNode):
        items: dict[str, Placed] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == f"{_STANDARD}null":
                where = f"{name}:{key_node.start_mark.line + 1}"
                hint = 'text that begins with {{ must be in quotes: "{{ event.id }}"'
                raise InvalidMapping(f"{where}: expected a name before `:`", hint=hint)
            key = key_node.value  # as it is written, also a number
            if key in items:
                raise InvalidMapping(f"{name}:{key_node.start_mark.line + 1}: {key!r} comes twice")
            items[key] = _placed(value_node, loader, name, budget)
        return Placed(items, line)
    if isinstance(node, yaml.SequenceNode):
        return Placed([_placed(item, loader, name, budget) for item in node.value], line)
    return Placed(loader.construct_object(node) if kind in _CONSTRUCTED else node.value, line)
