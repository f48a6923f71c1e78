"""How far a partition is done (pure): the watermark below which everything has an acknowledged outcome."""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Completions:
    """What a session passes on to the partition's next one."""

    done: Mapping[int, int] = field(default_factory=dict)
    """Offsets, each with its record's timestamp: a topic that was made anew has other records there."""
    spans: Sequence[tuple[int, int]] = ()
    """First and last offset of what belongs together."""

    def __bool__(self) -> bool:
        """Tell whether there is anything to pass on."""
        return bool(self.done or self.spans)


NOTHING_DONE = Completions()


MOST_REMEMBERED = 10_000
"""Completions above the position: with an open offset that stays open for days, all others are. Those that are
forgotten are only repeated after a rebalance."""


class Ledger:
    """The received offsets of one partition in order, and which of them are done.

    Guarantees: `position` never passes an offset that was received and is not done, and is never inside a span: what is
    read again after a crash is a whole run, or nothing of it; each call but `position` takes constant time on
    average, and memory is taken by open offsets alone. Gaps between offsets (compaction, transaction markers) mean
    nothing. Offsets come in ascending order: anything else would be a silent loss, and raises ValueError.
    """

    def __init__(self, remembered: Completions = NOTHING_DONE) -> None:
        self._open: OrderedDict[int, int] = OrderedDict()
        """Each with its record's timestamp."""
        self._done: OrderedDict[int, int] = OrderedDict()
        """Some may be below the position already."""
        self._spans: list[tuple[int, int]] = list(remembered.spans)
        """First and last offset of what is done together and may not be read again in part, by first offset."""
        self._remembered = dict(remembered.done)
        self.end: int | None = None
        """One past the last offset that was received."""
        self._first: int | None = None

    def receive(self, offset: int, timestamp_ms: int) -> bool:
        """Note a record; tell whether it is still to be done: not so if an earlier session completed it."""
        if self.end is not None and offset < self.end:
            raise ValueError(f"offset {offset} came after {self.end - 1}")
        self.end = offset + 1
        self._open[offset] = timestamp_ms
        if self._first is None:
            self._first = offset
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
        if not self._open and not self._spans:
            self._done.clear()

    def join(self, first: int, last: int) -> None:
        """Note that two records that are not finished yet belong together, with all between them that was let go."""
        insort(self._spans, (first, last))

    @property
    def position(self) -> int | None:
        """The offset to commit: of the first record that is not done, else the one after the last; None before any.

        The first offset of a span instead, if that would be inside one.
        """
        position = next(iter(self._open), self.end)
        if position is None or not self._spans:
            return position
        for first, last in reversed(self._spans):
            if first < position <= last:
                position = first
        self._spans = [span for span in self._spans if span[1] >= position]
        return position

    @property
    def open(self) -> int:
        """Received and not done."""
        return len(self._open)

    @property
    def oldest_ms(self) -> int | None:
        """The timestamp of the first record that is received and not done; None if there is none."""
        return next(iter(self._open.values()), None)

    def since(self, committed: int | None) -> int:
        """Count the offsets received from `committed` on; None: from the first."""
        begin = self._first if committed is None else committed
        return 0 if begin is None or self.end is None else max(self.end - begin, 0)

    @property
    def completions(self) -> Completions:
        """What is done above the position, here or in an earlier session: committing alone would forget it."""
        position = self.position
        known = self._remembered | self._done
        done = {offset: at for offset, at in known.items() if position is None or offset >= position}
        return Completions(done, tuple(self._spans))
