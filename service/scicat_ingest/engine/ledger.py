"""How far a partition is done (pure): the watermark below which everything has an acknowledged outcome."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Completions = dict[int, int]
"""Offsets that are done, each with its record's timestamp: a topic that was made anew has other records there."""


MOST_REMEMBERED = 10_000
"""Completions above the position: with an open offset that stays open for days, all others are. Those that are
forgotten are only repeated after a rebalance."""


class Ledger:
    """The received offsets of one partition in order, and which of them are done.

    Guarantees: `position` never passes an offset that was received and is not done; each call takes constant time on
    average, and memory is taken by open offsets alone. Gaps between offsets (compaction, transaction markers) mean
    nothing. Offsets come in ascending order: anything else would be a silent loss, and raises ValueError.
    """

    def __init__(self, remembered: Mapping[int, int] | None = None) -> None:
        self._open: OrderedDict[int, None] = OrderedDict()
        self._done: OrderedDict[int, int] = OrderedDict()
        """Some may be below the position already."""
        self._remembered: Completions = dict(remembered or {})
        self.end: int | None = None
        """One past the last offset that was received."""

    def receive(self, offset: int, timestamp_ms: int) -> bool:
        """Note a record; tell whether it is still to be done: not so if an earlier session completed it."""
        if self.end is not None and offset < self.end:
            raise ValueError(f"offset {offset} came after {self.end - 1}")
        self.end = offset + 1
        self._open[offset] = None
        if self._remembered.pop(offset, None) == timestamp_ms:
            self.finish(offset, timestamp_ms)
            return False
        return True

    def finish(self, offset: int, timestamp_ms: int) -> None:
        """Note that the outcome of a received record is acknowledged; each offset once."""
        self._done[offset] = timestamp_ms
        if len(self._done) > MOST_REMEMBERED:
            self._done.popitem(last=False)
        self.let_go(offset)

    def let_go(self, offset: int) -> None:
        """Note that nothing is left to do about a received record, unless it comes again: it is not remembered."""
        del self._open[offset]
        if not self._open:
            self._done.clear()

    @property
    def position(self) -> int | None:
        """The offset to commit: of the first record that is not done, else the one after the last; None before any."""
        return next(iter(self._open), self.end)

    @property
    def open(self) -> int:
        """Received and not done."""
        return len(self._open)

    @property
    def completions(self) -> Completions:
        """What is done above the position, here or in an earlier session: committing alone would forget it."""
        position = self.position
        known = self._remembered | self._done
        return {offset: at for offset, at in known.items() if position is None or offset >= position}
