"""What the engine tells: logging and counting are observers, never part of the algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.faults import ConfigurationFault, StreamFault
    from scicat_ingest.report.outcome import Outcome


class Observer:
    """Is told what happens, and does nothing about what it does not override. Must not wait and must not raise."""

    def ready(self) -> None:
        """Learn that the service has joined its group and reads its partitions, if it was given any."""

    def assigned(self, partitions: Collection[Partition]) -> None:
        """Learn which partitions are ours from now on, and no others."""

    def attempting(self, record: Record) -> None:
        """Learn that an attempt at a record begins; what it does is told in this same task (`contextvars`)."""

    def published(self, outcome: Outcome) -> None:
        """Learn that Kafka has acknowledged a record's outcome."""

    def not_published(self, outcome: Outcome) -> None:
        """Learn that Kafka has not acknowledged an outcome in time, or refused it: it is tried again."""

    def commit_taken(self) -> None:
        """Learn that offsets are committed."""

    def commit_failed(self) -> None:
        """Learn that offsets could not be committed now."""

    def drained(self, seconds: float) -> None:
        """Learn that all partitions are let go, and how long it took."""

    def halted(self, fault: ConfigurationFault) -> None:
        """Learn that nothing is read or started because our own configuration is wrong; told again at each recheck."""

    def resumed(self) -> None:
        """Learn that a halt is over."""

    def held(self, topic: str, reason: str) -> None:
        """Learn that the flood guard holds a source until the service is started again."""

    def lane_held(self, outcome: Outcome) -> None:
        """Learn that an acquisition's records wait until the service is started again: one would be a dead letter."""

    def kafka_silent(self, fault: StreamFault) -> None:
        """Learn that an outcome or an offset is not acknowledged: intake stops meanwhile, and nothing is lost."""

    def kafka_back(self) -> None:
        """Learn that all outcomes are acknowledged again."""


class Observers(Observer):
    """Tells several observers."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def ready(self) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.ready()

    def assigned(self, partitions: Collection[Partition]) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.assigned(partitions)

    def attempting(self, record: Record) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.attempting(record)

    def published(self, outcome: Outcome) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.published(outcome)

    def not_published(self, outcome: Outcome) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.not_published(outcome)

    def commit_taken(self) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.commit_taken()

    def commit_failed(self) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.commit_failed()

    def drained(self, seconds: float) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.drained(seconds)

    def halted(self, fault: ConfigurationFault) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.halted(fault)

    def resumed(self) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.resumed()

    def held(self, topic: str, reason: str) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.held(topic, reason)

    def lane_held(self, outcome: Outcome) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.lane_held(outcome)

    def kafka_silent(self, fault: StreamFault) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.kafka_silent(fault)

    def kafka_back(self) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.kafka_back()
