"""Where a record is in Kafka, as people write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """One record of a topic."""

    topic: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `topic/partition/offset`; None if it is something else."""
        topic, *numbers = text.split("/")
        if not topic or len(numbers) != 2 or not all(number.isascii() and number.isdigit() for number in numbers):
            return None
        if any(len(number) > 19 for number in numbers):
            return None
        return cls(topic, int(numbers[0]), int(numbers[1]))

    def __str__(self) -> str:
        """`topic/partition/offset`: no topic has a slash in its name."""
        return f"{self.topic}/{self.partition}/{self.offset}"
