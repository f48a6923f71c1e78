"""A file list of any length at flat memory: short ones stay in memory, longer ones go into a nameless temporary file.

The file has no name from the start, so that it is gone with the process, however that ends.
"""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.document import MAX_SAFE_INTEGER
from scicat_ingest.catalogue.origdatablock import DataFile
from scicat_ingest.faults import DuplicatePath, InvalidField, InvalidManifest, NoSpace
from scicat_ingest.storage.lists.duplicates import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scicat_ingest.storage.lists.listed import Listed

FEW = 2000
"""So many files stay in memory."""
_CHUNK = 1 << 17
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


class Spool:
    """Files in order, as often as asked for. It can be read by several at once; it cannot be changed."""

    def __init__(
        self,
        files: Iterable[Listed],
        *,
        default_time: datetime,
        folder: str | None = None,
    ) -> None:
        """Take the files; those without a time of their own have `default_time`.

        Raises DuplicatePath, InvalidField (more bytes in all than SciCat can count), InvalidManifest (a path that is no
        Unicode), NoSpace, and what `files` raise.
        """
        self.checksum_algorithm: str | None = None
        self.warnings: tuple[str, ...] = ()
        self.count = self.size = 0
        self._rows: list[bytes] = []
        self._descriptor: int | None = None
        self._default = _microseconds(default_time)
        try:
            self._take(files, folder)
        except UnicodeEncodeError:
            raise InvalidManifest(f"a text of file {self.count} is no Unicode", field="fileManifest") from None
        except OSError as error:
            where = folder or tempfile.gettempdir()
            message = f"a long file list cannot be kept in {where}: {error.strerror}"
            raise NoSpace(message, hint="make room there, or set TMPDIR to a folder with some") from None

    def __iter__(self) -> Iterator[DataFile]:
        """Give the files."""
        for path, size, time, chk, uid, gid, perm, kind in self._rows_again():
            yield DataFile(path, size, _EPOCH + timedelta(microseconds=time), chk, uid, gid, perm, kind)

    def _take(self, files: Iterable[Listed], folder: str | None) -> None:
        seen = Seen()
        for file in files:
            size = file.size or 0
            self.count += 1
            self.size += size
            seen.add(file.path)
            self._rows.append(self._row(file, size))
            if len(self._rows) >= FEW and self.count > FEW:
                self._write(folder)
        if self._descriptor is not None:
            self._write(folder)
        if self.size > MAX_SAFE_INTEGER:
            raise InvalidField(f"expected at most {MAX_SAFE_INTEGER} bytes in all, got {self.size}", field="files")
        twice = seen.twice(lambda: (row[0] for row in self._rows_again()))
        if twice is not None:
            raise DuplicatePath(f"{twice!r} is listed twice", field="files")

    def _row(self, file: Listed, size: int) -> bytes:
        time = self._default if file.time is None else _microseconds(file.time)
        row = (file.path, size, time, file.chk, file.uid, file.gid, file.perm, file.type)
        return _COMPACT.encode(row).encode()

    def _write(self, folder: str | None) -> None:
        if self._descriptor is None:
            with tempfile.TemporaryFile(prefix="scicat-ingest-", dir=folder) as file:
                self._descriptor = os.dup(file.fileno())
            weakref.finalize(self, os.close, self._descriptor)
        data = memoryview(b"\n".join([*self._rows, b""]))
        while data:
            data = data[os.write(self._descriptor, data) :]
        self._rows.clear()

    def _rows_again(self) -> Iterator[list[Any]]:
        if self._descriptor is None:
            yield from _parse(self._rows)
            return
        offset, rest = 0, b""
        while chunk := os.pread(self._descriptor, _CHUNK, offset):
            offset += len(chunk)
            *rows, rest = (rest + chunk).split(b"\n")
            yield from _parse(rows)


def _parse(rows: list[bytes]) -> list[list[Any]]:
    """Parse many rows at once: it takes half the time."""
    parsed: list[list[Any]] = json.loads((b"[" + b",".join(rows) + b"]").decode())
    return parsed


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
