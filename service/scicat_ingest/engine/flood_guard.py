"""When a source's dead letters are too many to be the records' fault (pure).

A wrong mapping, or a DAQ that sends nonsense, must not empty a whole topic into the dead letters.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

IN_A_ROW = 20
LAST = 200
LAST_SHARE = 0.25
LAST_WITHIN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class _Ended:
    at: float
    dead: bool


class FloodGuard:
    """Watches the outcomes of one source.

    Trips at more than IN_A_ROW dead letters in a row of distinct keys (a key that comes again is one poisonous record,
    not a flood), or at more than LAST_SHARE of the LAST outcomes within an hour.
    """

    def __init__(self) -> None:
        self._in_a_row: dict[Hashable, None] = {}
        self._last: deque[_Ended] = deque(maxlen=LAST)

    def good(self, now: float) -> None:
        """Count a record that was ingested; `now` is in seconds."""
        self._in_a_row.clear()
        self._last.append(_Ended(now, dead=False))

    def dead(self, key: Hashable, now: float) -> str | None:
        """Count a dead letter of the lane `key`; give the reason if it is one too many."""
        self._in_a_row[key] = None
        self._last.append(_Ended(now, dead=True))
        if len(self._in_a_row) > IN_A_ROW:
            return f"{len(self._in_a_row)} dead letters in a row, of as many keys"
        dead = sum(ended.dead for ended in self._last if ended.at > now - LAST_WITHIN_SECONDS)
        if dead > LAST_SHARE * LAST:
            return f"{dead} dead letters among the last {len(self._last)} outcomes"
        return None
