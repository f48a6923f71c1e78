"""What a test needs to know of a broker, whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Broker(Protocol):
    """Something that can be connected to: an EmbeddedKafka, or a GivenBroker."""

    @property
    def bootstrap_servers(self) -> str:
        """Addresses of plain listeners, separated by commas."""
        ...


@dataclass(frozen=True, slots=True)
class GivenBroker:
    """A broker that runs already and that we do not control."""

    bootstrap_servers: str
