"""Partitions are handed over: nobody reads what somebody else has not let go of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from tests.contract.kafka.side import Member

from scicat_ingest.faults import CommitRefused

if TYPE_CHECKING:
    from tests.contract.kafka.side import Side

pytestmark = pytest.mark.anyio

VALUES = [b"%d" % number for number in range(10)]


async def fill(side: Side, partitions: int = 4) -> None:
    await side.create(partitions)
    for partition in range(partitions):
        await side.send(partition, *VALUES)


def share_everything(first: Member, second: Member) -> bool:
    return bool(first.partitions and second.partitions) and len({*first.partitions, *second.partitions}) == 4


async def test_a_second_member_reads_when_the_first_has_let_go(side: Side) -> None:
    """What the first commits while it lets go is where the second goes on; together they have all partitions once."""
    await fill(side)
    first, second = Member(side.member("a")), Member(side.member("b"))
    at_release: list[int] = []

    async def finish() -> None:
        await anyio.sleep(0.2)
        at_release.append(len(second.records))
        await first.commit(dict.fromkeys(range(4), 10), side.topic)

    first.letting_go = finish
    async with first:
        await first.read(40)
        async with second:
            await first.until(lambda: share_everything(first, second), second)
            assert first.told == ["assign", "revoke", "released", "assign"]
            assert second.told == ["assign"]
            assert at_release == [0]
            assert len(first.partitions) == len(second.partitions) == 2
            assert await side.committed() == dict.fromkeys(range(4), 10)
            for partition in range(4):
                await side.send(partition, b"new")
            await first.read(2)
            await second.read(2)
            assert {(record.partition, record.offset) for record in second.records} | {
                (record.partition, record.offset) for record in first.records[40:]
            } == {(partition, 10) for partition in range(4)}


async def test_after_a_rebalance_reading_goes_on_at_the_commit(side: Side) -> None:
    """Also in partitions that come back to the same member: what it had read, but not committed, comes again."""
    await fill(side)
    async with Member(side.member("a")) as first, Member(side.member("b")) as second:
        await first.until(lambda: share_everything(first, second), second)
        await first.read(20)
        await first.commit({first.partitions[0][1]: 4}, side.topic)
        kept = first.partitions[0][1]
        await second.stream.stop()
        await first.until(lambda: len(first.partitions) == 4)
        first.records.clear()
        await first.read(36)
    assert first.offsets == {number: list(range(4 if number == kept else 0, 10)) for number in range(4)}


async def test_who_does_not_let_go_in_time_may_not_commit(side: Side) -> None:
    """The others go on without it, and it comes back later."""
    await fill(side)
    first, second = Member(side.member("a")), Member(side.member("b"))
    refused: list[CommitRefused] = []
    second_has_all = anyio.Event()

    async def linger() -> None:
        first.letting_go = done
        with anyio.fail_after(60):
            await second_has_all.wait()
        with pytest.raises(CommitRefused) as caught:
            await first.commit({0: 10}, side.topic)
        refused.append(caught.value)

    async def done() -> None:
        return

    first.letting_go = linger
    async with first:
        await first.read(40)
        async with second:
            await second.until(lambda: len(second.partitions) == 4)
            second_has_all.set()
            await first.until(lambda: bool(refused) and share_everything(first, second), second)
            await second.read(1)
    assert await side.committed() == {}


async def test_foreign_partitions_cannot_be_committed(side: Side) -> None:
    """It is refused, and nothing is stored."""
    await fill(side)
    async with Member(side.member("a")) as first, Member(side.member("b")) as second:
        await first.until(lambda: share_everything(first, second), second)
        foreign = second.partitions[0]
        with pytest.raises(CommitRefused):
            await first.stream.commit({foreign: 3})
        await first.stream.commit({})
    assert await side.committed() == {}


async def test_who_leaves_hands_everything_over(side: Side) -> None:
    """Without being asked to let go."""
    await fill(side)
    async with Member(side.member("a")) as first, Member(side.member("b")) as second:
        await first.until(lambda: share_everything(first, second), second)
        told = len(second.told)
        await second.stream.stop()
        await first.until(lambda: len(first.partitions) == 4)
        assert len(second.told) == told
        await first.read(40)
    assert first.offsets == {number: list(range(10)) for number in range(4)}


async def test_what_letting_go_raises_is_raised_by_the_next_fetch(side: Side) -> None:
    """Otherwise a bug would be lost in a log."""
    await fill(side)
    first, second = Member(side.member("a")), Member(side.member("b"))

    async def fail() -> None:
        raise LookupError("a bug")

    first.letting_go = fail
    async with first:
        await first.read(40)
        async with second:
            with pytest.raises(LookupError, match="a bug"):
                await first.until(lambda: False, second)
