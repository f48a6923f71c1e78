"""A range of the past as an input stream: the engine works through it as it does through what is new."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.report.message import REPROCESS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Assignments, Partition


class RecordRange:
    """Gives each record of `records` once; nothing is committed. Obeys `RecordStream`.

    `records` come in the order of each partition, some at a time; no more than one such group is held. Each is marked
    as taken up by `run`.
    """

    def __init__(
        self,
        records: AsyncIterator[list[Record]],
        partitions: Collection[Partition],
        takes: Callable[[Record], bool],
        run: str,
    ) -> None:
        self._records = records
        self._partitions = partitions
        self._takes = takes
        self._mark = (REPROCESS, run.encode())
        self._pending: deque[Record] = deque()
        self._ended = False
        self.given = 0
        """Records that were given."""

    @property
    def exhausted(self) -> bool:
        """Whether the last record was given."""
        return self._ended and not self._pending

    async def start(self, assignments: Assignments) -> None:
        """Assign all partitions at once."""
        assignments.assign(self._partitions)

    async def stop(self) -> None:
        """There is nothing to leave."""

    async def fetch(self, partitions: Collection[Partition], most: int, wait_seconds: float) -> list[Record]:
        """Give what is next, unless its partition is not asked for. Raises what reading raises."""
        if not self._pending and not self._ended:
            with anyio.CancelScope(shield=True):  # a generator that is cancelled gives nothing any more
                await self._read_on()
        wanted = set(partitions)
        found: list[Record] = []
        while self._pending and len(found) < most and _partition(self._pending[0]) in wanted:
            found.append(self._pending.popleft())
        if not found:
            await anyio.sleep(wait_seconds if self._pending or self._ended else 0)
        self.given += len(found)
        return found

    async def _read_on(self) -> None:
        try:
            records = await anext(self._records)
        except StopAsyncIteration:
            self._ended = True
        else:
            mark = self._mark
            self._pending.extend(
                replace(record, headers=(*record.headers, mark)) for record in records if self._takes(record)
            )

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Nothing is committed: the service's own offsets are not touched."""

    @property
    def all_partitions(self) -> int:
        """All are ours."""
        return len(self._partitions)

    def unread(self, partition: Partition) -> int | None:  # noqa: ARG002 (a RecordStream)
        """Nobody asks."""
        return None

    async def lags(self) -> dict[Partition, int]:
        """Nobody waits for it."""
        return {}


def _partition(record: Record) -> Partition:
    return record.topic, record.partition
