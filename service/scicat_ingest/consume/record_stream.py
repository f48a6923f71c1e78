"""What the engine needs of Kafka, and what it is told by it. Kafka itself, and the in-memory one of the tests, obey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from scicat_ingest.consume.record import Record

Partition = tuple[str, int]
"""Topic and partition number."""


class Assignments(Protocol):
    """Is told which partitions are ours. Both calls must not raise."""

    async def revoke(self) -> None:
        """Let go of all partitions: nobody else reads them before this returns, or before the rebalance timeout."""
        ...

    def assign(self, partitions: Collection[Partition]) -> None:
        """Take these partitions, and no others; called before any record of them is fetched."""
        ...


class RecordStream(Protocol):
    """The input topics as records, from the first one that is not committed.

    Guarantees: within an assignment, the records of a partition come in offset order, each once; offsets may have gaps.
    No committed offset: from the first record that there is. Nothing is ever skipped silently.
    """

    async def start(self, assignments: Assignments) -> None:
        """Join the group, without waiting for partitions. Raises ConfigurationFault."""
        ...

    async def stop(self) -> None:
        """Leave the group, within 10 s; `revoke` is not called. Never raises."""
        ...

    async def fetch(self, partitions: Collection[Partition], most: int, wait_seconds: float) -> list[Record]:
        """Wait up to about `wait_seconds` for records of these partitions and give at most `most` (at least 1).

        Every other assigned partition waits; none at all may be given. A record that is given counts as read; a fetch
        that is cancelled has read nothing. Raises HistoryLost (again and again, until the loss is accepted),
        KafkaForbidden, KafkaUnavailable.
        """
        ...

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit the next offsets to read, within 20 s.

        Raises CommitRefused if this member may not commit any more: somebody else reads on from the last commit;
        KafkaUnavailable if there was no answer (it may have been done), KafkaForbidden.
        """
        ...

    @property
    def all_partitions(self) -> int:
        """How many partitions the input topics have, ours and those of others; 0 before the first assignment."""
        ...

    def unread(self, partition: Partition) -> int | None:
        """Tell how many offsets of an assigned partition were not given yet, as far as is known without asking.

        May be called in any thread. None while that is not known, and for partitions that are not ours.
        """
        ...

    async def lags(self) -> dict[Partition, int]:
        """Tell, within 10 s, how many offsets each assigned partition is behind its end. Raises KafkaUnavailable."""
        ...
