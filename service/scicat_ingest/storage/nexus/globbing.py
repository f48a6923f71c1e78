"""Data sets by a pattern of their paths."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import h5py

from scicat_ingest.storage.nexus.locating import names_in, open_child

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANY_DEPTH = "**"


@dataclass(frozen=True, slots=True)
class _Place:
    group: h5py.Group
    path: str
    within: frozenset[int]
    """Addresses of the groups on the way here: one of them again is a circle."""
    pattern: tuple[str, ...]
    """What is left of it."""


def matches(root: h5py.Group, pattern: str, most: int) -> Iterator[tuple[str, h5py.Dataset]]:
    """Give each data set whose path matches, in no order: `*` is any part of a name, `**` any number of groups.

    What cannot be reached (links out of the file, or to nowhere) is left out; a circle of links is gone round once.
    Raises KeyError when more than `most` objects would be looked at, NotThereYet for what is damaged.
    """
    steps = _steps_of(pattern)
    waiting = [_Place(root, "", frozenset([_address(root)]), steps)]
    seen: set[str] = set()
    looked_at = 0
    while waiting:
        place = waiting.pop()
        for name in _names(place, most):
            looked_at += 1
            if looked_at > most:
                raise KeyError(
                    f"{pattern[:200]} looks at more than {most} objects: narrow it, or raise nexus.max_objects"
                )
            lefts = _after(place.pattern, name)
            if not lefts:
                continue
            try:
                node = open_child(root, place.group, name)
            except KeyError:
                continue
            path = f"{place.path}/{name}"
            if isinstance(node, h5py.Dataset):
                if path not in seen and (() in lefts or place.pattern == (_ANY_DEPTH,)):
                    seen.add(path)
                    yield path, node
            elif (address := _address(node)) not in place.within:
                waiting += [_Place(node, path, place.within | {address}, left) for left in lefts if left]


def _steps_of(pattern: str) -> tuple[str, ...]:
    """Split it; `**/**` is no more than `**`, and would take exponential time."""
    steps: list[str] = []
    for step in filter(None, pattern.split("/")):
        if not (step == _ANY_DEPTH and steps[-1:] == [_ANY_DEPTH]):
            steps.append(step)
    return tuple(steps)


def _names(place: _Place, most: int) -> list[str]:
    """Give the names that may match; a plain one is not searched for among a million others."""
    step = place.pattern[0]
    return names_in(place.group, most) if any(sign in step for sign in "*?[") else [step]


def _after(pattern: tuple[str, ...], name: str) -> set[tuple[str, ...]]:
    """Give what may be left of a pattern after a step to `name`; nothing if it does not match."""
    if not pattern:
        return set()
    first, rest = pattern[0], pattern[1:]
    if first == _ANY_DEPTH:
        return {pattern} | _after(rest, name)
    return {rest} if fnmatchcase(name, first) else set()


def _address(node: h5py.Group) -> int:
    return int(h5py.h5o.get_info(node.id).addr)
