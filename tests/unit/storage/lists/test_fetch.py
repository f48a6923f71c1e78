"""Manifests behind https."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from scicat_ingest.faults import IngestFault, InvalidManifest, NotThereYet
from scicat_ingest.settings import FilesSettings
from scicat_ingest.storage.lists.fetch import HttpsFetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URI = "https://daq.example.org/42.jsonl"


def fetch(answer: httpx.Response | Callable[[httpx.Request], httpx.Response], **settings: float) -> bytes:
    """Fetch from a server that answers like this."""
    transport = httpx.MockTransport(answer if callable(answer) else lambda _: answer)
    https = HttpsFetch(ssl.create_default_context(), FilesSettings(**settings), transport)
    try:
        with https(URI) as chunks:
            return b"".join(chunks)
    finally:
        https.close()


def test_the_bytes_come_as_they_are_stored() -> None:
    """Nothing is asked to be compressed on the way."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        assert "Authorization" not in request.headers
        return httpx.Response(200, stream=httpx.ByteStream(b"abc" * 100_000))

    assert fetch(answer) == b"abc" * 100_000


@pytest.mark.parametrize(
    ("status", "sort"),
    [
        (404, NotThereYet),
        (429, NotThereYet),
        (503, NotThereYet),
        (301, InvalidManifest),
        (401, InvalidManifest),
        (204, InvalidManifest),
        (206, InvalidManifest),
    ],
)
def test_an_answer_without_a_manifest_is_waited_for_or_refused(status: int, sort: type[IngestFault]) -> None:
    """A redirect is never followed: it could lead into our own network."""
    with pytest.raises(sort, match=str(status)):
        fetch(httpx.Response(status, headers={"Location": "https://127.0.0.1/"}))


@pytest.mark.parametrize("sort", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_server_in_trouble_is_waited_for(sort: type[httpx.RequestError]) -> None:
    """The manifest is not to blame."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise sort("in trouble")

    with pytest.raises(NotThereYet, match="does not answer"):
        fetch(answer)


def test_compression_that_nobody_asked_for_is_refused() -> None:
    """It could be a bomb."""
    response = httpx.Response(200, stream=httpx.ByteStream(b"\x1f\x8b"), headers={"Content-Encoding": "gzip"})
    with pytest.raises(InvalidManifest, match="unasked"):
        fetch(response)


def test_a_server_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then keeps every timeout of a single read quiet."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                now[0] += 10
                yield b"x" * 100_000

    with pytest.raises(NotThereYet, match="took more than 60 s"):
        fetch(httpx.Response(200, stream=Drip()), manifest_timeout_seconds=60)
