"""Records come in order, each once, from where they shall, and only from the partitions that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from tests.contract.kafka.side import Member

if TYPE_CHECKING:
    from tests.contract.kafka.side import Side

pytestmark = pytest.mark.anyio


def numbered(count: int, start: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(start, start + count)]


async def test_each_partition_is_read_in_order_and_each_record_once(side: Side) -> None:
    """Partitions may mix."""
    await side.create(partitions=3)
    for partition in range(3):
        await side.send(partition, *numbered(40))
    async with Member(side.member("a")) as member:
        await member.read(120)
        assert await member.fetch() == []
    assert member.offsets == {partition: list(range(40)) for partition in range(3)}


async def test_a_record_comes_as_it_was_sent(side: Side) -> None:
    """Topic, partition, offset, key and value are untouched."""
    await side.create(partitions=2)
    await side.send(1, b"\xff\x00", key=b"\xfe")
    async with Member(side.member("a")) as member:
        [record] = await member.read(1)
    assert (record.topic, record.partition, record.offset) == (side.topic, 1, 0)
    assert (record.key, record.value) == (b"\xfe", b"\xff\x00")


async def test_offsets_may_have_gaps(side: Side) -> None:
    """Gaps at the end are no lag."""
    await side.create()
    await side.send(0, *numbered(2))
    await side.skip(0)
    await side.send(0, *numbered(2, 2))
    await side.skip(0)
    async with Member(side.member("a")) as member:
        records = await member.read(4)
        assert [record.value for record in records] == numbered(4)
        offsets = member.offsets[0]
        assert offsets[:2] == [0, 1]
        assert offsets[2] > 2
        assert offsets[3] == offsets[2] + 1
        assert await member.fetch() == []
        assert await member.stream.lags() == {(side.topic, 0): 0}
        assert member.stream.unread((side.topic, 0)) == 0


async def test_without_a_commit_reading_begins_at_the_first_record_that_there_is(side: Side) -> None:
    """Which need not be offset 0; nothing is lost that was ever promised."""
    await side.create(partitions=2)
    await side.send(0, *numbered(5))
    await side.forget(0, before=3)
    await side.send(1, *numbered(2))
    async with Member(side.member("a")) as member:
        await member.read(4)
    assert member.offsets == {0: [3, 4], 1: [0, 1]}


async def test_reading_goes_on_after_the_commit(side: Side) -> None:
    """What was read, but not committed, comes again."""
    await side.create()
    await side.send(0, *numbered(10))
    async with Member(side.member("a")) as member:
        await member.read(10)
        await member.commit({0: 7}, side.topic)
    assert await side.committed() == {0: 7}
    async with Member(side.member("b")) as member:
        await member.read(3)
    assert member.offsets == {0: [7, 8, 9]}


async def test_only_the_given_partitions_are_read(side: Side) -> None:
    """The others go on later where they were, also if some of their records had been fetched ahead."""
    await side.create(partitions=2)
    for partition in range(2):
        await side.send(partition, *numbered(20))
    async with Member(side.member("a")) as member:
        await member.until(lambda: len(member.partitions) == 2)
        first, second = member.partitions
        seen = await member.stream.fetch(member.partitions, 1, 5)
        member.records += seen
        before = len(member.offsets.get(1, []))
        with anyio.fail_after(60):
            while len(member.offsets.get(0, [])) < 20:
                await member.fetch(7, only=[first])
        assert len(member.offsets.get(1, [])) == before
        await member.read(20 - before, only=[second])
    assert member.offsets == {0: list(range(20)), 1: list(range(20))}


async def test_no_partitions_give_no_records_in_time(side: Side) -> None:
    """Neither while there are none, nor when none is wanted."""
    await side.create()
    await side.send(0, *numbered(3))
    async with Member(side.member("a")) as member:
        await member.until(lambda: bool(member.partitions))
        for _ in range(3):
            with anyio.fail_after(10):
                assert await member.stream.fetch([], 10, 0.1) == []
        await member.read(3)


async def test_never_more_records_come_than_asked_for(side: Side) -> None:
    """Over all partitions together."""
    await side.create(partitions=2)
    for partition in range(2):
        await side.send(partition, *numbered(10))
    sizes = []
    async with Member(side.member("a")) as member:
        with anyio.fail_after(60):
            while len(member.records) < 20:
                sizes.append(len(await member.fetch(3)))
    assert max(sizes) == 3
    assert member.offsets == {0: list(range(10)), 1: list(range(10))}


async def test_a_cancelled_fetch_has_read_nothing(side: Side) -> None:
    """Whenever the cancellation comes."""
    await side.create(partitions=2)
    for partition in range(2):
        await side.send(partition, *numbered(200))
    patience = 0.0
    async with Member(side.member("a")) as member:
        await member.until(lambda: bool(member.partitions))
        with anyio.fail_after(60):
            while len(member.records) < 400:
                patience = (patience + 0.000_37) % 0.02
                with anyio.move_on_after(patience):
                    await member.fetch(5)
    assert member.offsets == {0: list(range(200)), 1: list(range(200))}


async def test_the_lag_is_what_is_still_to_be_read(side: Side) -> None:
    """From the committed offset or the first record on, also before anything is fetched; without partitions: none."""
    await side.create(partitions=2)
    await side.send(0, *numbered(10))
    await side.send(1, *numbered(5))
    await side.commit({0: 4})
    member = Member(side.member("a"))
    assert member.stream.unread((side.topic, 0)) is None
    async with member:
        with anyio.fail_after(60):
            while not member.partitions:
                assert await member.stream.lags() == {} or member.partitions
        assert await member.stream.lags() == {(side.topic, 0): 6, (side.topic, 1): 5}
        await member.read(3, only=[(side.topic, 0)])
        left = 6 - len(member.records)
        assert await member.stream.lags() == {(side.topic, 0): left, (side.topic, 1): 5}
        assert [member.stream.unread((side.topic, number)) for number in range(3)] == [left, 5, None]
        await member.read(left + 5)
        assert await member.stream.lags() == {(side.topic, 0): 0, (side.topic, 1): 0}


async def test_records_that_arrive_later_are_waited_for(side: Side) -> None:
    """A fetch returns as soon as there are some."""
    await side.create()
    async with Member(side.member("a")) as member, anyio.create_task_group() as tasks:
        await member.until(lambda: bool(member.partitions))
        tasks.start_soon(side.send, 0, b"late")
        with anyio.fail_after(30):
            [record] = await member.stream.fetch(member.partitions, 10, 60)
        assert record.value == b"late"
