"""The HTTP transport: httpx's API over aiohttp's connections, without their traps.

httpx's own connection pool costs CPU time that grows with the number of connections. The `httpx-aiohttp` package calls
most failures `httpx.ConnectTimeout`, also when the request had been received; lets aiohttp's own errors escape; has no
limit on the time of sending; and repeats a GET by itself. Here is what callers get::

    httpx.HTTPError
    ├── ConnectError          nothing was sent: refused, unreachable, unknown name, TLS
    ├── ConnectTimeout        nothing was sent: no connection in time
    ├── UnsupportedProtocol   nothing was sent: no address that can be used
    ├── LocalProtocolError    nothing was sent: a header that HTTP does not allow
    ├── ReadTimeout           may have been received: no whole answer in time
    ├── ReadError             may have been received: the connection broke, or the answer is incomplete
    ├── RemoteProtocolError   may have been received: the peer hung up before the answer, or what it answered is no HTTP
    └── DecodingError         may have been received: the answer is not compressed as it says

The causes are kept in `__cause__`; `transport_failure.classify_exception` reads them. One call is one request on the
wire: nothing is repeated, no redirect is followed, no cookie is kept, and no proxy or password is taken from the
environment.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import quote

import aiohttp
import httpx
import yarl

from scicat_ingest.deliver.transport_failure import Reason, find_source, translate
from scicat_ingest.deliver.wire import WireRequest
from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from scicat_ingest.deliver.wire import WireAnswer

IDLE_SECONDS = 4.0
"""How long an unused connection is kept: less than the 5 s after which SciCat's server (Node) closes it."""

_PIECE_BYTES = 64 * 1024
_LARGE_BODY_BYTES = 1024 * 1024
"""Above this aiohttp warns that one write blocks the event loop (its TOO_LARGE_BYTES_BODY): it gets pieces instead."""
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What aiohttp refuses in a header, with a bare ValueError (its http_writer)."""
_LONGEST_URL = 65_536
_NEVER_REPEATED = frozenset({"POST", "PATCH"})
"""By aiohttp: what it knows to be idempotent it repeats, unless `_send_once` keeps it from that."""


def path_segment(pid: str) -> str:
    """Give an identifier as one segment of a URL's path, percent-encoded exactly once.

    Raises ValueError for "", "." and ".." (they vanish from a path, and the request would go to another route), and for
    half of a surrogate pair.
    """
    if pid in ("", ".", ".."):
        raise ValueError(f"{pid!r} cannot stand in a URL")
    return quote(pid, safe="")


def open_connections(
    *, max_connections: int, ca_file: Path | None = None, idle_seconds: float = IDLE_SECONDS
) -> Connections:
    """Give the way to one server; use it as `async with`. See `open_http_client` for what it takes and raises."""
    context = tls_context(ca_file, "scicat.ca_file")

    def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=max_connections, keepalive_timeout=idle_seconds, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    return Connections(open_session)


def open_http_client(
    *,
    base_url: str,
    max_connections: int,
    user_agent: str,
    ca_file: Path | None = None,
    connect_timeout_seconds: float = 5.0,
    read_timeout_seconds: float = 30.0,
    idle_seconds: float = IDLE_SECONDS,
) -> httpx.AsyncClient:
    """Give a client for one server; use it as `async with`.

    `base_url` may have a path, which goes before every request's. `max_connections` must be at least the number of
    requests that the caller has under way: one more waits inside, in its connect timeout. `ca_file` (PEM) replaces the
    system's certificates (which OpenSSL's SSL_CERT_FILE and SSL_CERT_DIR may set).

    A request's own `timeout=httpx.Timeout(read, connect=…)`, in seconds, overrides the defaults here: `connect` is for
    all that comes before the first byte is sent, `connect + read` for everything up to the answer's last byte; `write`
    and `pool` mean nothing. Answers are read whole, also with `stream()`.

    Requests raise httpx.HTTPError as drawn above, and httpx.InvalidURL for a URL over 65 536 characters.
    Raises InvalidSettings for a URL that cannot be used and for certificates that cannot be read.
    """
    return httpx.AsyncClient(
        base_url=base_url_of(base_url),
        transport=_HttpxTransport(
            open_connections(max_connections=max_connections, ca_file=ca_file, idle_seconds=idle_seconds)
        ),
        timeout=httpx.Timeout(read_timeout_seconds, connect=connect_timeout_seconds),
        headers={"user-agent": user_agent},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        follow_redirects=False,
        trust_env=False,
    )


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a GET on a new connection when the server hangs up (aiohttp issue 10790).

    It would pass our limits by. aiohttp repeats after these two errors only, and not after their parent.
    """
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientError("not repeated") from error


class Received(NamedTuple):
    """An answer as it came."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


def _unpacked(answer: Received) -> httpx.Response:
    headers = [(_raw(name), _raw(text)) for name, text in answer.headers.items()]
    return httpx.Response(answer.status_code, headers=headers, content=answer.content)


def _raw(text: str) -> bytes:
    """Give a part of a header as it came; a proxy's may be in any encoding, and aiohttp has read it like this."""
    return text.encode("utf-8", "surrogateescape")


class Connections:
    """Sends one request and receives the whole answer, both in time; every failure is an httpx.TransportError.

    Obeys `wire.Wire`.
    """

    def __init__(self, open_session: Callable[[], aiohttp.ClientSession]) -> None:
        self._open_session = open_session
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: WireRequest) -> WireAnswer:
        """Send it once and receive the whole answer, without any Content-Encoding."""
        answer = await self.receive(request)
        return _unpacked(answer) if "content-encoding" in answer.headers else answer

    async def receive(self, request: WireRequest) -> Received:
        """Send it once and receive the whole answer as it is."""
        if self._session is None:
            self._session = self._open_session()  # needs the running loop
        timeout, deadline = _timeouts_of(request.connect_seconds, request.read_seconds)
        answer = None
        try:
            async with asyncio.timeout(deadline):
                answer = await self._session.request(
                    request.method,
                    _url(request.url),
                    headers=_headers(request),
                    data=_body(request.content),
                    allow_redirects=False,
                    auto_decompress=False,
                    timeout=timeout,
                    middlewares=() if request.method in _NEVER_REPEATED else (_send_once,),
                )
                content = await answer.read()  # which gives the connection back, or closes it
        except aiohttp.ClientError as error:
            source = find_source(error) or error
            raise translate(source) from source
        except TimeoutError as error:
            if answer is None:
                silence = aiohttp.ServerTimeoutError()
                raise httpx.ReadTimeout(f"{Reason.TIMEOUT_READ}: no answer within {deadline} s") from silence
            raise httpx.ReadTimeout(f"{Reason.TIMEOUT_TOTAL}: no whole answer within {deadline} s") from error
        return Received(answer.status, answer.headers, content)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Self:
        """Close it at the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self.aclose()


class _HttpxTransport(httpx.AsyncBaseTransport):
    """The same for an httpx.AsyncClient."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions.get("timeout", {})
        answer = await self._connections.receive(
            WireRequest(
                method=request.method,
                url=str(request.url),
                headers=dict(request.headers),
                content=request.content,
                connect_seconds=timeouts.get("connect"),
                read_seconds=timeouts.get("read"),
            )
        )
        return _unpacked(answer)

    async def aclose(self) -> None:
        await self._connections.aclose()


def _body(content: bytes) -> aiohttp.BytesPayload | AsyncIterator[bytes] | None:
    if len(content) > _LARGE_BODY_BYTES:
        return _pieces(content)
    return aiohttp.BytesPayload(content) if content else None


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """Give a large body piece by piece, so that the event loop and the peer can keep up."""
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


def _headers(request: WireRequest) -> Mapping[str, str]:
    headers = _checked(tuple(request.headers.items()))
    if len(request.content) > _LARGE_BODY_BYTES:
        return {**headers, "content-length": str(len(request.content))}
    return headers


@lru_cache(16)  # most requests have the same ones as another
def _checked(headers: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    for name, value in headers:
        if _CONTROL.search(name + value):
            raise httpx.LocalProtocolError(f"{Reason.BAD_REQUEST}: a control character in header {name!r}")
    return dict(headers)


@lru_cache(16)
def _timeouts_of(connect: float | None, read: float | None) -> tuple[aiohttp.ClientTimeout, float | None]:
    # aiohttp's `connect` is all that comes before the request: a free place, the name, TCP, TLS
    timeout = aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, sock_read=None)
    return timeout, None if connect is None or read is None else connect + read


@lru_cache(64)  # most requests go to one of four
def _url(url: str) -> yarl.URL:
    if len(url) > _LONGEST_URL:
        raise httpx.InvalidURL(f"it has {len(url)} characters, at most {_LONGEST_URL} are taken")
    return yarl.URL(url, encoded=True)


def base_url_of(base_url: str) -> str:
    """Give it without a slash at its end. Raises InvalidSettings for what cannot be used."""
    try:
        url = httpx.URL(base_url)
        url.host.encode("idna")  # as the resolver does, which raises a bare UnicodeError
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InvalidSettings(f"scicat.url is no URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host or (url.port or 1) > 65535:
        raise InvalidSettings("scicat.url must begin with http:// or https:// and name a host")
    if url.userinfo or url.query or url.fragment:
        raise InvalidSettings("scicat.url must have no user name, password, query or fragment")
    return base_url.rstrip("/")


def tls_context(ca_file: Path | None, setting: str) -> ssl.SSLContext:
    """Trust the certificates of `ca_file`, else the system's. Raises InvalidSettings that names the setting."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # also ssl.SSLError: no certificates in it
        raise InvalidSettings(f"{setting} {ca_file} cannot be used: {error}") from None
