"""What a broken connection is taken for, seen with a server that hangs up at each point."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import anyio
import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from scicat_ingest.deliver.transport import open_http_client
from scicat_ingest.deliver.transport_failure import Reason, Sent, TransportFailure, classify_exception

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Behaviour = Callable[["Peer", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

BODY = b'{"pid": "20.500.12345/abc"}'
LONG = 5.0
SHORT = 0.05
"""Seconds; only for the tests in which the time must run out."""


@dataclass
class Peer:
    """A server that does as it is told, and counts."""

    behave: Behaviour
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    """The head of each request, in the order of arrival."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the test is done."""

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            await self.behave(self, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        """Receive a request's head."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        self.arrived.set()
        return head

    async def request(self, reader: asyncio.StreamReader) -> None:
        """Receive a request to its last byte."""
        head = await self.head(reader)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)


@asynccontextmanager
async def serving(behave: Behaviour) -> AsyncIterator[Peer]:
    """Run a peer on a free port."""
    peer = Peer(behave)
    server = await asyncio.start_server(peer.accept, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        peer.over.set()
        server.close()
        await server.wait_closed()


def client_of(port: int, *, host: str = "127.0.0.1", connections: int = 8) -> httpx.AsyncClient:
    """Give the client under test."""
    return open_http_client(base_url=f"http://{host}:{port}", max_connections=connections, user_agent="test")


async def failure_of(
    client: httpx.AsyncClient, method: str, *, body: bytes = BODY, connect: float = LONG, read: float = LONG
) -> TransportFailure:
    """Send one request that must fail and give what it is taken for."""
    timeout = httpx.Timeout(read, connect=connect)
    content = body if method == "POST" else None
    with pytest.raises(httpx.TransportError) as caught:
        await client.request(method, "/api/v3/datasets", content=content, timeout=timeout)
    failure = classify_exception(caught.value)
    assert str(caught.value).startswith(failure.reason)
    nothing_sent = isinstance(caught.value, (httpx.ConnectError, httpx.ConnectTimeout))
    assert nothing_sent is (failure.sent is Sent.NO)
    assert caught.value.__cause__ is not None
    return failure


def maybe(reason: Reason) -> TransportFailure:
    """Give the verdict on a request that may have been received."""
    return TransportFailure(Sent.MAYBE, reason)


def never(reason: Reason) -> TransportFailure:
    """Give the verdict on a request that was not sent."""
    return TransportFailure(Sent.NO, reason)


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio: aiohttp knows no other."""
    return "asyncio"


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def after_accept(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hang up without reading."""


async def reset_after_accept(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset without reading."""
    reset(writer)


async def after_head(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hang up before the body."""
    await peer.head(reader)


async def after_request(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hang up when all is received: it may be stored."""
    await peer.request(reader)


async def reset_after_request(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset when all is received: it may be stored."""
    await peer.request(reader)
    reset(writer)


def answering(*parts: bytes) -> Behaviour:
    """Send these bytes as the answer, then hang up."""

    async def behave(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.request(reader)
        writer.write(b"".join(parts))
        await writer.drain()

    return behave


HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
CASES = {
    "after accept": (after_accept, maybe(Reason.DISCONNECTED), 0),
    "reset after accept": (reset_after_accept, maybe(Reason.DISCONNECTED), 0),
    "after the head": (after_head, maybe(Reason.DISCONNECTED), 1),
    "after the request": (after_request, maybe(Reason.DISCONNECTED), 1),
    "reset after the request": (reset_after_request, maybe(Reason.DISCONNECTED), 1),
    "half a status line": (answering(b"HTTP/1.1 2"), maybe(Reason.DISCONNECTED), 1),
    "half the headers": (answering(HEAD, b"Content-Le"), maybe(Reason.DISCONNECTED), 1),
    "no body": (answering(HEAD, b"Content-Length: 20\r\n\r\n"), maybe(Reason.INCOMPLETE_ANSWER), 1),
    "half the body": (answering(HEAD, b'Content-Length: 20\r\n\r\n{"pid":'), maybe(Reason.INCOMPLETE_ANSWER), 1),
    "half a chunk": (
        answering(HEAD, b"Transfer-Encoding: chunked\r\n\r\n20\r\nabc"),
        maybe(Reason.INCOMPLETE_ANSWER),
        1,
    ),
    "no last chunk": (
        answering(HEAD, b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        maybe(Reason.INCOMPLETE_ANSWER),
        1,
    ),
    "bad chunk": (answering(HEAD, b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab"), maybe(Reason.BAD_ANSWER), 1),
    "another protocol": (answering(b"SSH-2.0-OpenSSH_9.6\r\n"), maybe(Reason.BAD_ANSWER), 1),
    "bytes of TLS": (answering(b"\x15\x03\x01\x00\x02\x02\x28"), maybe(Reason.BAD_ANSWER), 1),
    "a bad length": (answering(HEAD, b"Content-Length: many\r\n\r\n{}"), maybe(Reason.BAD_ANSWER), 1),
    "an endless header": (answering(HEAD, b"X: ", b"x" * 100_000, b"\r\n\r\n"), maybe(Reason.BAD_ANSWER), 1),
}


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("case", CASES)
async def test_what_broke_after_the_connection_may_have_been_received(case: str, method: str) -> None:
    """Every such failure is ambiguous, for either method, and was on the wire at most once."""
    behave, expected, requests = CASES[case]
    async with serving(behave) as peer, client_of(peer.port) as client:
        assert await failure_of(client, method) == expected
        assert (len(peer.requests), peer.connections) == (requests, 1)


async def silent(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Receive all and never answer."""
    await peer.request(reader)
    await peer.over.wait()


async def deaf(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the head, and never the body."""
    await peer.head(reader)
    await peer.over.wait()


async def dripping(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send an answer without end, each byte well before the client gives up on silence."""
    await peer.request(reader)
    writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while not peer.over.is_set():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(SHORT / 10)


async def late_bad_chunk(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break the body's encoding when its first part has been taken: aiohttp then waits for ever."""
    await peer.request(reader)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    await writer.drain()
    await asyncio.sleep(SHORT)
    writer.write(b"zz\r\n")
    await peer.over.wait()


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_silent_server_is_given_up_in_time(method: str) -> None:
    """Silence is ambiguous."""
    async with serving(silent) as peer, client_of(peer.port) as client:
        assert await failure_of(client, method, connect=SHORT, read=SHORT) == maybe(Reason.TIMEOUT_READ)
        assert (len(peer.requests), peer.connections) == (1, 1)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("behave", "body", "reason"),
    [
        (deaf, b" " * 15 * 1024 * 1024, Reason.TIMEOUT_READ),
        (dripping, BODY, Reason.TIMEOUT_TOTAL),
        (late_bad_chunk, BODY, Reason.TIMEOUT_TOTAL),
    ],
)
async def test_no_request_outlives_its_two_timeouts_together(behave: Behaviour, body: bytes, reason: Reason) -> None:
    """A peer that takes the body too slowly, or answers too slowly, ends at connect + read seconds."""
    async with serving(behave) as peer, client_of(peer.port) as client:
        started = asyncio.get_running_loop().time()
        failure = await failure_of(client, "POST", body=body, connect=4 * SHORT, read=2 * SHORT)
        assert failure == maybe(reason)
        assert asyncio.get_running_loop().time() - started >= 6 * SHORT
        assert (len(peer.requests), peer.connections) == (1, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refused_connection_proves_that_nothing_was_sent(method: str) -> None:
    """A port that is taken and does not listen refuses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with client_of(taken.getsockname()[1]) as client:
            assert await failure_of(client, method) == never(Reason.CONNECT_REFUSED)


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_connection_in_time_proves_that_nothing_was_sent(method: str) -> None:
    """A listener whose queue is full lets the next one wait (Linux)."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        first.connect(listener.getsockname())
        async with client_of(listener.getsockname()[1]) as client:
            assert await failure_of(client, method, connect=SHORT) == never(Reason.TIMEOUT_CONNECT)


@pytest.mark.anyio
async def test_waiting_for_a_free_connection_counts_as_connecting() -> None:
    """More requests at once than `max_connections`: the one too many is not sent, and a cancelled one makes room."""
    async with (
        serving(silent) as peer,
        client_of(peer.port, connections=1) as client,
        anyio.create_task_group() as group,
    ):
        group.start_soon(client.get, "/first")
        await peer.arrived.wait()
        assert await failure_of(client, "POST", connect=SHORT) == never(Reason.TIMEOUT_CONNECT)
        group.cancel_scope.cancel()
    async with serving(silent) as peer, client_of(peer.port, connections=1) as client:
        with anyio.move_on_after(SHORT):
            await client.get("/cancelled")
        assert await failure_of(client, "POST", connect=SHORT, read=SHORT) == maybe(Reason.TIMEOUT_READ)
        assert peer.connections == 2


@pytest.mark.anyio
async def test_an_unknown_host_is_told_from_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name may be wrong in the settings."""

    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with client_of(80, host="scicat.invalid") as client:
        for method in ("GET", "POST"):
            failure = await failure_of(client, method)
            assert failure == never(Reason.NAME_RESOLUTION)
            assert failure.blames_configuration


@pytest.mark.anyio
async def test_a_header_that_http_forbids_is_not_sent() -> None:
    """A token with a line break in it fails before the connection, and does not stand in the message."""
    async with serving(after_accept) as peer, client_of(peer.port) as client:
        with pytest.raises(httpx.LocalProtocolError, match=r"bad_request.*authorization") as caught:
            await client.get("/", headers={"authorization": "Bearer secret\n"})
        assert "secret" not in str(caught.value)
        assert classify_exception(caught.value) == never(Reason.BAD_REQUEST)
        assert peer.connections == 0


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nothing_is_repeated_on_a_connection_that_was_used_before(method: str) -> None:
    """Left alone, aiohttp would send the GET again on a new connection."""

    async def once(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.request(reader)
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
        await peer.request(reader)

    async with serving(once) as peer, client_of(peer.port) as client:
        assert (await client.get("/")).json() == {}
        assert await failure_of(client, method) == maybe(Reason.DISCONNECTED)
        assert (len(peer.requests), peer.connections) == (2, 1)


@pytest.mark.anyio
async def test_an_answer_that_does_not_unpack_is_ambiguous() -> None:
    """The failure comes from httpx itself, after the transport."""
    garbage = answering(HEAD, b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")
    async with serving(garbage) as peer, client_of(peer.port) as client:
        with pytest.raises(httpx.DecodingError) as caught:
            await client.post("/", content=BODY)
        assert classify_exception(caught.value) == maybe(Reason.BAD_ANSWER)


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_before_the_body_was_read_is_an_answer(method: str) -> None:
    """A server may refuse a large body by its length."""

    async def refuse(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.head(reader)
        writer.write(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\n{}")
        await peer.over.wait()

    async with serving(refuse) as peer, client_of(peer.port) as client:
        response = await client.request(method, "/", content=b" " * 15 * 1024 * 1024 if method == "POST" else None)
        assert (response.status_code, len(peer.requests)) == (413, 1)


@pytest.mark.anyio
async def test_the_bare_transport_is_classified_by_its_causes() -> None:
    """It calls both of these ConnectTimeout; should it change its mind, this module has less to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with httpx.AsyncClient(transport=AiohttpTransport()) as client, serving(after_request) as peer:
            with pytest.raises(httpx.ConnectTimeout) as refused:
                await client.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", content=BODY)
            with pytest.raises(httpx.ConnectTimeout) as lost:
                await client.post(f"http://127.0.0.1:{peer.port}/", content=BODY)
    assert classify_exception(refused.value) == never(Reason.CONNECT_REFUSED)
    assert classify_exception(lost.value) == maybe(Reason.DISCONNECTED)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("x"), never(Reason.CONNECT_FAILED)),
        (httpx.PoolTimeout("x"), never(Reason.TIMEOUT_CONNECT)),
        (httpx.InvalidURL("x"), never(Reason.BAD_REQUEST)),
        (httpx.WriteError("x"), maybe(Reason.DISCONNECTED)),
        (httpx.ReadTimeout("x"), maybe(Reason.TIMEOUT_TOTAL)),
        (httpx.RemoteProtocolError("x"), maybe(Reason.BAD_ANSWER)),
        (aiohttp.ClientError("x"), maybe(Reason.UNKNOWN)),
        (RuntimeError("x"), maybe(Reason.UNKNOWN)),
        (asyncio.CancelledError(), maybe(Reason.UNKNOWN)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_proves_nothing_may_have_been_sent(error: BaseException, expected: TransportFailure) -> None:
    """Errors of other transports (a test's MockTransport), and what is not known at all."""
    assert classify_exception(error) == expected
