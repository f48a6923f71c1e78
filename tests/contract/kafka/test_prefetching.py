"""What aiokafka asks brokers for ahead of us. The in-memory Kafka has nothing like it: on the real one alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from aiokafka.consumer import fetcher
from tests.contract.kafka.real_side import RealSide
from tests.contract.kafka.side import Member

from scicat_ingest.consume.kafka_stream import BUSY_POLL_MS, POLL_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.testing.kafka import Broker

pytestmark = [pytest.mark.anyio, pytest.mark.kafka]

RECORDS = 50


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, dict[int, int]]]:
    """Note each fetch request: how long the broker may wait, and the offset by partition."""
    requests: list[tuple[int, dict[int, int]]] = []
    make = fetcher.FetchRequest

    def note(max_wait_ms: int, *others: Any, **options: Any) -> Any:
        ((_, partitions),) = others[-1]
        requests.append((max_wait_ms, {partition: offset for partition, offset, _ in partitions}))
        return make(max_wait_ms, *others, **options)

    monkeypatch.setattr(fetcher, "FetchRequest", note)
    return requests


async def test_what_was_prefetched_is_kept_while_others_are_read(
    kafka: Broker, topic_names: Callable[[str], str], asked: list[tuple[int, dict[int, int]]]
) -> None:
    """A partition that is not wanted for a while is not asked for a second time."""
    async with RealSide(kafka, topic_names) as side:
        await side.create(partitions=2)
        for partition in range(2):
            await side.send(partition, *(b"%d" % number for number in range(RECORDS)))
        async with Member(side.member("a")) as member:
            await member.until(lambda: len(member.partitions) == 2)
            first, second = member.partitions
            with anyio.fail_after(60):
                while not {0, 1} <= member.offsets.keys():
                    await member.fetch(1)
            await member.read(RECORDS - len(member.offsets[0]), only=[first])
            await member.read(RECORDS - len(member.offsets[1]), only=[second])
        assert member.offsets == {0: list(range(RECORDS)), 1: list(range(RECORDS))}
    for partition in range(2):
        assert {offsets[partition] for _, offsets in asked if partition in offsets} <= {0, RECORDS}


async def test_idle_partitions_keep_busy_ones_waiting_for_a_moment_only(
    kafka: Broker, topic_names: Callable[[str], str], asked: list[tuple[int, dict[int, int]]]
) -> None:
    """A broker that is asked for the others alone may not wait long; one that is asked for all may."""
    async with RealSide(kafka, topic_names) as side:
        await side.create(partitions=2)
        await side.send(0, *(b"%d" % number for number in range(RECORDS)))
        async with Member(side.member("a")) as member:
            with anyio.fail_after(60):
                while len(member.records) < RECORDS:
                    await member.fetch(1)
                while (POLL_MS, {0: RECORDS, 1: 0}) not in asked:
                    await member.fetch(1)
            await side.send(0, *(b"%d" % number for number in range(RECORDS)))
            with anyio.fail_after(60):
                while len(member.records) < RECORDS + 1:
                    await member.fetch(1)
                while (BUSY_POLL_MS, {1: 0}) not in asked:
                    await member.fetch(1, only=[])
