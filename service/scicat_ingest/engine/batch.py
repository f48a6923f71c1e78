"""One batch of records and how far each of its partitions is done (pure)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.stream import Partition
    from scicat_ingest.engine.pipeline import Prepared


def into_lanes(batch: Iterable[Prepared]) -> list[list[Prepared]]:
    """Group by lane, in the order of arrival: lanes may run at once, the records of one lane may not."""
    lanes: defaultdict[object, list[Prepared]] = defaultdict(list)
    for prepared in batch:
        lanes[prepared.lane].append(prepared)
    return list(lanes.values())


class Progress:
    """Which records of a batch are done.

    Guarantee: `committable` never passes a record that is not done.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._open: defaultdict[Partition, list[int]] = defaultdict(list)
        self._done: set[tuple[Partition, int]] = set()
        for record in records:
            self._open[record.topic, record.partition].append(record.offset)

    def done(self, record: Record) -> None:
        """Note that the record's outcome is acknowledged."""
        self._done.add(((record.topic, record.partition), record.offset))

    def committable(self) -> dict[Partition, int]:
        """Give, for each partition that got further, the offset of its first record that is not done."""
        offsets = {}
        for partition, received in self._open.items():
            first_open = next(
                (offset for offset in received if (partition, offset) not in self._done), received[-1] + 1
            )
            if first_open > received[0]:
                offsets[partition] = first_open
        return offsets
