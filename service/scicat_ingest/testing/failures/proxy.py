"""A reverse proxy that lets requests fail on their way to any backend, a real SciCat too."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from scicat_ingest.testing.failures.control import Control
from scicat_ingest.testing.failures.replies import Reply
from scicat_ingest.testing.failures.run import Arrived
from scicat_ingest.testing.failures.stage import Stage
from scicat_ingest.testing.stand_in.exchange import Refusal
from scicat_ingest.testing.stand_in.routes import all_routes
from scicat_ingest.testing.stand_in.routing import find_route
from scicat_ingest.testing.stand_in.unpacking import Unpacking

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from aiohttp import web

    from scicat_ingest.testing.failures.run import FailureReport
    from scicat_ingest.testing.failures.script import FailureScript

HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers of one connection, and those that are written anew."""
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
UPSTREAM_SECONDS = 600.0
KEEP_ALIVE_SECONDS = 5.0
BAD_GATEWAY = Reply(
    502, (("Content-Type", "application/json; charset=utf-8"),), b'{"message":"Bad Gateway","statusCode":502}'
)


class FaultProxy:
    """Passes requests on to `upstream_url` and lets them fail as the script says.

        async with FaultProxy("http://127.0.0.1:3000", script) as proxy:
            ...  # proxy.url

    Routes have the stand-in's names; another path is `METHOD /path`. A crash is the proxy's own: the upstream runs on.
    An upstream that does not answer is a 502. Bodies pass as a whole, as they are packed; each request has a connection
    of its own to the upstream.
    """

    def __init__(
        self,
        upstream_url: str,
        failures: FailureScript | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstream = upstream_url.rstrip("/")
        self._routes = all_routes()
        self._stage = Stage(
            self._serve, host=host, port=port, keep_alive=KEEP_ALIVE_SECONDS, clock=clock, failures=failures
        )
        self._control = None if control_port is None else Control(self._stage, host, control_port)
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """The address without a path."""
        return self._stage.listener.url

    @property
    def control_url(self) -> str | None:
        """The address of the control; None if no port was chosen for it."""
        return self._control.url if self._control else None

    @property
    def requests(self) -> Counter[str]:
        """Requests by route."""
        return self._stage.requests

    @property
    def answers(self) -> Counter[tuple[str, int]]:
        """Answers by route and status."""
        return self._stage.answers

    @property
    def failures(self) -> FailureReport:
        """The script, and what it has done since it was set."""
        return self._stage.failures

    def set_failures(self, script: FailureScript | None) -> None:
        """Follow a script from now on; None ends all failures but a crash."""
        self._stage.set_failures(script)

    def crash(self, restart_after: float | None = None) -> None:
        """Hang up on everybody and stop listening; listen again after so many seconds, if given."""
        self._stage.listener.crash(restart_after)

    async def start(self) -> Self:
        """Listen, also after a stop or a crash. Raises OSError if a port is taken."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                auto_decompress=False,
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=(_send_once,),
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                timeout=aiohttp.ClientTimeout(total=UPSTREAM_SECONDS),
            )
        await self._stage.listener.start()
        if self._control is not None:
            await self._control.start()
        return self

    async def stop(self) -> None:
        """Stop listening; the control stays."""
        await self._stage.listener.stop()

    async def close(self) -> None:
        """Stop for good."""
        await self.stop()
        if self._control is not None:
            await self._control.close()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> Self:
        try:
            return await self.start()
        except OSError:
            await self.close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        found = find_route(self._routes, request.method, path)
        route = found[0].name if found else f"{request.method} {path}"
        self.requests[route] += 1
        body = await request.content.read()
        arrived = Arrived(route, request.method, request.raw_path, _unpacked(request.headers, body))
        return await self._stage.respond(request, arrived, partial(self._pass_on, request, body))

    async def _pass_on(self, request: web.BaseRequest, body: bytes) -> Reply:
        if self._session is None:
            return BAD_GATEWAY
        try:
            async with self._session.request(
                request.method,
                URL(self._upstream + request.raw_path, encoded=True),
                headers=_passed(request.headers),
                data=body or None,
                allow_redirects=False,
            ) as answer:
                return Reply(answer.status, _passed(answer.headers), await answer.read())
        except (aiohttp.ClientError, TimeoutError):
            return BAD_GATEWAY


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a GET when the server hangs up (aiohttp issue 10790).

    It repeats after these two errors only, and not after their parent.
    """
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _passed(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return tuple((name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP | named)


def _unpacked(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a body as its words can be looked for; one that is packed wrongly as it is."""
    try:
        unpacking = Unpacking(headers.get("Content-Encoding", ""), MAX_UNPACKED_BYTES)
        unpacking.feed(body)
    except Refusal:
        return body
    return unpacking.body
