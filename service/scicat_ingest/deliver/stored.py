"""What the catalogue has for a pid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.times import parse_time
from scicat_ingest.plan.steps import AttachmentKey, FileKey, attachment_key, file_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """A dataset as read back with all its blocks and attachments."""

    fields: Mapping[str, Any]
    files: frozenset[FileKey]
    """The files of all its blocks."""
    number_of_files: int
    """Files of all its blocks, each copy counted."""
    size: int
    """Bytes of all its blocks, each copy counted."""
    block_ids: tuple[str, ...]
    attachment_ids: frozenset[str]
    attachment_keys: frozenset[AttachmentKey]
    touched_at: datetime | None
    """When the dataset or its newest block was last written, by the server's clock."""
    read_at: datetime | None
    """The server's clock at the time of reading."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Our own entry in scientificMetadata; empty if there is none."""
        metadata = self.fields.get("scientificMetadata")
        entry = metadata.get("ingest") if isinstance(metadata, dict) else None
        return entry if isinstance(entry, dict) else {}

    def seconds_since_touched(self) -> float:
        """Give the age of the last write in seconds; without clocks, as if it was long ago."""
        if self.touched_at is None or self.read_at is None:
            return float("inf")
        return (self.read_at - self.touched_at).total_seconds()


def read_stored(document: Mapping[str, Any], server_time: datetime | None) -> StoredDataset:
    """Read SciCat's answer to a GET by pid with includes."""
    blocks = [block for block in document.get("origdatablocks") or () if isinstance(block, dict)]
    attachments = [item for item in document.get("attachments") or () if isinstance(item, dict)]
    ids = {str(item[name]) for item in attachments for name in ("aid", "_id", "id") if item.get(name)}
    return StoredDataset(
        fields=document,
        files=frozenset(key for block in blocks for key in file_keys(block)),
        number_of_files=sum(len(block.get("dataFileList") or ()) for block in blocks),
        size=sum(int(file.get("size") or 0) for block in blocks for file in block.get("dataFileList") or ()),
        block_ids=tuple(str(block.get("_id") or block.get("id")) for block in blocks),
        attachment_ids=frozenset(ids),
        attachment_keys=frozenset(attachment_key(item) for item in attachments),
        touched_at=_latest([document, *blocks]),
        read_at=server_time,
    )


def _latest(documents: Iterable[Mapping[str, Any]]) -> datetime | None:
    moments = []
    for document in documents:
        for name in ("createdAt", "updatedAt"):
            text = document.get(name)
            if isinstance(text, str):
                try:
                    moments.append(parse_time(text))
                except ValueError:
                    continue
    return max(moments, default=None)
