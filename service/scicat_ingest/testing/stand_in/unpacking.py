"""The bytes of a request body, unpacked and limited."""

from __future__ import annotations

import zlib

from scicat_ingest.testing.stand_in.exchange import Refusal, internal_error, refuse

GZIP_OR_ZLIB = 47
"""zlib's window bits for "find out which of the two it is"."""


class Unpacking:
    """Takes a body in pieces; `limit` is how many bytes it may have, packed and unpacked."""

    def __init__(self, encoding: str, limit: int) -> None:
        self._limit = limit
        self._encoding = encoding.lower() or "identity"
        self._inflate = zlib.decompressobj(GZIP_OR_ZLIB) if self._encoding in {"gzip", "deflate"} else None
        self._packed = 0
        self._body = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take a piece. Raises Refusal: 500 beyond the limit, not 413; 400 and 415 for bad packing."""
        if self._inflate is None and self._encoding != "identity":
            message = f'unsupported content encoding "{self._encoding}"'
            raise Refusal(415, {"message": message, "error": "Unsupported Media Type", "statusCode": 415})
        self._packed += len(chunk)
        try:
            self._body += self._inflate.decompress(chunk, self._limit + 1) if self._inflate else chunk
        except zlib.error:
            raise refuse(400, "incorrect header check") from None
        if max(self._packed, len(self._body)) > self._limit:
            raise internal_error()

    @property
    def body(self) -> bytes:
        """What has been unpacked."""
        return bytes(self._body)
