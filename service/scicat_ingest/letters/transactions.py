"""Groups of messages that Kafka takes wholly or not at all, one group at a time, whoever sends them.

A replay writes to two topics: the record onto its own, and the resolution behind the dead letter. A Kafka transaction
covers both, so a process that dies in between leaves neither.

All who resolve letters of one dead-letter topic share a transactional id. Whoever opens it ends the open transaction of
whoever had it before: one that was being committed is completed, any other is taken back. So what is read *afterwards*
is certain, and nobody else's replay can be in the middle of anything.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTimestampError,
    InvalidTxnState,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    RecordListTooLargeError,
)

from scicat_ingest.consume.connection import connection_arguments, one_clear_error, stop_client
from scicat_ingest.consume.kafka_errors import classify_kafka_error
from scicat_ingest.faults import KafkaForbidden, KafkaUnavailable, TakenOver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from typing import Any

    from scicat_ingest.report.message import Message
    from scicat_ingest.settings import KafkaSettings

_LOG = logging.getLogger(__name__)

TRANSACTION_TIMEOUT_MS = 20_000
"""After so long Kafka takes back what a dead process has left: so long may readers of committed records be held up."""
WITHIN_SECONDS = 15.0
"""How long one group may take."""
_MOST_REQUEST_BYTES = 32 * 1024 * 1024
_NOT_TAKEN = {
    MessageSizeTooLargeError: "it is larger than the topic takes (max.message.bytes)",
    RecordListTooLargeError: "it is larger than the topic takes (max.message.bytes)",
    InvalidTimestampError: "the topic does not take its timestamp (message.timestamp.after.max.ms)",
}
_FENCED = (ProducerFenced, InvalidProducerEpoch, InvalidProducerIdMapping, InvalidTxnState, OutOfOrderSequenceNumber)


@dataclass(frozen=True, slots=True)
class Placed:
    """A message and its partition; None: by its key."""

    message: Message
    partition: int | None


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Kafka refuses a message of the group for what it is; nothing of the group is there."""

    why: str


class Transactions:
    """Publishes groups of messages, acknowledged by all in-sync replicas."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self.name = transactional_id(settings)

    async def open(self) -> None:
        """Take over from whoever sent before. Raises KafkaUnreachable, KafkaForbidden, InvalidSettings."""
        producer = AIOKafkaProducer(
            **connection_arguments(self._settings),
            acks="all",
            transactional_id=self.name,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_request_size=_MOST_REQUEST_BYTES,
        )
        self._producer = producer
        try:
            with one_clear_error(self._settings), anyio.fail_after(self._settings.connect_timeout_seconds):
                await producer.start()
        except KafkaForbidden as fault:
            raise KafkaForbidden(
                fault.message,
                hint=f"grant Write and Describe on the transactional id {self.name}, besides Write on the topics",
            ) from None

    async def close(self) -> None:
        """Let go; an open transaction is taken back by the next one to open."""
        if self._producer is not None:
            await stop_client(self._producer)

    async def publish(self, group: Sequence[Placed]) -> NotTaken | None:
        """Publish a group; None when all of it is there for good.

        Raises TakenOver if somebody else has begun, KafkaForbidden, and KafkaUnavailable, after which it is not known
        whether the group is there: the next `open` and a reading after it tell.
        """
        try:
            with anyio.fail_after(WITHIN_SECONDS):
                await self._publish(group)
        except TimeoutError:
            raise KafkaUnavailable(
                f"Kafka did not finish a transaction within {WITHIN_SECONDS:.0f} s",
                hint="start again: what it had finished is not done twice, the rest is not forgotten",
            ) from None
        except KafkaError as error:
            return await self._judge(error, group)
        return None

    async def _publish(self, group: Sequence[Placed]) -> None:
        producer = self._started
        await producer.begin_transaction()
        acknowledged = [await self._send(producer, placed) for placed in group]
        await producer.flush()
        for result in await asyncio.gather(*acknowledged, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        await producer.commit_transaction()

    @staticmethod
    async def _send(producer: AIOKafkaProducer, placed: Placed) -> Any:
        message = placed.message
        nothing = message.key is None and message.value is None  # aiokafka refuses it, Kafka would not
        return await producer.send(
            message.topic,
            value=b"" if nothing else message.value,
            key=message.key,
            headers=list(message.headers),
            timestamp_ms=message.timestamp_ms,
            partition=placed.partition,
        )

    async def _judge(self, error: KafkaError, group: Sequence[Placed]) -> NotTaken:
        topics = ", ".join(sorted({placed.message.topic for placed in group}))
        why = next((text for kind, text in _NOT_TAKEN.items() if isinstance(error, kind)), None)
        if why is not None:
            await self._begin_anew()
            return NotTaken(why)
        if any(isinstance(cause, _FENCED) for cause in _causes(error)):
            raise TakenOver("another `dlq replay` or `dlq purge` has begun on this topic and ended this one") from error
        raise classify_kafka_error(error, f"publishing to {topics}") from error

    async def _begin_anew(self) -> None:
        """Take the group back and go on with a new epoch.

        aiokafka has counted sequence numbers that the broker, which refused the message, has not. Each opening counts
        the epoch up by one: if it is more, somebody else was here meanwhile, and what we have read is out of date.
        """
        before = self._epoch
        try:
            with anyio.fail_after(WITHIN_SECONDS):
                await self._started.abort_transaction()
        except (KafkaError, TimeoutError) as error:
            raise TakenOver(f"a transaction could not be taken back: {error!r}") from error
        await self.close()
        await self.open()
        if self._epoch != (before[0], before[1] + 1):
            raise TakenOver("another `dlq replay` or `dlq purge` has begun on this topic meanwhile")

    @property
    def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("transactions are used before open()")
        return self._producer

    @property
    def _epoch(self) -> tuple[int, int]:
        manager = self._started._txn_manager  # noqa: SLF001
        return manager.producer_id, manager.producer_epoch


def transactional_id(settings: KafkaSettings) -> str:
    """Give the name under which letters of this dead-letter topic are resolved."""
    return f"scicat-ingest.dlq.{settings.dead_letter_topic}"


@asynccontextmanager
async def open_transactions(settings: KafkaSettings) -> AsyncIterator[Transactions]:
    """Begin to resolve letters: what is read from now on is certain. Raises KafkaUnreachable, KafkaForbidden."""
    transactions = Transactions(settings)
    try:
        await transactions.open()
        yield transactions
    finally:
        await transactions.close()


def _causes(error: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes
