"""The contract's side on Apache Kafka."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Self

import anyio
import anyio.lowlevel
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from scicat_ingest.consume.connection import connection_arguments, stop_client
from scicat_ingest.consume.kafka_stream import KafkaStream
from scicat_ingest.report.message import Message
from scicat_ingest.report.publisher import Publisher
from scicat_ingest.settings import KafkaSettings
from scicat_ingest.testing.kafka import EmbeddedKafka

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from scicat_ingest.testing.kafka import Broker


class RealSide:
    """Obeys `Side`."""

    def __init__(self, broker: Broker, name: Callable[[str], str]) -> None:
        self.broker = broker
        self.topic = name("input")
        self.settings = KafkaSettings(
            bootstrap_servers=broker.bootstrap_servers,
            group_id=name("group"),
            ingested_topic=name("ingested"),
            dead_letter_topic=name("dead-letters"),
            session_timeout_seconds=6,
        )
        self._until_the_end = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.create_topics({self.settings.ingested_topic: 1, self.settings.dead_letter_topic: 1})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._until_the_end.aclose()

    async def create_topics(self, partitions: Mapping[str, int], **configuration: str) -> None:
        async with self._admin() as admin:
            new = [NewTopic(name, count, 1, topic_configs=configuration) for name, count in partitions.items()]
            await admin.create_topics(new)
            with anyio.fail_after(30):  # brokers learn of new topics a little later
                while not partitions.keys() <= set(await admin.list_topics()):
                    await anyio.lowlevel.checkpoint()

    async def create(self, partitions: int = 1) -> None:
        await self.create_topics({self.topic: partitions})

    async def send(self, partition: int, *values: bytes, key: bytes | None = None) -> None:
        async with self.producer() as producer:
            for value in values:
                await producer.send(self.topic, value, key=key, partition=partition)
            await producer.flush()

    async def skip(self, partition: int) -> None:
        async with self.producer(transactional_id=f"{self.topic}-{partition}") as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(self.topic, b"never to be read", partition=partition)
            await producer.abort_transaction()

    async def forget(self, partition: int, before: int) -> None:
        async with self._admin() as admin:
            await admin.delete_records({TopicPartition(self.topic, partition): RecordsToDelete(before)})

    def member(self, name: str, *, accept_loss: bool = False) -> KafkaStream:  # noqa: ARG002 (Kafka names its members)
        return KafkaStream(self.settings, [self.topic], accept_loss=accept_loss)

    async def commit(self, offsets: Mapping[int, int]) -> None:
        async with self._consumer(self.settings.group_id) as consumer:
            consumer.assign([TopicPartition(self.topic, partition) for partition in offsets])
            await consumer.commit({TopicPartition(self.topic, one): offset for one, offset in offsets.items()})

    async def committed(self) -> dict[int, int]:
        async with self._consumer(self.settings.group_id) as consumer:
            partitions = await consumer._client._wait_on_metadata(self.topic)
            found = {one: await consumer.committed(TopicPartition(self.topic, one)) for one in sorted(partitions)}
        return {partition: offset for partition, offset in found.items() if offset is not None}

    async def publisher(self) -> Publisher:
        producer = await self._until_the_end.enter_async_context(self.producer())
        return Publisher(producer, self.settings)

    async def messages(self) -> list[Message]:
        found = []
        async with self._consumer(None) as consumer:
            partitions = [
                TopicPartition(topic, 0) for topic in (self.settings.ingested_topic, self.settings.dead_letter_topic)
            ]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            with anyio.fail_after(30):
                while [await consumer.position(one) for one in partitions] != [ends[one] for one in partitions]:
                    for batch in (await consumer.getmany(timeout_ms=100)).values():
                        found += [Message(one.topic, one.key, one.value, one.headers, one.timestamp) for one in batch]
        return found

    async def go_away(self) -> None:
        assert isinstance(self.broker, EmbeddedKafka)
        self.broker.kill(1)

    async def come_back(self) -> None:
        assert isinstance(self.broker, EmbeddedKafka)
        await anyio.to_thread.run_sync(self.broker.restart, 1)

    @asynccontextmanager
    async def producer(self, **options: str) -> AsyncIterator[AIOKafkaProducer]:
        """Open a producer like the service's."""
        producer = AIOKafkaProducer(
            **connection_arguments(self.settings),
            acks="all",
            enable_idempotence=True,
            max_request_size=32 * 1024 * 1024,
            **options,
        )
        await producer.start()
        try:
            yield producer
        finally:
            await stop_client(producer)

    @asynccontextmanager
    async def _consumer(self, group: str | None) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **connection_arguments(self.settings), group_id=group, enable_auto_commit=False, auto_offset_reset="none"
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await stop_client(consumer)

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**connection_arguments(self.settings))
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()
