"""Finds a path that comes twice, with 8 bytes a path instead of the path.

Python's own hash of a text is keyed anew in each process: nobody can choose paths whose hashes meet. A hash that comes
twice is looked into, so that two paths that only look alike pass.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BUCKETS = 256
"""Each is sorted alone: sorting makes an object of every hash in it."""


class Seen:
    """The paths that came."""

    def __init__(self) -> None:
        self._buckets = [array("q") for _ in range(_BUCKETS)]

    def add(self, path: str) -> None:
        """Remember one."""
        key = hash(path)
        self._buckets[key % _BUCKETS].append(key)

    def twice(self, paths: Callable[[], Iterable[str]]) -> str | None:
        """Give the first of all `paths`, which are those that were added, that comes a second time."""
        suspects = {key for bucket in self._buckets for key in _repeated(bucket)}
        if not suspects:
            return None
        met: set[str] = set()
        for path in paths():
            if hash(path) in suspects:
                if path in met:
                    return path
                met.add(path)
        return None


def _repeated(bucket: array[int]) -> list[int]:
    return [key for key, following in pairwise(sorted(bucket)) if key == following]
