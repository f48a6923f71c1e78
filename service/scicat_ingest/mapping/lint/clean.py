"""A quick look at metadata: most have nothing to find, and need no walk that remembers paths (`metadata.py`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.document import MAX_SAFE_INTEGER
from scicat_ingest.mapping.lint.keys import flawed_names, misread_siblings
from scicat_ingest.mapping.lint.units import MOST_UNITS, is_known_unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scicat_ingest.settings import LintSettings


def clean_names(metadata: dict[str, Any], settings: LintSettings) -> int | None:
    """Count the names of metadata in which surely nothing is to be found; None: they need the closer look."""
    if None in metadata.values():
        return None
    try:
        return _Look(settings).names(metadata, 1, top=True, read=False)
    except _NotClean:
        return None


_QUANTITY = {"value", "unit"}
"""The names of most objects: nothing is wrong with them."""


class _NotClean(Exception):  # noqa: N818 (no error: it ends the look)
    pass


class _Look:
    """`level` and `read` are as in the walk."""

    def __init__(self, settings: LintSettings) -> None:
        self._deepest = settings.max_depth
        self._longest = settings.max_text
        self._units: set[str] = set()

    def names(self, given: dict[str, Any], level: int, *, top: bool, read: bool) -> int:
        """Count the names of an object and of all below. Raises _NotClean."""
        if level > self._deepest:
            raise _NotClean
        if given.keys() != _QUANTITY and ("" in given or flawed_names(given) or (read and misread_siblings(given))):
            raise _NotClean
        if "unit" in given and "value" in given and not self._is_unit(given["unit"]):
            raise _NotClean
        return len(given) + self._below(given.values(), level, read=read or top)

    def _is_unit(self, unit: Any) -> bool:
        if unit is None or (type(unit) is str and unit in self._units):
            return True
        if type(unit) is not str or len(self._units) == MOST_UNITS or not is_known_unit(unit):
            return False
        self._units.add(unit)
        return True

    def _below(self, items: Iterable[Any], level: int, *, read: bool) -> int:
        names = 0
        for item in items:
            kind = type(item)
            if kind is str:
                clean = len(item) <= self._longest
            elif kind is float:
                clean = math.isfinite(item)
            elif kind is int:
                clean = -MAX_SAFE_INTEGER <= item <= MAX_SAFE_INTEGER
            elif kind is dict:
                names += self.names(item, level + 1, top=False, read=read)
                clean = True
            elif kind is list:
                clean = level < self._deepest
                names += self._below(item, level + 1, read=False) if clean else 0
            else:
                clean = kind is bool or item is None
            if not clean:
                raise _NotClean
        return names
