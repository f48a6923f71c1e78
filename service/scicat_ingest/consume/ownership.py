"""Which partitions are ours, as aiokafka's group coordinator says, and where we are in them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio
from aiokafka import ConsumerRebalanceListener, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scicat_ingest.consume.record_stream import Assignments

_LOG = logging.getLogger(__name__)


class Ownership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Hears of rebalances, and passes them on.

    aiokafka's own `assignment()` already shows the new partitions some loop turns before its listener is called, so
    only this one is asked. What `revoke` and `assign` raise is logged and swallowed by aiokafka: `error` keeps it.
    """

    def __init__(self, assignments: Assignments) -> None:
        self._assignments = assignments
        self._assigned = anyio.Event()
        self.partitions: tuple[TopicPartition, ...] = ()
        self.unjudged: dict[TopicPartition, int | None] = {}
        """Partitions whose position must be looked at before they are read, with it; None: what is committed."""
        self.positions: dict[TopicPartition, int] = {}
        """For each judged partition, one past the last record that was given, or where reading starts."""
        self.turn = 0
        """Changes whenever partitions come or go."""
        self.error: Exception | None = None

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let go; aiokafka waits for it before it joins the next generation."""
        self._change(())
        if not revoked:
            return
        try:
            await self._assignments.revoke()
        except Exception as error:  # noqa: BLE001 (the next fetch raises it)
            _LOG.exception("letting go of partitions failed")
            self.error = error

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take over."""
        partitions = tuple(sorted(assigned))
        _LOG.info("reading partitions: %s", ", ".join(partition_name(one) for one in partitions) or "none")
        self._change(partitions)
        self.unjudged = dict.fromkeys(partitions)
        try:
            self._assignments.assign([(one.topic, one.partition) for one in partitions])
        except Exception as error:  # noqa: BLE001 (the next fetch raises it)
            _LOG.exception("taking over partitions failed")
            self.error = error
        self._assigned.set()
        self._assigned = anyio.Event()

    async def wait_for_partitions(self) -> None:
        """Return at the next assignment."""
        await self._assigned.wait()

    def read_on(self, partition: TopicPartition, offset: int) -> None:
        """Note where a partition is read on."""
        self.unjudged.pop(partition, None)
        self.positions[partition] = offset

    def _change(self, partitions: tuple[TopicPartition, ...]) -> None:
        self.turn += 1
        self.partitions = partitions
        self.unjudged = {}
        self.positions = {}


def partition_name(partition: TopicPartition) -> str:
    """Give the name that stands in logs and messages."""
    return f"{partition.topic}[{partition.partition}]"
