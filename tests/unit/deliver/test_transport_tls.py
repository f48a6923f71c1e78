"""Which certificates are trusted, and what is told apart when they are not."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from scicat_ingest.deliver.transport import open_http_client
from scicat_ingest.deliver.transport_failure import Reason, Sent, TransportFailure, classify_exception
from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio: aiohttp knows no other."""
    return "asyncio"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Give a CA that no system trusts."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Give its certificate as a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@asynccontextmanager
async def serving(certificate: trustme.LeafCert | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Run a server, with TLS if it has a certificate; give its https address and the requests that it saw."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(ANSWER)
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()

    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
    finally:
        server.close()
        await server.wait_closed()


def client_of(base_url: str, ca_file: Path | None) -> httpx.AsyncClient:
    """Give the client under test."""
    return open_http_client(base_url=base_url, max_connections=2, user_agent="test", ca_file=ca_file)


async def failure_of(client: httpx.AsyncClient, method: str) -> TransportFailure:
    """Send one request that must fail to connect, and give what it is taken for."""
    with pytest.raises(httpx.ConnectError) as caught:
        await client.request(method, "/")
    return classify_exception(caught.value)


TLS = TransportFailure(Sent.NO, Reason.TLS)


@pytest.mark.anyio
async def test_the_ca_file_is_trusted(authority: trustme.CA, ca_file: Path) -> None:
    """A facility's own CA needs one setting."""
    async with serving(authority.issue_cert("127.0.0.1")) as (url, requests), client_of(url, ca_file) as client:
        assert (await client.post("/", content=b"{}")).status_code == 200
        assert len(requests) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_authority_is_a_tls_fault(authority: trustme.CA, method: str) -> None:
    """The system's certificates do not have it; nothing is sent."""
    async with serving(authority.issue_cert("127.0.0.1")) as (url, requests), client_of(url, None) as client:
        failure = await failure_of(client, method)
        assert failure == TLS
        assert failure.blames_configuration
        assert requests == []


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_another_hosts_certificate_is_a_tls_fault(authority: trustme.CA, ca_file: Path, method: str) -> None:
    """It is signed by a known authority, but for another name."""
    async with (
        serving(authority.issue_cert("scicat.example.org")) as (url, requests),
        client_of(url, ca_file) as client,
    ):
        assert await failure_of(client, method) == TLS
        assert requests == []


@pytest.mark.anyio
async def test_tls_to_a_plain_server_is_a_tls_fault(ca_file: Path) -> None:
    """The URL says https, the server answers in HTTP."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, client_of(url, ca_file) as client:
        assert await failure_of(client, "GET") == TLS


@pytest.mark.anyio
async def test_hanging_up_in_the_handshake_is_no_tls_fault(ca_file: Path) -> None:
    """A proxy without a server behind it does so: an outage, no wrong setting; and nothing was sent."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, client_of(url, ca_file) as client:
        assert await failure_of(client, "POST") == TransportFailure(Sent.NO, Reason.CONNECT_FAILED)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_a_wrong_setting(tmp_path: Path, content: str | None) -> None:
    """It is missing, empty, or something else."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidSettings, match=r"scicat\.ca_file"):
        client_of("https://scicat.example.org", path)
