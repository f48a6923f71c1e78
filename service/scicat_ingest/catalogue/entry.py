"""Everything that one acquisition puts into the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from scicat_ingest.catalogue.attachment import Attachment
    from scicat_ingest.catalogue.dataset import Dataset
    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.catalogue.origdatablock import OrigDatablock


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A dataset with its blocks, in the order to post them, and its attachments."""

    pid: str
    acquisition_id: str
    instrument: str | None
    """Its id, else its name, by the event."""
    revision: int
    dataset: Dataset
    files: FileList
    origdatablocks: Collection[OrigDatablock]
    """The files in blocks; a tuple, or made anew whenever they are asked for."""
    attachments: tuple[Attachment, ...]
    warnings: tuple[str, ...]
    """What was dropped or replaced on the way, one sentence each, for the outcome."""
    mapping: str
    """Name of the mapping file, or `native`."""
    mapping_digest: str
    """Tells which settings and mapping file it was made by, 16 hexadecimal digits."""
    files_complete: bool = True
    """Whether the blocks list all files of the dataset, and not only additional ones."""
