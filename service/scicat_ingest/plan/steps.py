"""The steps of one entry: the dataset, then its blocks one after another, its attachments beside them.

Each step knows how to recognise its own result in the catalogue, because SciCat has no idempotency keys: a dataset by
its pid, a block by its files (it has no id that a client could set), an attachment by its id, or by caption and content
where SciCat's v3 route gave it another id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.mapping.metadata import PROVENANCE
from scicat_ingest.plan.same import METADATA, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from scicat_ingest.catalogue.entry import CatalogueEntry

FileKey = tuple[str, int, str | None]
"""What makes a file the same one: path, size in bytes, checksum."""

_BYTES_OF_A_FILE = 100
"""What a file takes in a body at least, about."""

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

    @property
    def digest(self) -> bytes:
        """Tells the block from all others, by its files."""
        return digest_of(self.files)

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


class Streamed(Collection[PostOrigDatablock]):
    """Blocks of a long file list: made when they are needed, in order, as often as asked for.

    `digests` has one for each, of the planned block that it is, or is a part of: going through all files takes long.
    """

    def __init__(self, make: Callable[[], Iterator[PostOrigDatablock]], digests: Collection[bytes]) -> None:
        self._make = make
        self.digests = digests

    def __iter__(self) -> Iterator[PostOrigDatablock]:
        """Make them."""
        return self._make()

    def __len__(self) -> int:
        """Tell how many there are."""
        return len(self.digests)

    def __contains__(self, block: object) -> bool:
        """Look for one."""
        return any(block == each for each in self)


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall be in the catalogue when the record is done."""

    pid: str
    acquisition_id: str
    instrument: str | None
    revision: int
    dataset: PostDataset
    blocks: tuple[PostOrigDatablock, ...] | Streamed
    number_of_files: int
    """Files of all blocks."""
    size: int
    """Bytes of all files."""
    attachments: tuple[PostAttachment, ...]
    warnings: tuple[str, ...]
    mapping: str
    """Name of the mapping file, or `native`."""
    mapping_digest: str
    weight: int
    """Size in bytes of the record that it was made from, or of its file list: tells whether work on it is heavy."""
    recorded_at_ms: int = -1
    """The record's own time, in milliseconds since 1970; -1 if it has none. A dataset of an old record may have been
    there before."""
    files_complete: bool = True
    """Whether its files are all that the dataset shall have."""

    @property
    def digests(self) -> frozenset[bytes]:
        """Of all blocks. Only who finds the dataset there asks for them."""
        blocks = self.blocks
        return frozenset(blocks.digests if isinstance(blocks, Streamed) else (block.digest for block in blocks))


def plan_steps(entry: CatalogueEntry, weight: int, recorded_at_ms: int = -1) -> Plan:
    """Turn an entry into its steps; `weight` is the size in bytes of the record that it was made from."""
    return Plan(
        pid=entry.pid,
        acquisition_id=entry.acquisition_id,
        instrument=entry.instrument,
        revision=entry.revision,
        dataset=PostDataset(_signed(entry.dataset.payload())),
        blocks=_blocks(entry),
        number_of_files=entry.files.count,
        size=entry.files.size,
        attachments=tuple(PostAttachment(attachment.payload()) for attachment in entry.attachments),
        warnings=entry.warnings,
        mapping=entry.mapping,
        mapping_digest=entry.mapping_digest,
        weight=max(weight, entry.files.count * _BYTES_OF_A_FILE),
        recorded_at_ms=recorded_at_ms,
        files_complete=entry.files_complete,
    )


def _blocks(entry: CatalogueEntry) -> tuple[PostOrigDatablock, ...] | Streamed:
    """Give the blocks; those of a long list are gone through once, for their digests."""

    def make() -> Iterator[PostOrigDatablock]:
        return (PostOrigDatablock(block.payload()) for block in entry.origdatablocks)

    if isinstance(entry.origdatablocks, tuple):
        return tuple(make())
    return Streamed(make, [block.digest for block in make()])


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


def digest_of(files: frozenset[FileKey]) -> bytes:
    """Give 16 bytes that stand for these files; SciCat may give them in another order."""
    lines = sorted(f"{path}\0{size}\0{chk or ''}" for path, size, chk in files)
    return hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def attachment_key(attachment: Mapping[str, Any]) -> AttachmentKey:
    """Give the key of an attachment; works on what we send and on what SciCat answers."""
    content = str(attachment.get("thumbnail") or "")
    return str(attachment.get("caption")), hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()


def _key_of(file: Mapping[str, Any]) -> FileKey:
    return str(file.get("path")), int(file.get("size") or 0), file.get("chk") or None
