"""Outcomes are acknowledged, or under way; never twice."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.contract.kafka.side import Member

from scicat_ingest.consume.record import Record
from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.faults import InvalidJson, KafkaUnavailable
from scicat_ingest.report.message import outcome_id
from scicat_ingest.report.outcome import DeadLettered, Skipped

if TYPE_CHECKING:
    from tests.contract.kafka.side import Side

    from scicat_ingest.engine.ports import Publishes

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 4, 22, 9, 0, tzinfo=UTC)


def dead_letter(offset: int = 0, value: bytes = b"{", timestamp_ms: int = 1_776_848_093_642) -> DeadLettered:
    record = Record("input", 0, offset, timestamp_ms, b"a key", value, (("x", b"y"),))
    return DeadLettered(record, InvalidJson("no JSON"), None, NOW, NOW)


async def identities(side: Side) -> list[str]:
    return [dict(message.headers)["ce_id"].decode() for message in await side.messages()]


async def test_an_outcome_can_be_read(side: Side) -> None:
    """With key, value, headers and its id; a skipped record has none."""
    publisher = await side.publisher()
    outcome = dead_letter()
    await publisher.publish(Skipped(outcome.record, Ignored("another type"), outcome.received_at))
    await publisher.publish(outcome)
    [message] = await side.messages()
    headers = dict(message.headers)
    assert (message.key, message.value, headers["x"]) == (b"a key", b"{", b"y")
    assert headers["ingest.dlq.reason"] == b"invalid_json"
    assert headers["ce_id"].decode() == outcome_id(outcome.record)


async def test_a_repeated_outcome_is_a_second_message_with_the_same_id(side: Side) -> None:
    """Consumers drop it by that."""
    publisher = await side.publisher()
    for _ in range(2):
        await publisher.publish(dead_letter())
    assert await identities(side) == [outcome_id(dead_letter().record)] * 2


async def test_without_brokers_a_message_stays_under_way(mortal_side: Side) -> None:
    """Publishing again waits for the same message, as often as one likes: in the end there is one of each."""
    publisher = await mortal_side.publisher()
    await publisher.publish(dead_letter(0))
    await mortal_side.go_away()
    try:
        for _ in range(2):
            with pytest.raises(KafkaUnavailable):
                await publisher.publish(dead_letter(1))
    finally:
        await mortal_side.come_back()
    await until_acknowledged(publisher, dead_letter(1))
    assert await identities(mortal_side) == [outcome_id(dead_letter(offset).record) for offset in (0, 1)]


async def test_a_cancelled_publish_leaves_its_message_under_way(mortal_side: Side) -> None:
    """The next one does not send it again."""
    publisher = await mortal_side.publisher()
    await publisher.publish(dead_letter(0))
    await mortal_side.go_away()
    try:
        with anyio.move_on_after(0.1):
            await publisher.publish(dead_letter(1))
    finally:
        await mortal_side.come_back()
    await until_acknowledged(publisher, dead_letter(1))
    assert await identities(mortal_side) == [outcome_id(dead_letter(offset).record) for offset in (0, 1)]


async def test_a_broker_that_comes_back_is_read_on(mortal_side: Side) -> None:
    """While it is away there are just no records, and offsets are not committed."""
    await mortal_side.create()
    await mortal_side.send(0, b"before")
    async with Member(mortal_side.member("a")) as member:
        await member.read(1)
        await mortal_side.go_away()
        try:
            with anyio.fail_after(30):
                assert await member.fetch() == []
        finally:
            await mortal_side.come_back()
        await mortal_side.send(0, b"after")
        await member.read(1)
    assert member.offsets == {0: [0, 1]}


async def until_acknowledged(publisher: Publishes, outcome: DeadLettered) -> None:
    with anyio.fail_after(60):
        while True:
            with suppress(KafkaUnavailable):
                await publisher.publish(outcome)
                return
