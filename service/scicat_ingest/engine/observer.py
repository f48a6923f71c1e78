"""What the engine tells: logging and counting are observers, never part of the algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from scicat_ingest.report.outcome import Outcome


class Observer(Protocol):
    """Is told what happens. Must not wait and must not raise."""

    def ready(self) -> None:
        """Learn that the service has joined its group and may be given records."""

    def published(self, outcome: Outcome) -> None:
        """Learn that Kafka has acknowledged a record's outcome."""


class Observers:
    """Tells several observers."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def ready(self) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.ready()

    def published(self, outcome: Outcome) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.published(outcome)
