"""One partition's records."""

from __future__ import annotations

from bisect import bisect_left

from scicat_ingest.consume.record import Record


class PartitionLog:
    """Records in offset order. Offsets may have gaps; the first records may be forgotten."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.beginning = 0
        """The first offset that may still have a record."""
        self.end = 0
        """One past the last offset."""
        self.records: list[Record] = []
        self._offsets: list[int] = []

    def append(
        self,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: tuple[tuple[str, bytes], ...] = (),
        timestamp_ms: int = 0,
    ) -> Record:
        """Add a record at the end."""
        record = Record(self.topic, self.partition, self.end, timestamp_ms, key, value, headers)
        self.records.append(record)
        self._offsets.append(self.end)
        self.end += 1
        return record

    def skip(self, count: int) -> None:
        """Use up offsets without records, as transaction markers and compaction do."""
        self.end += count

    def forget(self, before: int) -> None:
        """Drop all records below an offset, as retention does."""
        self.beginning = max(self.beginning, min(before, self.end))
        gone = bisect_left(self._offsets, self.beginning)
        del self.records[:gone], self._offsets[:gone]

    def make_anew(self) -> None:
        """Drop everything and begin at offset 0, as deleting and creating the topic does."""
        self.beginning = self.end = 0
        self.records.clear()
        self._offsets.clear()

    def read(self, position: int, most: int) -> tuple[list[Record], int]:
        """Give at most `most` records from an offset on, and the next offset to read."""
        first = bisect_left(self._offsets, position)
        found = self.records[first : first + most]
        return found, (found[-1].offset + 1 if first + most < len(self.records) else self.end)
