"""The files of a dataset: a few in memory, or a million somewhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scicat_ingest.catalogue.origdatablock import DataFile


class FileList(Protocol):
    """All files, in order, as often as asked for."""

    @property
    def count(self) -> int:
        """How many."""
        ...

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        ...

    @property
    def checksum_algorithm(self) -> str | None:
        """What the checksums were made with, where the list knows it better than the event."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the outcome tells about it."""
        ...

    def __iter__(self) -> Iterator[DataFile]:
        """Give them; paths are relative to the source folder, none comes twice."""
        ...


@dataclass(frozen=True, slots=True)
class FewFiles:
    """Files in memory."""

    files: tuple[DataFile, ...]
    checksum_algorithm: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many."""
        return len(self.files)

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(file.size for file in self.files)

    def __iter__(self) -> Iterator[DataFile]:
        """Give them."""
        return iter(self.files)
