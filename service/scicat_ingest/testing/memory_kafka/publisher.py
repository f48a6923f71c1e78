"""Outcome topics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.faults import KafkaUnavailable
from scicat_ingest.report.message import outcome_id, write_message
from scicat_ingest.report.outcome import Skipped
from scicat_ingest.testing.memory_kafka.conditions import Answer

if TYPE_CHECKING:
    from scicat_ingest.report.message import Message
    from scicat_ingest.report.outcome import DeadLettered, Ingested, Outcome
    from scicat_ingest.testing.memory_kafka.kafka import MemoryKafka
    from scicat_ingest.testing.memory_kafka.process import Process


@dataclass(frozen=True, slots=True)
class Published:
    """A message on an outcome topic."""

    outcome_id: str
    outcome: Ingested | DeadLettered
    by: str
    """The member that published it."""

    @property
    def message(self) -> Message:
        """The message as it would be on Kafka, on the topic "ingested" or "dead-letters"."""
        message = write_message(self.outcome, ingested_topic="ingested", dead_letter_topic="dead-letters")
        if message is None:
            raise TypeError(f"{self.outcome} has no message")
        return message


class MemoryPublisher:
    """Obeys `engine.ports.Publishes`. Made by `MemoryStream.publisher`.

    As with the idempotent producer, a message that was not acknowledged is still under way, also if `publish` was
    cancelled: it is stored when Kafka can be reached again, once.
    """

    def __init__(self, kafka: MemoryKafka, process: Process) -> None:
        self._kafka = kafka
        self._process = process
        self._under_way: dict[str, Published] = {}
        """What is not acknowledged, by outcome id."""
        self._stored: dict[str, None] = {}
        """Those of them that are stored."""
        kafka.publishers.append(self)

    async def publish(self, outcome: Outcome) -> None:
        """Return when the outcome is acknowledged. Raises KafkaUnavailable, or the fault that a simulation injects."""
        if isinstance(outcome, Skipped):
            return
        name = outcome_id(outcome.record)
        if name not in self._under_way and not self._process.dead:
            self._under_way[name] = Published(name, outcome, self._process.name)
        answer = await self._kafka.ask(self._process, "publish", self._kafka.timings.acknowledged_within)
        if answer is not Answer.UNREACHABLE:
            self.flush()
        if answer is not Answer.GIVEN:
            raise KafkaUnavailable("the outcome was not acknowledged")
        self._stored.pop(name, None)
        self._kafka.on_acknowledged(self._under_way.pop(name).outcome)

    def flush(self) -> None:
        """Store what is under way, unless the process is dead, frozen or cut off."""
        if self._kafka.reaches(self._process) and not self._process.silent:
            for name, published in self._under_way.items():
                if name not in self._stored:
                    self._stored[name] = None
                    self._kafka.published.append(published)
