"""What was completed in sessions that are over (pure): Kafka usually gives a partition back after a rebalance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.engine.ledger import NOTHING_DONE

if TYPE_CHECKING:
    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.engine.ledger import Completions

REMEMBERED_SECONDS = 600.0


class Remembered:
    """Completions above the committed offset, for REMEMBERED_SECONDS after their session's end.

    A completion is acknowledged, so it holds for ever; the time only bounds the memory.
    """

    def __init__(self) -> None:
        self._entries: dict[Partition, tuple[float, Completions]] = {}

    def keep(self, partition: Partition, completions: Completions, now: float) -> None:
        """Remember; `now` is in seconds."""
        if completions:
            self._entries[partition] = (now + REMEMBERED_SECONDS, completions)

    def recall(self, partition: Partition, now: float) -> Completions:
        """Give what is known of a partition that came back, and forget it, and all that is too old."""
        self._entries = {key: entry for key, entry in self._entries.items() if entry[0] > now}
        _, completions = self._entries.pop(partition, (now, NOTHING_DONE))
        return completions
