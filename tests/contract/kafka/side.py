"""What the contract's tests need of either Kafka, and how they watch a member of a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition, RecordStream
    from scicat_ingest.engine.ports import Publishes
    from scicat_ingest.report.message import Message

PATIENCE_SECONDS = 60


class Side(Protocol):
    """A Kafka with one input topic and one consumer group of its own for each test."""

    topic: str

    async def create(self, partitions: int = 1) -> None:
        """Create the input topic."""
        ...

    async def send(self, partition: int, *values: bytes, key: bytes | None = None) -> None:
        """Append records to the input topic."""
        ...

    async def skip(self, partition: int) -> None:
        """Use up at least one offset without a record that anybody can read."""
        ...

    async def forget(self, partition: int, before: int) -> None:
        """Delete the records below an offset."""
        ...

    def member(self, name: str, *, accept_loss: bool = False) -> RecordStream:
        """Make a stream; whoever makes it, starts and stops it."""
        ...

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit offsets of the input topic's partitions for the group while it has no member."""
        ...

    async def committed(self) -> dict[int, int]:
        """Give the group's committed offsets by partition."""
        ...

    async def publisher(self) -> Publishes:
        """Give a publisher, which ends with the side."""
        ...

    async def messages(self) -> list[Message]:
        """Read all that is on the outcome topics."""
        ...

    async def go_away(self) -> None:
        """Be reachable for nobody."""
        ...

    async def come_back(self) -> None:
        """Be reachable again."""
        ...


async def _nothing() -> None:
    return


class Member:
    """A stream that is read by hand, and what it was told. Obeys `Assignments`."""

    def __init__(self, stream: RecordStream, letting_go: Callable[[], Awaitable[None]] = _nothing) -> None:
        self.stream = stream
        self.letting_go = letting_go
        self.told: list[str] = []
        self.partitions: list[Partition] = []
        self.records: list[Record] = []

    async def revoke(self) -> None:
        """Note it, and do what the test wants."""
        self.told.append("revoke")
        await self.letting_go()
        self.told.append("released")
        self.partitions = []

    def assign(self, partitions: Collection[Partition]) -> None:
        """Note it."""
        self.told.append("assign")
        self.partitions = sorted(partitions)

    async def __aenter__(self) -> Self:
        """Join."""
        await self.stream.start(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        await self.stream.stop()

    async def fetch(self, most: int = 100, *, only: Collection[Partition] | None = None) -> list[Record]:
        """Fetch once from all partitions that we have, or only from some."""
        partitions = self.partitions if only is None else only
        records = await self.stream.fetch(partitions, most, 0.2)
        self.records += records
        return records

    async def read(self, count: int, *, only: Collection[Partition] | None = None) -> list[Record]:
        """Fetch until there are so many records more, or more than that."""
        start = len(self.records)
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(self.records) < start + count:
                await self.fetch(only=only)
        return self.records[start:]

    async def until(self, condition: Callable[[], bool], *others: Member) -> None:
        """Fetch nothing, here and by other members, until something is so."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while not condition():
                for member in (self, *others):
                    await member.stream.fetch([], 1, 0.05)

    @property
    def offsets(self) -> dict[int, list[int]]:
        """The offsets of all records so far, by partition."""
        found: dict[int, list[int]] = {}
        for record in self.records:
            found.setdefault(record.partition, []).append(record.offset)
        return found

    async def commit(self, offsets: Mapping[int, int], topic: str) -> None:
        """Commit."""
        await self.stream.commit({(topic, partition): offset for partition, offset in offsets.items()})
