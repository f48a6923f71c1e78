"""Where reading begins, and what is gone (pure)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LostRecords:
    """A committed offset that the log no longer has."""

    partition: str
    committed: int
    """The next record that was to be read."""
    beginning: int
    """The first record that the log still has."""
    end: int
    """One past the last record of the log."""

    @property
    def count(self) -> int:
        """Records that are gone without having been ingested; 0 if the log was made anew and nobody knows."""
        return max(self.beginning - self.committed, 0)

    def __str__(self) -> str:
        """Say what happened to this partition."""
        if self.committed > self.end:
            return (
                f"{self.partition}: the committed offset {self.committed} is after the log's end {self.end}: "
                "the topic was made anew or cut off"
            )
        return f"{self.partition}: {self.count} records from offset {self.committed} on are gone from Kafka"


def judge_start(partition: str, committed: int | None, beginning: int, end: int) -> int | LostRecords:
    """Say at which offset reading goes on: without a commit at the first record that there is."""
    if committed is None:
        return beginning
    if beginning <= committed <= end:
        return committed
    return LostRecords(partition, committed, beginning, end)
