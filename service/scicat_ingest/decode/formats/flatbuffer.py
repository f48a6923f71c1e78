"""FlatBuffers, read within their bounds: the library trusts every offset and length that stands in the buffer."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from flatbuffers.number_types import UOffsetTFlags
from flatbuffers.table import Table

from scicat_ingest.decode.formats.allowance import utf8
from scicat_ingest.faults import CorruptRecord

if TYPE_CHECKING:
    from scicat_ingest.decode.formats.allowance import Allowance


class BoundedTable(Table):  # type: ignore[misc] # flatbuffers has no types
    """A table whose scalars and strings are all inside of the buffer. Every read raises CorruptRecord otherwise."""

    def Get(self, flags: Any, offset: int) -> Any:  # noqa: N802 (flatbuffers' own name)
        """Give the scalar at an offset from the buffer's begin; every offset is read through this."""
        if not 0 <= offset <= len(self.Bytes) - flags.bytewidth:
            raise CorruptRecord(f"the FlatBuffer points to byte {offset} of {len(self.Bytes)}")
        return super().Get(flags, offset)

    def String(self, offset: int) -> bytes:  # noqa: N802
        """Give the string that the offset at `offset` leads to."""
        start = offset + self.Get(UOffsetTFlags, offset)
        length = self.Get(UOffsetTFlags, start)
        start += UOffsetTFlags.bytewidth
        if length > len(self.Bytes) - start:
            raise CorruptRecord(f"a text of {length} bytes does not fit into the FlatBuffer of {len(self.Bytes)}")
        return bytes(self.Bytes[start : start + length])


def open_table(accessor: Any, value: bytes) -> Any:
    """Give the buffer's root table through the accessor class that flatc wrote."""
    root = struct.unpack_from("<I", value)[0] if len(value) >= 4 else len(value)
    if root >= len(value):
        raise CorruptRecord(f"the FlatBuffer's root is at byte {root} of {len(value)}")
    opened = accessor()
    opened._tab = BoundedTable(value, root)  # noqa: SLF001 (what its Init does, with a table that has bounds)
    return opened


def read_text(table: Any, getter: str, allowance: Allowance, field: str) -> str | None:
    """Give a text field, None if it is not there."""
    raw = getattr(table, getter)()
    if raw is None:
        return None
    allowance.take(len(raw))
    return utf8(raw, field)
