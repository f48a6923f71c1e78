"""From the lines of a manifest to files. Columns are those of the event's own `files`."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from scicat_ingest.decode.event import File
from scicat_ingest.decode.field_path import shown_name
from scicat_ingest.decode.first_fault import excerpt, first_fault
from scicat_ingest.faults import InvalidField, InvalidManifest
from scicat_ingest.mapping.source_folder import relative_path
from scicat_ingest.storage.lists.listed import Listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scicat_ingest.storage.lists.listed import Listing

_COLUMNS = tuple(File.model_fields)


class JsonRows:
    """One JSON object a line; empty lines count for nothing."""

    def __init__(self, lines: Iterable[str], listing: Listing, field: str) -> None:
        self._lines = lines
        self._rows = _Rows(listing, field)
        self._field = field

    def __iter__(self) -> Iterator[Listed]:
        """Give the files. Raises InvalidManifest, InvalidField, PathOutsideSource."""
        for number, line in enumerate(self._lines, start=1):
            if not line or line.isspace():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InvalidManifest(f"line {number} is not JSON: {error}", field=self._field) from None
            if not isinstance(row, dict):
                message = f"line {number}: expected an object such as {{'path': …, 'size': …}}, got {excerpt(row)}"
                raise InvalidManifest(message, field=self._field)
            yield self._rows.file(row, number)


class CsvRows:
    """Comma-separated, with a first line that names the columns; an empty cell says nothing."""

    def __init__(self, lines: Iterable[str], listing: Listing, field: str) -> None:
        self._lines = lines
        self._rows = _Rows(listing, field)
        self._field = field

    def __iter__(self) -> Iterator[Listed]:
        """Give the files. Raises InvalidManifest, InvalidField, PathOutsideSource."""
        reader = csv.reader((f"{line}\n" for line in self._lines), strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            if header and ("path" not in header or len(set(header)) < len(header)):
                message = (
                    f"expected a first line with the columns path,size[,…], each once, got {', '.join(header)[:80]!r}"
                )
                raise InvalidManifest(message, field=self._field, hint=f"known columns: {', '.join(_COLUMNS)}")
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    message = f"line {reader.line_num}: expected {len(header)} columns, got {len(cells)}"
                    raise InvalidManifest(message, field=self._field)
                row: dict[str, Any] = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
                if "size" in row:
                    row["size"] = self._whole(row["size"], reader.line_num)
                yield self._rows.file(row, reader.line_num)
        except csv.Error as error:
            raise InvalidManifest(f"line {reader.line_num} is no CSV: {error}", field=self._field) from None

    def _whole(self, cell: str, number: int) -> int:
        if not (cell.isascii() and cell.isdigit()) or len(cell) > 20:
            field = f"{self._field}[{number}].size"
            raise InvalidField(f"expected a number of bytes, got {excerpt(cell)}", field=field)
        return int(cell)


class _Rows:
    """What both have in common: from a row's values to a file."""

    def __init__(self, listing: Listing, field: str) -> None:
        self._listing = listing
        self._field = field
        self._context = {"zone": listing.zone}
        self._may_lack_size = listing.settings.stat == "on"

    def file(self, row: dict[str, Any], number: int) -> Listed:
        """Give the file of line `number`."""
        has_size = row.get("size") is not None
        if not has_size and self._may_lack_size:
            row = row | {"size": 0}
        try:
            file = File.model_validate(row, context=self._context)
        except ValidationError as error:
            raise first_fault(error.errors(include_url=False), row, prefix=f"{self._field}[{number}].") from None
        for name in file.unknown:
            self._listing.remarks.note("columns that are not known were left out", shown_name(name))
        return Listed(
            path=relative_path(file.path, self._listing.folder, f"{self._field}[{number}].path"),
            size=file.size if has_size else None,
            time=file.modifiedAt,
            chk=file.checksum or None,
            uid=file.uid,
            gid=file.gid,
            perm=file.perm,
            type=file.type,
        )
