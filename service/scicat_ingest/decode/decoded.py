"""What a record turned out to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.decode.event import AcquisitionCompleted


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to ingest, and nothing wrong: counted and committed, no dead letter."""

    reason: str
    """A stable word: `tombstone`, `unmatched`, `cancelled` …"""


@dataclass(frozen=True, slots=True)
class MappedBy:
    """The mapping file that made an event of a foreign document."""

    name: str
    digest: str = ""
    """Of the file, 16 hexadecimal digits; empty for the native event, which needs none."""
    metadata_schema: Mapping[str, Any] | None = None
    """JSON Schema of its scientificMetadata."""
    defaulted: frozenset[str] = frozenset()
    """Paths of fields that its `on_missing` gave."""


NATIVE = MappedBy("native")


@dataclass(frozen=True, slots=True)
class Decoded:
    """An acquisition event."""

    event: AcquisitionCompleted
    event_source: str
    """Who sent it: the CloudEvents source, else the topic."""
    warnings: tuple[str, ...] = ()
    mapped_by: MappedBy = NATIVE
