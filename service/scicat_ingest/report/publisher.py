"""Publish outcomes: acknowledged by all in-sync replicas, or not done."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    UnknownTopicOrPartitionError,
)

from scicat_ingest.consume.kafka_errors import classify_kafka_error
from scicat_ingest.faults import ClientBroken, InvalidSettings, KafkaForbidden, KafkaUnavailable, MissingTopic
from scicat_ingest.report.message import fit_message, outcome_id, write_message
from scicat_ingest.report.outcome import DeadLettered, Skipped
from scicat_ingest.report.sequence import begin_new_sequence

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

    from scicat_ingest.faults import IngestFault
    from scicat_ingest.report.message import Message
    from scicat_ingest.report.outcome import Ingested, Outcome
    from scicat_ingest.settings import KafkaSettings

_LOG = logging.getLogger(__name__)

ACKNOWLEDGED_WITHIN_SECONDS = 10.0
"""How long one call waits. aiokafka's idempotent producer itself goes on for ever, and so does the message."""
_TOPICS_WITHIN_SECONDS = 3.0
_LARGE_VALUE_BYTES = 256 * 1024
_MOST_PENDING = 10_000


@dataclass(frozen=True, slots=True)
class _Sent:
    message: Message
    acknowledged: asyncio.Future[Any]


class Publisher:
    """Publishes through an idempotent producer with acks=all. Obeys `engine.ports.Publishes`.

    Guarantees: while a message may still arrive, no second one is sent for the same outcome id.
    """

    def __init__(self, producer: AIOKafkaProducer, settings: KafkaSettings, dataset_page: str | None = None) -> None:
        self._producer = producer
        self._settings = settings
        self._dataset_page = dataset_page
        self._pending: dict[str, _Sent] = {}

    async def publish(self, outcome: Outcome) -> None:
        """Return when Kafka has acknowledged the outcome.

        Raises KafkaUnavailable if it does not in time: the message stays under way, and the next call for an outcome of
        the same record waits for it again, as it does after a cancellation. Raises InvalidSettings if the topic takes
        no message of this size, KafkaForbidden, MissingTopic, and ClientBroken if the producer will never send again.
        """
        if isinstance(outcome, Skipped):
            return
        name, topic = outcome_id(outcome.record), self._topic_of(outcome)
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_SECONDS):
                sent = self._pending.get(name) or await self._send(name, await self._write(outcome))
                try:
                    await self._await_acknowledgement(name, sent)
                except InvalidTimestampError:
                    # A dead letter whose producer's clock was wrong. Its header `ingest.dlq.timestamp` keeps that.
                    sent = await self._send(name, replace(sent.message, timestamp_ms=None))
                    await self._await_acknowledgement(name, sent)
        except TimeoutError:
            raise await self._why_silent(topic) from None
        except KafkaError as error:
            raise self._fault_of(error, topic) from error

    async def _write(self, outcome: Ingested | DeadLettered) -> Message:
        if len(outcome.record.value or b"") > _LARGE_VALUE_BYTES:
            return await anyio.to_thread.run_sync(self._message, outcome)
        return self._message(outcome)

    def _message(self, outcome: Ingested | DeadLettered) -> Message:
        message = write_message(
            outcome,
            ingested_topic=self._settings.ingested_topic,
            dead_letter_topic=self._settings.dead_letter_topic,
            dataset_page=self._dataset_page,
        )
        if message is None:
            raise TypeError(f"{outcome} has no message")
        message = fit_message(message, self._settings.max_message_bytes)
        if message.key is None and message.value is None:  # aiokafka refuses it, Kafka would not
            return replace(message, value=b"")
        return message

    async def _send(self, name: str, message: Message) -> _Sent:
        """Hand the message to the producer. Cancelled, it is not sent: aiokafka appends it with no await afterwards."""
        acknowledged = await self._producer.send(
            message.topic,
            value=message.value,
            key=message.key,
            headers=list(message.headers),
            timestamp_ms=message.timestamp_ms,
        )
        if len(self._pending) >= _MOST_PENDING:  # of works that were given up; nobody may ever ask for them again
            self._pending = {name: sent for name, sent in self._pending.items() if not sent.acknowledged.done()}
        sent = self._pending[name] = _Sent(message, acknowledged)
        return sent

    async def _await_acknowledgement(self, name: str, sent: _Sent) -> None:
        """Wait for the producer's answer. A message that has failed is forgotten, so that the next call sends anew."""
        try:
            await asyncio.shield(sent.acknowledged)
        except KafkaError:
            self._pending.pop(name, None)
            begin_new_sequence(self._producer)
            raise
        self._pending.pop(name, None)

    def _topic_of(self, outcome: Outcome) -> str:
        kafka = self._settings
        return kafka.dead_letter_topic if isinstance(outcome, DeadLettered) else kafka.ingested_topic

    async def _why_silent(self, topic: str) -> IngestFault:
        """Tell a topic that is gone from brokers that are away: aiokafka waits for both in the same way."""
        cluster = None
        with anyio.move_on_after(_TOPICS_WITHIN_SECONDS):
            try:
                cluster = await self._producer.client.fetch_all_metadata()
            except KafkaError:
                _LOG.debug("the topics cannot be listed", exc_info=True)
        if topic in self._producer.client.cluster.unauthorized_topics:
            return KafkaForbidden(f"we may not describe the topic {topic}")
        if cluster is not None and topic not in cluster.topics():
            return MissingTopic(f"there is no topic {topic}, or we may not see it")
        return KafkaUnavailable(f"no acknowledgement from {topic} within {ACKNOWLEDGED_WITHIN_SECONDS:.0f} s")

    def _fault_of(self, error: KafkaError, topic: str) -> IngestFault:
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            limit = self._settings.max_message_bytes
            return InvalidSettings(f"{topic} takes no message of kafka.max_message_bytes ({limit})")
        if isinstance(error, UnknownTopicOrPartitionError):
            return MissingTopic(f"there is no topic {topic}")
        fault = classify_kafka_error(error, f"publishing to {topic}")
        if isinstance(fault, KafkaUnavailable) and self._producer._sender.sender_task.done():  # noqa: SLF001
            return ClientBroken(f"aiokafka's sending task has died: {error}")
        return fault
