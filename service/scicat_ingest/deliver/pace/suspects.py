"""Which record may be bringing the catalogue down (pure): a query of death is found by trying suspects alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

DEADLY = 2
"""So many times in a row the catalogue went down with nothing but this record under way."""


class Suspects:
    """Attempts under way, and what became of the catalogue meanwhile. A key is a record's pid."""

    def __init__(self) -> None:
        self._under_way: set[Hashable] = set()
        self._alone: Hashable | None = None
        """The one that nothing else was ever under way beside, if there is one."""
        self._strikes: dict[Hashable, int] = {}
        """For each suspect: how often in a row the catalogue went down while it was alone."""

    @property
    def under_way(self) -> int:
        """Attempts under way."""
        return len(self._under_way)

    def __contains__(self, key: object) -> bool:
        """Tell whether this record must be tried alone."""
        return key in self._strikes

    def __len__(self) -> int:
        return len(self._strikes)

    def begin(self, key: Hashable) -> None:
        """Note that an attempt begins."""
        self._alone = None if self._under_way else key
        self._under_way.add(key)

    def went_down(self, key: Hashable) -> None:
        """Note that the catalogue went down of a record's write, for all that is known, or of another's beside it."""
        for other in self._under_way:
            self._strikes.setdefault(other, 0)
        if key == self._alone:
            self._strikes[key] += 1

    def suspect(self, key: Hashable) -> None:
        """Note that the catalogue was found down after a record's write, and others had noticed it before."""
        self._strikes.setdefault(key, 0)

    def end(self, key: Hashable) -> None:
        """Note that an attempt has ended, well or not."""
        self._under_way.discard(key)
        if key == self._alone:
            self._alone = None

    def clear(self, key: Hashable) -> None:
        """Note that an attempt ended with the catalogue up: it was not this one."""
        self._strikes.pop(key, None)

    def clear_all(self) -> None:
        """Suspect nobody any more."""
        self._strikes.clear()

    def is_deadly(self, key: Hashable) -> bool:
        """Tell whether this record brings the catalogue down."""
        return self._strikes.get(key, 0) >= DEADLY
