"""Records that are gone before they were read: loud, again and again, until the loss is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.kafka.side import Member

from scicat_ingest.consume import kafka_stream
from scicat_ingest.faults import HistoryLost

if TYPE_CHECKING:
    from tests.contract.kafka.side import Side

pytestmark = pytest.mark.anyio

VALUES = [b"%d" % number for number in range(10)]


async def fails_repeatedly(member: Member, words: str) -> None:
    for _ in range(3):
        with pytest.raises(HistoryLost, match=words):
            await member.until(lambda: False)


async def test_a_lost_offset_is_a_halt_until_the_loss_is_accepted(side: Side) -> None:
    """The number of lost records is named; nothing is committed by it."""
    await side.create(partitions=2)
    await side.send(0, *VALUES)
    await side.send(1, *VALUES)
    await side.commit({0: 2, 1: 2})
    await side.forget(0, before=6)
    async with Member(side.member("a")) as member:
        await fails_repeatedly(member, "4 records from offset 2 on are gone")
    assert await side.committed() == {0: 2, 1: 2}
    async with Member(side.member("b", accept_loss=True)) as member:
        await member.read(12)
    assert member.offsets == {0: [6, 7, 8, 9], 1: [2, 3, 4, 5, 6, 7, 8, 9]}


async def test_an_offset_after_the_end_is_a_halt_too(side: Side) -> None:
    """The topic was made anew: its records would be skipped."""
    await side.create()
    await side.send(0, *VALUES)
    await side.commit({0: 50})
    async with Member(side.member("a")) as member:
        await fails_repeatedly(member, "after the log's end 10")
    async with Member(side.member("b", accept_loss=True)) as member:
        await member.read(10)
    assert member.offsets == {0: list(range(10))}


async def test_the_very_end_is_no_loss(side: Side) -> None:
    """Everything was read, and then forgotten."""
    await side.create()
    await side.send(0, *VALUES)
    await side.commit({0: 10})
    await side.forget(0, before=10)
    async with Member(side.member("a")) as member:
        await member.until(lambda: bool(member.partitions))
        await side.send(0, b"new")
        await member.read(1)
    assert member.offsets == {0: [10]}


async def test_retention_may_overtake_a_partition_that_is_not_read_for_a_while(side: Side) -> None:
    """What was fetched ahead is not lost yet; where that ends, the loss is found out."""
    await side.create(partitions=2)
    await side.send(0, *(b"%d" % number + bytes(kafka_stream.PARTITION_FETCH_BYTES // 2) for number in range(10)))
    async with Member(side.member("a")) as member:
        await member.until(lambda: bool(member.partitions))
        member.records += await member.stream.fetch([(side.topic, 0)], 1, 10)
        await member.stream.fetch([], 1, 0.05)
        await side.forget(0, before=8)
        for _ in range(2):
            with pytest.raises(HistoryLost) as lost:
                await member.read(10)
    read = len(member.records)
    assert 1 <= read < 8
    assert member.offsets == {0: list(range(read))}
    assert f"{8 - read} records from offset {read} on are gone" in str(lost.value)
