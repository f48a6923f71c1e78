"""The contract's side in memory."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from scicat_ingest.testing.memory_kafka import MemoryKafka, Timings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from scicat_ingest.report.message import Message
    from scicat_ingest.testing.memory_kafka import MemoryPublisher, MemoryStream

GROUP = "group"


@asynccontextmanager
async def open_memory_side() -> AsyncIterator[MemorySide]:
    """Give one that is impatient."""
    timings = Timings(session_timeout=1, rebalance_timeout=0.5, heartbeat=0.1, commit_within=1, acknowledged_within=0.3)
    async with MemoryKafka(timings=timings) as kafka:
        yield MemorySide(kafka)


class MemorySide:
    """Obeys `Side`."""

    def __init__(self, kafka: MemoryKafka) -> None:
        self.kafka = kafka
        self.topic = "input"

    async def create(self, partitions: int = 1) -> None:
        self.kafka.create_topic(self.topic, partitions)

    async def send(self, partition: int, *values: bytes, key: bytes | None = None) -> None:
        for value in values:
            self.kafka.append(self.topic, partition, value, key=key)

    async def skip(self, partition: int) -> None:
        self.kafka.skip(self.topic, partition)

    async def forget(self, partition: int, before: int) -> None:
        self.kafka.forget(self.topic, partition, before)

    def member(self, name: str, *, accept_loss: bool = False) -> MemoryStream:
        return self.kafka.member(name, [self.topic], GROUP, accept_loss=accept_loss)

    async def commit(self, offsets: Mapping[int, int]) -> None:
        for partition, offset in offsets.items():
            self.kafka.group(GROUP).committed[self.topic, partition] = offset

    async def committed(self) -> dict[int, int]:
        return {partition: offset for (_, partition), offset in self.kafka.group(GROUP).committed.items()}

    async def publisher(self) -> MemoryPublisher:
        return self.kafka.member("publishing", [self.topic], GROUP).publisher()

    async def messages(self) -> list[Message]:
        return [published.message for published in self.kafka.published]

    async def go_away(self) -> None:
        self.kafka.reachable = False

    async def come_back(self) -> None:
        self.kafka.reachable = True
