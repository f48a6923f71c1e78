"""How much may be held (pure): bounds in records and bytes, with a hysteresis so that fetching does not flutter."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Window:
    """Counts what is held.

    It shuts when not even one more record of the size to be expected fits, and opens again at half. An empty window is
    always open: a record that is larger than the bound is admitted alone.
    """

    most_records: int
    most_bytes: float = math.inf
    expected_bytes: int = 0
    """The size of a record that has to fit; grows with the largest record that was seen."""
    records: int = 0
    bytes: int = 0
    _shut: bool = False

    def add(self, size: int) -> None:
        """Count a record of so many bytes."""
        self.records += 1
        self.bytes += size
        self.expected_bytes = max(self.expected_bytes, size)
        self._shut = self._shut or self.room == 0

    def remove(self, size: int) -> None:
        """Count a record out."""
        self.records -= 1
        self.bytes -= size
        if self.records <= self.most_records // 2 and self.bytes <= self.most_bytes / 2:
            self._shut = False

    @property
    def room(self) -> int:
        """How many more records fit, whether it is open or not."""
        room = self.most_records - self.records
        if self.expected_bytes and self.most_bytes < math.inf:
            room = min(room, int(self.most_bytes - self.bytes) // self.expected_bytes)
        return max(room, 0 if self.records else 1)

    @property
    def open(self) -> bool:
        """Whether records may be fetched."""
        return not self._shut
