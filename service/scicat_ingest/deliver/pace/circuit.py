"""Whether anything is sent at all (pure): an outage pauses the work, and costs no record anything.

Open: nothing is sent but probes. A good probe leads to a trial: one record at a time, until one succeeds.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

LAST = 20
BAD_SHARE = 0.8
LEAST_KEYS = 5
"""Fewer different records than this prove nothing about the catalogue: they may be what is wrong."""


class CircuitState(Enum):
    """What may be sent."""

    CLOSED = "everything"
    OPEN = "nothing but probes"
    TRIAL = "one record at a time: the probe was good"


class Circuit:
    """Opens on bad results, and closes on good ones."""

    def __init__(self) -> None:
        self.state = CircuitState.CLOSED
        self.reason = ""
        """Why it opened last."""
        self._last: deque[tuple[Hashable, bool]] = deque(maxlen=LAST)

    def ended(self, key: Hashable, *, good: bool) -> None:
        """Note how a request for a record ended: with an answer that means something, or with trouble."""
        self._last.append((key, good))
        if good:
            return
        bad = [who for who, was_good in self._last if not was_good]
        if self.state is CircuitState.CLOSED and len(bad) >= BAD_SHARE * LAST and len(set(bad)) >= LEAST_KEYS:
            self.open(f"{len(bad)} of the last {len(self._last)} requests failed")

    def open(self, reason: str) -> None:
        """Stop sending: the catalogue is away."""
        if self.state is not CircuitState.OPEN:
            self.state = CircuitState.OPEN
            self.reason = reason
            self._last.clear()

    def probed(self, *, good: bool) -> None:
        """Note a probe."""
        if self.state is CircuitState.OPEN and good:
            self.state = CircuitState.TRIAL

    def tried(self, *, good: bool) -> None:
        """Note how a record went in a trial."""
        if self.state is CircuitState.TRIAL:
            if good:
                self.state = CircuitState.CLOSED
            else:
                self.open(self.reason)
