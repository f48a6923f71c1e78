"""What a record says, whatever format it is written in: the `event` of mapping files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.decode.decoded import Ignored
    from scicat_ingest.settings import FormatName, LimitsSettings


@dataclass(frozen=True, slots=True)
class Document:
    """One document, complete.

    `content` is JSON: objects with string keys, arrays, strings, finite numbers, booleans and null, no deeper than
    `limits.max_event_depth`.
    """

    format: FormatName
    content: Mapping[str, Any]
    event_source: str
    """Who sent it: the CloudEvents source, else the topic."""
    event_type: str | None = None
    """The CloudEvents type."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One record of a run, which is told in several."""

    format: FormatName
    run: str
    """The run's uid or job id."""
    role: Literal["start", "middle", "end"]
    content: Mapping[str, Any]
    """Only the fields that `Run.document` uses."""
    size: int
    """Bytes that keeping `content` takes, about."""
    event_source: str = ""
    """As in Document; that of the run's last record counts."""
    event_type: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedsSchema:
    """A document that can be read when its schema is known."""

    reference: int | str
    """The id in the schema registry: a number, or a GUID."""
    read: Callable[[Any], Document | Ignored]
    """Takes what the registry gave. Raises UndecodableRecord."""


class Format(Protocol):
    """How one format is read. Pure: neither network nor files nor clock."""

    @property
    def name(self) -> FormatName:
        """Its name in `sources[].formats`."""
        ...

    def recognises(self, record: Record) -> bool:
        """Tell from headers and first bytes whether a record is in this format; cheap, never raises."""
        ...

    def read(self, record: Record, limits: LimitsSettings) -> Document | Part | NeedsSchema | Ignored:
        """Read it. Raises UndecodableRecord, and nothing else, whatever the bytes are."""
        ...
