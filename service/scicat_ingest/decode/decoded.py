"""What a record turned out to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scicat_ingest.decode.event import AcquisitionCompleted


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to ingest, and nothing wrong: counted and committed, no dead letter."""

    reason: str
    """A stable word: `tombstone`, `unmatched`, `cancelled` …"""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An acquisition event."""

    event: AcquisitionCompleted
    event_source: str
    """Who sent it: the CloudEvents source, else the topic."""
    warnings: tuple[str, ...] = ()
