"""A consumer group: who is in it, which partitions are whose, what is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from scicat_ingest.faults import CommitRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.testing.memory_kafka.kafka import MemoryKafka
    from scicat_ingest.testing.memory_kafka.stream import MemoryStream


class MemoryGroup:
    """Rebalances eagerly: everybody lets go of everything, then all partitions are handed out anew."""

    def __init__(self, kafka: MemoryKafka, name: str) -> None:
        self.name = name
        self.generation = 0
        self.committed: dict[Partition, int] = {}
        self.members: list[MemoryStream] = []
        self._kafka = kafka
        self._disturbed = False
        self._running = False
        self._preparing = False

    @property
    def stable(self) -> bool:
        """Whether no rebalance is under way or due."""
        return not (self._disturbed or self._running)

    def join(self, member: MemoryStream) -> None:
        """Take a member in; who joins while the others let go takes part in the same generation."""
        self.members.append(member)
        if not self._preparing:
            self.disturb()

    def rejoin(self, member: MemoryStream) -> None:
        """Let a member that has let go take part in a generation again; the one that is being prepared, if there is."""
        if member in self.members and not self._preparing:
            self.disturb()

    def remove(self, member: MemoryStream) -> None:
        """Let a member leave, or expel it."""
        if member in self.members:
            self.members.remove(member)
            member.released.set()  # nobody waits for it any more
            if not self._preparing:
                self.disturb()

    def disturb(self) -> None:
        """Make the group rebalance, now or after the rebalance that is under way."""
        self._disturbed = True
        if not self._running:
            self._running = True
            self._kafka.tasks.start_soon(self._rebalance)

    def commit(self, member: MemoryStream, offsets: Mapping[Partition, int]) -> None:
        """Store offsets. Raises CommitRefused for all of them if the member is not, or no longer, entitled."""
        if member not in self.members:
            raise CommitRefused(f"{member.name} is no member of group {self.name} any more")
        for partition in offsets:
            if partition not in member.held:
                raise CommitRefused(f"{partition[0]}[{partition[1]}] is not assigned to {member.name}")
        for partition, offset in offsets.items():
            self.committed[partition] = offset
            self._kafka.on_commit(self.name, partition, offset)

    async def _rebalance(self) -> None:
        while self._disturbed:
            self._disturbed = False
            await anyio.sleep(self._kafka.latency("rebalance"))
            await self._kafka.until_reachable()
            self._preparing = True
            waited_for = list(self.members)
            for member in waited_for:
                member.let_go()
            with anyio.move_on_after(self._kafka.timings.rebalance_timeout):
                for member in waited_for:
                    await member.released.wait()
            for member in waited_for:
                if not member.released.is_set():
                    self.remove(member)
            await self._kafka.until_reachable()
            self._preparing = False
            self.generation += 1
            for member, partitions in self._hand_out():
                member.take_over(partitions)
        self._running = False

    def _hand_out(self) -> list[tuple[MemoryStream, list[Partition]]]:
        shares: list[tuple[MemoryStream, list[Partition]]] = [(member, []) for member in self.members]
        for partition in self._kafka.logs:
            takers = [share for member, share in shares if partition[0] in member.topics]
            if takers:
                min(takers, key=len).append(partition)
        return shares
