"""What only a real broker refuses, and what becomes of the producer afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import pytest
from aiokafka.errors import KafkaError
from tests.contract.kafka.real_side import RealSide

from scicat_ingest.consume.record import Record
from scicat_ingest.faults import ClientBroken, InvalidJson, InvalidSettings, KafkaUnavailable, MissingTopic
from scicat_ingest.report import publisher as publisher_module
from scicat_ingest.report.outcome import DeadLettered
from scicat_ingest.report.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scicat_ingest.testing.kafka import Broker

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 4, 22, 9, 0, tzinfo=UTC)
GOOD_MS = 1_776_848_093_642
YEAR_3000_MS = 32_503_680_000_000


def dead_letter(offset: int, *, value: bytes | None = b"{", timestamp_ms: int = GOOD_MS) -> DeadLettered:
    record = Record("input", 0, offset, timestamp_ms, None, value)
    return DeadLettered(record, InvalidJson("no JSON"), None, NOW, NOW)


@pytest.fixture
async def side(kafka: Broker, topic_names: Callable[[str], str]) -> AsyncIterator[RealSide]:
    async with RealSide(kafka, topic_names) as side:
        yield side


async def offsets(side: RealSide) -> list[int]:
    """Give the record offsets of the dead letters, in their order."""
    return [int(dict(message.headers)["ingest.dlq.offset"]) for message in await side.messages()]


async def test_a_refused_timestamp_is_left_out_and_disturbs_nothing_after_it(side: RealSide) -> None:
    """The producer's sequence has a gap by the refusal: without a new one, nothing is taken any more."""
    publisher = await side.publisher()
    for offset, timestamp_ms in enumerate([GOOD_MS, YEAR_3000_MS, GOOD_MS, YEAR_3000_MS, GOOD_MS]):
        with anyio.fail_after(30):
            await publisher.publish(dead_letter(offset, timestamp_ms=timestamp_ms))
    messages = await side.messages()
    assert await offsets(side) == [0, 1, 2, 3, 4]
    assert [message.timestamp_ms == GOOD_MS for message in messages] == [True, False, True, False, True]
    assert dict(messages[1].headers)["ingest.dlq.timestamp"] == str(YEAR_3000_MS).encode()


async def test_many_at_once_with_refused_ones_among_them_all_arrive(side: RealSide) -> None:
    """A refusal fails the whole batch, and whatever follows it until the producer has a new id."""
    publisher = await side.publisher()

    async def publish(offset: int) -> None:
        with anyio.fail_after(60):
            while True:
                try:
                    await publisher.publish(
                        dead_letter(offset, timestamp_ms=YEAR_3000_MS if offset % 7 == 3 else GOOD_MS)
                    )
                except KafkaUnavailable:
                    continue
                return

    async with anyio.create_task_group() as tasks:
        for offset in range(100):
            tasks.start_soon(publish, offset)
    assert set(await offsets(side)) == set(range(100))


async def test_a_record_with_neither_key_nor_value_can_be_dead_lettered(side: RealSide) -> None:
    """The client refuses a message without both."""
    publisher = await side.publisher()
    await publisher.publish(dead_letter(0, value=None))
    assert await offsets(side) == [0]


async def test_a_large_dead_letter_goes_without_its_value(side: RealSide) -> None:
    """Its size and digest stand in its headers."""
    publisher = await side.publisher()
    await publisher.publish(dead_letter(0, value=b"x" * 1_000_000))
    [message] = await side.messages()
    assert (message.value or b"", dict(message.headers)["ingest.dlq.value_bytes"]) == (b"", b"1000000")


async def test_a_topic_that_takes_less_than_we_send_is_our_misconfiguration(side: RealSide) -> None:
    """And what fits goes on being published."""
    small = side.settings.dead_letter_topic + ".small"
    await side.create_topics({small: 1}, **{"max.message.bytes": "5000"})
    async with side.producer() as producer:
        publisher = Publisher(producer, side.settings.model_copy(update={"dead_letter_topic": small}))
        await publisher.publish(dead_letter(0))
        with pytest.raises(InvalidSettings, match="max_message_bytes"):
            await publisher.publish(dead_letter(1, value=b"x" * 20_000))
        await publisher.publish(dead_letter(2))


async def test_a_missing_topic_is_named(side: RealSide, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client itself would wait for it."""
    monkeypatch.setattr(publisher_module, "ACKNOWLEDGED_WITHIN_SECONDS", 1.0)
    async with side.producer() as producer:
        publisher = Publisher(producer, side.settings.model_copy(update={"dead_letter_topic": "nowhere"}))
        with pytest.raises(MissingTopic, match="nowhere"):
            await publisher.publish(dead_letter(0))


async def test_a_producer_whose_task_has_died_is_not_waited_for(side: RealSide) -> None:
    """Only a new process helps."""
    async with side.producer() as producer:
        publisher = Publisher(producer, side.settings)
        await publisher.publish(dead_letter(0))

        await producer._sender.close()
        producer._message_accumulator.fail_all(KafkaError("Unexpected error during batch delivery"))
        with pytest.raises(ClientBroken, match="sending task has died"):
            await publisher.publish(dead_letter(1))
