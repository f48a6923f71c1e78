"""Publish outcomes: acknowledged by all in-sync replicas, or not done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
from aiokafka.errors import InvalidTimestampError, KafkaError, MessageSizeTooLargeError

from scicat_ingest.faults import InvalidSettings, KafkaUnavailable
from scicat_ingest.report.message import fit_message, write_message

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

    from scicat_ingest.report.message import Message
    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.settings import KafkaSettings

ACKNOWLEDGED_WITHIN_SECONDS = 120.0
"""aiokafka's idempotent producer waits for brokers for ever; a leader election takes about 10 s."""


class Publisher:
    """Publishes through an idempotent producer with acks=all."""

    def __init__(self, producer: AIOKafkaProducer, settings: KafkaSettings) -> None:
        self._producer = producer
        self._settings = settings

    async def publish(self, outcome: Outcome) -> None:
        """Return when Kafka has acknowledged the outcome.

        Raises KafkaUnavailable if it does not in time, InvalidSettings if it takes no message of this size.
        """
        message = write_message(
            outcome,
            ingested_topic=self._settings.ingested_topic,
            dead_letter_topic=self._settings.dead_letter_topic,
        )
        if message is None:
            return
        message = fit_message(message, self._settings.max_message_bytes)
        try:
            await self._send(message)
        except InvalidTimestampError:
            # A dead letter from the far future, by its producer's clock. Its header `ingest.dlq.timestamp` keeps that.
            await self._send(replace(message, timestamp_ms=None))

    async def _send(self, message: Message) -> None:
        try:
            with anyio.fail_after(ACKNOWLEDGED_WITHIN_SECONDS):
                await self._producer.send_and_wait(
                    message.topic,
                    value=message.value,
                    key=message.key,
                    headers=list(message.headers),
                    timestamp_ms=message.timestamp_ms,
                )
        except InvalidTimestampError:
            raise
        except MessageSizeTooLargeError:
            limit = self._settings.max_message_bytes
            raise InvalidSettings(f"{message.topic} takes no message of kafka.max_message_bytes ({limit})") from None
        except TimeoutError:
            raise KafkaUnavailable(
                f"no acknowledgement from {message.topic} within {ACKNOWLEDGED_WITHIN_SECONDS:.0f} s"
            ) from None
        except KafkaError as error:
            raise KafkaUnavailable(f"publishing to {message.topic} failed: {error}") from error
