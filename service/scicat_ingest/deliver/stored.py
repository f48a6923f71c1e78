"""What the catalogue has for a pid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from scicat_ingest.deliver.stored_files import latest, touched_at
from scicat_ingest.mapping.metadata import PROVENANCE
from scicat_ingest.plan.same import METADATA
from scicat_ingest.plan.steps import AttachmentKey, attachment_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from scicat_ingest.deliver.api_choice import Version
    from scicat_ingest.deliver.stored_files import StoredFiles


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """A dataset as read back with all its blocks and attachments."""

    fields: Mapping[str, Any]
    files: StoredFiles
    """The files of all its blocks."""
    attachment_ids: frozenset[str]
    attachment_keys: frozenset[AttachmentKey]
    touched_at: datetime | None
    """When the dataset or its newest part was last written, by the server's clock."""
    read_at: datetime | None
    """The server's clock at the time of reading."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Our own entry in scientificMetadata; empty if there is none."""
        metadata = self.fields.get(METADATA)
        entry = metadata.get(PROVENANCE) if isinstance(metadata, dict) else None
        return entry if isinstance(entry, dict) else {}

    @property
    def revision(self) -> int | None:
        """The acquisition's revision that was written last; None if that was not put down."""
        revision = self.provenance.get("revision")
        return revision if isinstance(revision, int) else None

    def seconds_since_touched(self) -> float:
        """Give the age of the last write in seconds; without clocks, as if it was long ago."""
        if self.touched_at is None or self.read_at is None:
            return float("inf")
        return (self.read_at - self.touched_at).total_seconds()


def read_stored(
    document: Mapping[str, Any], server_time: datetime | None, version: Version, files: StoredFiles
) -> StoredDataset:
    """Read SciCat's answer to a GET by pid with includes; blocks that it has are taken into `files`."""
    blocks = [block for block in document.get("origdatablocks") or () if isinstance(block, dict)]
    for block in blocks:
        files.add(block)
    attachments = [item for item in document.get("attachments") or () if isinstance(item, dict)]
    ids = {str(item[name]) for item in attachments for name in ("aid", "_id", "id") if item.get(name)}
    return StoredDataset(
        fields=_decoded(document) if version == "v4" else document,
        files=files,
        attachment_ids=frozenset(ids),
        attachment_keys=frozenset(attachment_key(item) for item in attachments),
        touched_at=latest([files.touched_at, *map(touched_at, (document, *attachments))]),
        read_at=server_time,
    )


def _decoded(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the document with the metadata's names as they were sent: v4 shows them percent-encoded, as stored."""
    metadata = document.get(METADATA)
    return {**document, METADATA: _unquoted(metadata)} if isinstance(metadata, dict) else document


def _unquoted(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {unquote(name): _unquoted(part) for name, part in value.items()}
