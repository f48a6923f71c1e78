"""Patterns of paths, in time that grows only with their lengths: `*.nxs`, `raw/**/*.h5`, `tmp/`.

A pattern without `/` is for names at any depth; any other for paths from the source folder. `*`, `?` and `[…]` stay
within a name, `**` stands for any number of folders. A pattern that fits a folder fits all that is in it.
"""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.faults import InvalidField

if TYPE_CHECKING:
    from collections.abc import Sequence

Segment = Callable[[str], object] | str | None
"""Tells of one name whether it fits; a name that fits alone; None for any number of folders."""
_MOST_PATTERNS = 100
_MOST_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Globs:
    """Several patterns."""

    _patterns: tuple[tuple[Segment, ...], ...]

    @classmethod
    def compile(cls, patterns: Sequence[str], field: str) -> Globs:
        """Compile them. Raises InvalidField."""
        if len(patterns) > _MOST_PATTERNS:
            raise InvalidField(f"expected at most {_MOST_PATTERNS} patterns, got {len(patterns)}", field=field)
        return cls(tuple(_compile(pattern, f"{field}[{index}]") for index, pattern in enumerate(patterns)))

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._patterns)

    def fit(self, path: str) -> bool:
        """Tell whether one of them fits the path, relative to the source folder, or a folder that it is in."""
        names = path.split("/")
        return any(len(pattern) in _places(pattern, names) for pattern in self._patterns)

    def lead_to(self, path: str) -> bool:
        """Tell whether one of them fits the path, or may fit something below it."""
        names = path.split("/")
        return any(_places(pattern, names) for pattern in self._patterns)

    def only_name(self, folder: str) -> bool:
        """Tell whether they fit nothing in this folder (empty: the source folder) but what they call by its name."""
        names = folder.split("/") if folder else []
        for pattern in self._patterns:
            for place in _places(pattern, names):
                if place == len(pattern) or not isinstance(pattern[place], str):
                    return False
        return True


def _compile(pattern: str, field: str) -> tuple[Segment, ...]:
    if not pattern.strip("/") or len(pattern) > _MOST_CHARACTERS:
        message = f"expected a pattern of 1 to {_MOST_CHARACTERS} characters, such as **/*.nxs"
        raise InvalidField(message, field=field)
    names = [name for name in pattern.split("/") if name not in ("", ".")]
    if ".." in names:
        raise InvalidField("expected a pattern without `..`", field=field)
    if "/" not in pattern.rstrip("/"):
        names.insert(0, "**")
    kept = [name for index, name in enumerate(names) if name != "**" or names[index - 1 : index] != ["**"]]
    return tuple(None if name == "**" else _segment(name) for name in kept)


def _segment(name: str) -> Segment:
    if not re.search(r"[*?\[]", name):
        return name
    if glob.escape(plain := re.sub(r"\[([*?\[])\]", r"\1", name)) == name:
        return plain
    return re.compile(fnmatch.translate(name)).match


def _places(pattern: tuple[Segment, ...], names: list[str]) -> set[int]:
    """Walk along the names with all places in the pattern that they may have come to; at its end it fits."""
    last = len(pattern)
    places = _reach({0}, pattern)
    for name in names:
        onward = set()
        for place in places:
            if place == last:
                return {last}  # a folder that fits
            segment = pattern[place]
            if segment is None:
                if place == last - 1:
                    return {last}
                onward.add(place)
            elif segment == name if isinstance(segment, str) else segment(name):
                onward.add(place + 1)
        places = _reach(onward, pattern)
        if not places:
            break
    return places


def _reach(places: set[int], pattern: tuple[Segment, ...]) -> set[int]:
    """Add the places behind a `**`, which may stand for nothing, except at the end."""
    reached = set(places)
    for place in places:
        if place < len(pattern) - 1 and pattern[place] is None:
            reached.add(place + 1)
    return reached
