"""Transactions on a real Kafka: all or nothing, one sender at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from tests.integration.letters_stage import create_topics, records_of

from scicat_ingest.consume.connection import stop_client
from scicat_ingest.faults import TakenOver
from scicat_ingest.letters.transactions import NotTaken, Placed, Transactions, open_transactions
from scicat_ingest.report.message import Message

if TYPE_CHECKING:
    from tests.integration.harness import Site

pytestmark = pytest.mark.anyio

YEAR_3000_MS = 32_503_680_000_000


def group(site: Site, *values: bytes, timestamp_ms: int | None = None) -> list[Placed]:
    """Give each value to be published to two topics."""
    topics = (site.topic, site.settings.kafka.dead_letter_topic)
    return [
        Placed(Message(topic, b"k", value, (("h", b"1"),), timestamp_ms), 0) for value in values for topic in topics
    ]


async def seen(site: Site) -> tuple[list[bytes | None], list[bytes | None]]:
    topics = (site.topic, site.settings.kafka.dead_letter_topic)
    first, second = [[record.value for record in await records_of(site, topic)] for topic in topics]
    return first, second


async def test_a_group_is_on_both_topics_and_the_next_one_too(site: Site) -> None:
    """Groups follow each other on one connection."""
    await create_topics(site)
    async with open_transactions(site.settings.kafka) as transactions:
        for values in ((b"1", b"2"), (b"3",)):
            assert await transactions.publish(group(site, *values)) is None
    assert await seen(site) == ([b"1", b"2", b"3"], [b"1", b"2", b"3"])


async def test_what_a_dead_sender_has_left_is_taken_back_by_the_next_one(site: Site) -> None:
    """It had sent everything, but not committed: the next to open makes it undone at once, without a time-out."""
    await create_topics(site)
    dead = Transactions(site.settings.kafka)
    await dead.open()
    await dead._started.begin_transaction()
    for placed in group(site, b"never"):
        await dead._send(dead._started, placed)
    await dead._started.flush()
    async with open_transactions(site.settings.kafka) as transactions:
        assert await seen(site) == ([], [])
        assert await transactions.publish(group(site, b"good")) is None
        assert await seen(site) == ([b"good"], [b"good"])
    await stop_client(dead._started)


async def test_of_two_senders_the_first_is_told_that_it_is_over(site: Site) -> None:
    """It published before; nothing of what it publishes afterwards is there."""
    await create_topics(site)
    async with open_transactions(site.settings.kafka) as first:
        assert await first.publish(group(site, b"1")) is None
        async with open_transactions(site.settings.kafka) as second:
            with pytest.raises(TakenOver):
                await first.publish(group(site, b"2"))
            assert await second.publish(group(site, b"3")) is None
    assert await seen(site) == ([b"1", b"3"], [b"1", b"3"])


@pytest.mark.parametrize("kind", ["timestamp", "size"])
async def test_a_message_that_kafka_refuses_takes_its_group_with_it_and_no_other(site: Site, kind: str) -> None:
    """The refusal is told; what follows is published as before."""
    await create_topics(site, configuration={"max.message.bytes": "20000", "message.timestamp.after.max.ms": "3600000"})
    bad = group(site, b"x", timestamp_ms=YEAR_3000_MS) if kind == "timestamp" else group(site, b"x" * 30_000)
    async with open_transactions(site.settings.kafka) as transactions:
        with anyio.fail_after(60):
            for value in (b"1", b"2"):
                assert await transactions.publish(group(site, value)) is None
                refusal = await transactions.publish([*group(site, b"lost"), *bad])
                assert isinstance(refusal, NotTaken)
                assert kind in refusal.why or "larger" in refusal.why
            assert await transactions.publish(group(site, b"3")) is None
    assert await seen(site) == ([b"1", b"2", b"3"], [b"1", b"2", b"3"])


async def test_after_a_refusal_a_sender_does_not_take_over_from_one_that_began_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would send what the other one has already sent."""
    await create_topics(site, configuration={"message.timestamp.after.max.ms": "3600000"})
    async with open_transactions(site.settings.kafka) as first:
        opened = first.open

        async def open_after_another() -> None:
            async with open_transactions(site.settings.kafka):
                pass
            await opened()

        monkeypatch.setattr(first, "open", open_after_another)
        with pytest.raises(TakenOver, match="meanwhile"):
            await first.publish(group(site, b"x", timestamp_ms=YEAR_3000_MS))
