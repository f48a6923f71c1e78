"""YAML with the line of each value, for messages that say where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from scicat_ingest.faults import InvalidMapping

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_NODES = 100_000
"""What aliases may expand to."""


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


def parse_yaml(text: str, name: str) -> Placed:
    """Parse one document. Raises InvalidMapping with `name` and line for what is no YAML, or has a key twice."""
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise InvalidMapping(f"{name}: the file is empty")
        return _placed(root, loader, name, iter(range(_MOST_NODES)))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidMapping(f"{name}:{line}: this is no YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidMapping(f"{name}: this is no YAML: {error}") from None
    finally:
        loader.dispose()


def _placed(node: yaml.Node, loader: yaml.SafeLoader, name: str, budget: Iterator[int]) -> Placed:
    line = node.start_mark.line + 1
    if next(budget, None) is None:
        raise InvalidMapping(f"{name}:{line}: more than {_MOST_NODES} values, aliases counted")
    if isinstance(node, yaml.MappingNode):
        items: dict[str, Placed] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node)
            if isinstance(key, bool):  # YAML's own reading of an unquoted `on`
                key = key_node.value
            if not isinstance(key, (str, int, float)):
                raise InvalidMapping(f"{name}:{key_node.start_mark.line + 1}: expected a name, got {key!r}")
            if str(key) in items:
                raise InvalidMapping(f"{name}:{key_node.start_mark.line + 1}: {key!r} comes twice")
            items[str(key)] = _placed(value_node, loader, name, budget)
        return Placed(items, line)
    if isinstance(node, yaml.SequenceNode):
        return Placed([_placed(item, loader, name, budget) for item in node.value], line)
    value = loader.construct_object(node)
    if not isinstance(value, (str, int, float, bool, type(None))):
        value = node.value  # a date stays the text that it is
    return Placed(value, line)
