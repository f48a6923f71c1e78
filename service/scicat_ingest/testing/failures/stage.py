"""Where failures are staged on a real socket: every request goes through `Stage.respond`."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from aiohttp import web
from multidict import CIMultiDict

from scicat_ingest.testing.failures.actions import Crash, Cut, HalfJson, SlowDrip
from scicat_ingest.testing.failures.listener import Listener
from scicat_ingest.testing.failures.replies import staged_reply
from scicat_ingest.testing.failures.run import ScriptRun
from scicat_ingest.testing.failures.script import NO_FAILURES, FailureScript

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scicat_ingest.testing.failures.actions import Action
    from scicat_ingest.testing.failures.replies import Reply
    from scicat_ingest.testing.failures.run import Arrived, FailureReport

NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST."""
DRIPS = 100
"""The most pieces that a slow answer comes in."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Stage:
    """A listener whose requests may fail on purpose, and what it has seen and said.

    `requests` counts by route, `answers` by route and status: what was sent or begun, whoever made it. An answer that
    was lost on purpose is not among them. `clock` times the script.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        host: str,
        port: int,
        keep_alive: float,
        clock: Callable[[], float],
        failures: FailureScript | None = None,
    ) -> None:
        self.listener = Listener(handler, host, port, keep_alive)
        self.requests: Counter[str] = Counter()
        self.answers: Counter[tuple[str, int]] = Counter()
        self._clock = clock
        self.set_failures(failures)

    @property
    def failures(self) -> FailureReport:
        """The script, and what it has done since it was set."""
        return self._run.report()

    def set_failures(self, script: FailureScript | None) -> None:
        """Follow a script from now on, its counts at zero; None ends all failures but a crash."""
        self._run = ScriptRun(script or NO_FAILURES, self._clock())

    async def respond(
        self,
        request: web.BaseRequest,
        arrived: Arrived,
        carry_out: Callable[[], Awaitable[Reply]],
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> web.StreamResponse:
        """Answer a request that has come as a whole, or let it fail; it is carried out at most once.

        `headers` are those that every answer has, a staged one too.
        """
        decision = self._run.decide(arrived, self._clock())
        carried_out = await carry_out() if decision.carries_out else None
        if decision.delay_seconds and not await self.listener.pause(decision.delay_seconds):
            _hang_up(request)
            return web.Response()
        staged = staged_reply(decision.action, arrived) if decision.action else None
        reply = staged or carried_out
        response: web.StreamResponse = web.Response()
        match decision.action:
            case Cut(do=kind):
                _hang_up(request, reset=kind.startswith("reset"))
            case Crash(restart_after=seconds):
                self.listener.crash(seconds)
            case action if reply is not None and request.transport is not None:
                self.answers[arrived.route, reply.status] += 1
                response = await self._send(request, reply, CIMultiDict([*headers.items(), *reply.headers]), action)
        if carried_out is not None and carried_out.once_sent is not None:
            await _finish(request, response)
            carried_out.once_sent()
        return response

    async def _send(
        self, request: web.BaseRequest, reply: Reply, headers: CIMultiDict[str], action: Action | None
    ) -> web.StreamResponse:
        """Return the answer; one that drips or breaks off has been sent."""
        match action:
            case SlowDrip(seconds=seconds):
                size = -(-len(reply.body) // DRIPS) or 1
                pieces = [reply.body[at : at + size] for at in range(0, len(reply.body), size)]
                return await self._stream(request, reply, headers, pieces, seconds)
            case HalfJson():
                half = reply.body[: len(reply.body) // 2]
                response = await self._stream(request, reply, headers, [half])
                _hang_up(request)
                return response
            case _:
                return web.Response(status=reply.status, headers=headers, body=reply.body or None)

    async def _stream(
        self,
        request: web.BaseRequest,
        reply: Reply,
        headers: CIMultiDict[str],
        pieces: list[bytes],
        seconds: float = 0.0,
    ) -> web.StreamResponse:
        """Send headers that promise the whole body, and pieces of it over so many seconds."""
        response = web.StreamResponse(status=reply.status, headers=headers)
        response.content_length = len(reply.body)
        with suppress(ConnectionError):  # the client may lose patience
            await response.prepare(request)
            for piece in pieces:
                if seconds and not await self.listener.pause(seconds / len(pieces)):
                    _hang_up(request)
                await response.write(piece)
        return response


async def _finish(request: web.BaseRequest, response: web.StreamResponse) -> None:
    with suppress(ConnectionError):  # it may be lost on purpose
        await response.prepare(request)
        await response.write_eof()


def _hang_up(request: web.BaseRequest, *, reset: bool = False) -> None:
    """Close the connection; what is written already still goes out, unless it is a reset."""
    transport = request.transport
    if transport is None:
        return
    if reset:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        transport.abort()
    else:
        transport.close()
