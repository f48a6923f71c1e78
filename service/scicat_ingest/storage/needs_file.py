"""A document whose mapping file asks for values from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scicat_ingest.decode.document import Document
    from scicat_ingest.storage.roots import Roots
    from scicat_ingest.translate.context import Context
    from scicat_ingest.translate.mapping_file import MappingFile


@dataclass(frozen=True, slots=True)
class NeedsFile:
    """What is to be read from which file, and where that may be."""

    document: Document
    mapping: MappingFile
    context: Context
    path: str
    roots: Roots
    pid: str | None
    """As far as it can be told without the file."""
