"""The steps of one entry: the dataset, then its blocks one after another, its attachments beside them.

Each step knows how to recognise its own result in the catalogue, because SciCat has no idempotency keys: a dataset by
its pid, a block by its files (it has no id that a client could set), an attachment by its id, or by caption and content
where SciCat's v3 route gave it another id.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.mapping.metadata import PROVENANCE
from scicat_ingest.plan.same import METADATA, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scicat_ingest.catalogue.entry import CatalogueEntry

FileKey = tuple[str, int, str | None]
"""What makes a file the same one: path, size in bytes, checksum."""

AttachmentKey = tuple[str, str]
"""What makes an attachment the same one where ids differ: caption, SHA-256 of the thumbnail."""


@dataclass(frozen=True, slots=True)
class PostDataset:
    """POST the dataset; a 409 means that its pid is there already."""

    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PostOrigDatablock:
    """POST one block. Never to be repeated without looking: SciCat would store a second copy."""

    payload: Mapping[str, Any]

    @property
    def files(self) -> frozenset[FileKey]:
        """The block's files."""
        return file_keys(self.payload)

    @property
    def paths(self) -> frozenset[str]:
        """The paths of the block's files."""
        return frozenset(file["path"] for file in self.payload["dataFileList"])

    def only(self, files: frozenset[FileKey]) -> PostOrigDatablock:
        """Give the same block with fewer files, in the same order."""
        kept = [file for file in self.payload["dataFileList"] if _key_of(file) in files]
        size = sum(file["size"] for file in kept)
        return PostOrigDatablock({**self.payload, "dataFileList": kept, "size": size})


@dataclass(frozen=True, slots=True)
class PostAttachment:
    """POST one attachment."""

    payload: Mapping[str, Any]

    @property
    def aid(self) -> str:
        """Its id."""
        return str(self.payload["aid"])

    @property
    def key(self) -> AttachmentKey:
        """Its caption and content."""
        return attachment_key(self.payload)


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall be in the catalogue when the record is done."""

    pid: str
    acquisition_id: str
    revision: int
    dataset: PostDataset
    blocks: tuple[PostOrigDatablock, ...]
    attachments: tuple[PostAttachment, ...]
    warnings: tuple[str, ...]
    weight: int
    """Size in bytes of the record that it was made from; tells whether serialising it is heavy."""
    recorded_at_ms: int = -1
    """The record's own time, in milliseconds since 1970; -1 if it has none. A dataset of an old record may have been
    there before."""
    files_complete: bool = True
    """Whether its files are all that the dataset shall have."""

    @property
    def number_of_files(self) -> int:
        """Files of all blocks."""
        return sum(len(block.payload["dataFileList"]) for block in self.blocks)

    @property
    def paths(self) -> frozenset[str]:
        """The paths of all files."""
        return frozenset(file["path"] for block in self.blocks for file in block.payload["dataFileList"])

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(int(block.payload["size"]) for block in self.blocks)


def plan_steps(entry: CatalogueEntry, weight: int, recorded_at_ms: int = -1) -> Plan:
    """Turn an entry into its steps; `weight` is the size in bytes of the record that it was made from."""
    return Plan(
        pid=entry.pid,
        acquisition_id=entry.acquisition_id,
        revision=entry.revision,
        dataset=PostDataset(_signed(entry.dataset.payload())),
        blocks=tuple(PostOrigDatablock(block.payload()) for block in entry.origdatablocks),
        attachments=tuple(PostAttachment(attachment.payload()) for attachment in entry.attachments),
        warnings=entry.warnings,
        weight=weight,
        recorded_at_ms=recorded_at_ms,
        files_complete=entry.files_complete,
    )


def _signed(payload: dict[str, Any]) -> dict[str, Any]:
    """Put down in our own entry what we write: an update may later change what is still as we wrote it, and no more."""
    metadata = payload.get(METADATA) or {}
    if PROVENANCE not in metadata:
        return payload
    entry = metadata[PROVENANCE] | {"written": written(payload)}
    return payload | {METADATA: metadata | {PROVENANCE: entry}}


def file_keys(block: Mapping[str, Any]) -> frozenset[FileKey]:
    """Give the keys of a block's files; works on what we send and on what SciCat answers."""
    files: Iterable[Mapping[str, Any]] = block.get("dataFileList") or ()
    return frozenset(_key_of(file) for file in files)


def attachment_key(attachment: Mapping[str, Any]) -> AttachmentKey:
    """Give the key of an attachment; works on what we send and on what SciCat answers."""
    content = str(attachment.get("thumbnail") or "")
    return str(attachment.get("caption")), hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()


def _key_of(file: Mapping[str, Any]) -> FileKey:
    return str(file.get("path")), int(file.get("size") or 0), file.get("chk") or None
