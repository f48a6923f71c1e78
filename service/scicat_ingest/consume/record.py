"""One record as Kafka gave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record, untouched.

    Guarantees: `key`, `value` and `headers` are the producer's bytes; (`topic`, `partition`, `offset`) names the record
    for ever within one cluster.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """When the record was created, or appended: milliseconds since 1970, UTC; -1 if Kafka has none."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    def header(self, name: str) -> str | None:
        """Give the last header of this name as text, or None."""
        for key, value in reversed(self.headers):
            if key.lower() == name:
                return value.decode("utf-8", "replace")
        return None

    def __str__(self) -> str:
        """Give the coordinates, as they stand in logs and messages."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


def record_of(message: ConsumerRecord[bytes, bytes]) -> Record:
    """Give the record that aiokafka has read."""
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp_ms=message.timestamp if message.timestamp is not None else -1,
        key=message.key,
        value=message.value,
        headers=tuple((name, value or b"") for name, value in message.headers),  # Kafka's values may be null
    )
