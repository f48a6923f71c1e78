"""From the bytes of a manifest to its lines, within bounds."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from scicat_ingest.faults import InvalidManifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_LINE_BYTES = 64 * 1024
_EXPANDED_CHUNK = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS
_BOM = b"\xef\xbb\xbf"


class Hashed:
    """Passes bytes on, counts them and makes their SHA-256."""

    def __init__(self, chunks: Iterable[bytes], most: int, field: str) -> None:
        self._chunks = chunks
        self._most = most
        self._field = field
        self._hash = hashlib.sha256()
        self._count = 0

    def __iter__(self) -> Iterator[bytes]:
        """Give the bytes. Raises InvalidManifest for more than `most`."""
        for chunk in self._chunks:
            self._count += len(chunk)
            if self._count > self._most:
                raise too_long(self._most, self._field)
            self._hash.update(chunk)
            yield chunk

    @property
    def digest(self) -> str:
        """Of what was passed on, 64 hexadecimal digits."""
        return self._hash.hexdigest()


def expand(chunks: Iterable[bytes], most: int, field: str) -> Iterator[bytes]:
    """Expand gzip, piece by piece: a bomb is noticed when it goes off. Raises InvalidManifest."""
    stream, count = zlib.decompressobj(_GZIP), 0
    try:
        for chunk in chunks:
            rest = chunk
            while True:
                if stream.eof:  # several gzip files, one after another, are one
                    stream = zlib.decompressobj(_GZIP)
                piece = stream.decompress(rest, _EXPANDED_CHUNK)
                count += len(piece)
                if count > most:
                    raise too_long(most, field)
                yield piece
                rest = stream.unused_data if stream.eof else stream.unconsumed_tail
                if not rest and (stream.eof or len(piece) < _EXPANDED_CHUNK):
                    break
    except zlib.error as error:
        raise InvalidManifest(f"it is no gzip: {error}", field=field) from None
    if not stream.eof:
        raise InvalidManifest("it ends in the middle of its gzip", field=field, hint="send the event when it is whole")


def too_long(most: int, field: str) -> InvalidManifest:
    """Give the fault for a manifest with more bytes than are taken."""
    hint = "raise files.max_manifest_bytes, or split the dataset"
    return InvalidManifest(f"expected at most {most} bytes", field=field, hint=hint)


def split_lines(chunks: Iterable[bytes], field: str) -> Iterator[str]:
    r"""Give the lines without their ends (`\n`, `\r\n`). Raises InvalidManifest: too long a line, no UTF-8."""
    rest, number = b"", 0
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            yield _text(line, number, field)
        if len(rest) > MOST_LINE_BYTES:
            raise _long_line(number + 1, field)
    if rest:
        yield _text(rest, number + 1, field)


def _text(line: bytes, number: int, field: str) -> str:
    if len(line) > MOST_LINE_BYTES:
        raise _long_line(number, field)
    if number == 1:
        line = line.removeprefix(_BOM)
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise InvalidManifest(f"line {number} is not UTF-8", field=field) from None


def _long_line(number: int, field: str) -> InvalidManifest:
    return InvalidManifest(f"line {number} has more than {MOST_LINE_BYTES} bytes", field=field)
