"""Manifests behind https: no redirects, no proxies, within a time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from scicat_ingest import __version__
from scicat_ingest.faults import InvalidManifest, NotThereYet

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from scicat_ingest.settings import FilesSettings

_URI = "fileManifest.uri"
_CHUNK = 1 << 16


class HttpsFetch:
    """Opens an address and gives its bytes, as they are stored."""

    def __init__(
        self, verify: ssl.SSLContext, settings: FilesSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._timeout = settings.manifest_timeout_seconds
        self._client = httpx.Client(
            verify=verify,
            transport=transport,
            timeout=min(self._timeout, 30),
            follow_redirects=False,
            trust_env=False,
            headers={"Accept-Encoding": "identity", "User-Agent": f"scicat-ingest/{__version__}"},
        )

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    @contextmanager
    def __call__(self, uri: str) -> Iterator[Iterator[bytes]]:
        """Open it. Raises NotThereYet (no answer, 404, 408, 425, 429, 5xx, too slow), InvalidManifest (any other)."""
        ends = time.monotonic() + self._timeout
        try:
            with self._client.stream("GET", uri) as response:
                _judge(response)
                yield self._read(response, uri, ends)
        except httpx.InvalidURL as error:
            raise InvalidManifest(f"no address: {error}", field=_URI) from None
        except httpx.HTTPError as error:
            raise NotThereYet(f"{uri!r} does not answer: {type(error).__name__}: {error}", field=_URI) from None

    def _read(self, response: httpx.Response, uri: str, ends: float) -> Iterator[bytes]:
        for chunk in response.iter_raw(_CHUNK):
            if time.monotonic() > ends:
                raise NotThereYet(f"{uri!r} took more than {self._timeout:g} s", field=_URI)
            yield chunk


def _judge(response: httpx.Response) -> None:
    status = response.status_code
    if status in (404, 408, 425, 429) or status >= 500:
        raise NotThereYet(f"{response.url} answers {status}", field=_URI)
    if status != 200:
        hint = "redirects are not followed: give the final address" if 300 <= status < 400 else None
        raise InvalidManifest(f"{response.url} answers {status}", field=_URI, hint=hint)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise InvalidManifest("the server compressed it, unasked", field=_URI)
