"""An HTTP server that keeps its port over stops, crashes and starts."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_LOG = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 1.0
"""How long an orderly stop waits for requests that are being answered."""


class Listener:
    """Listens for a handler. `start` and `stop` may alternate; a `crash` is a stop that asks nobody.

    `port` is where it listens or listened; 0 before the first start on a free port.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        host: str,
        port: int,
        keep_alive: float,
    ) -> None:
        self.host = host
        self.port = port
        self._handler = handler
        self._keep_alive = keep_alive
        self._runner: web.ServerRunner | None = None
        self._socket: asyncio.Server | None = None
        self._restart: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    @property
    def up(self) -> bool:
        """Whether it listens."""
        return self._socket is not None

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://{self.host}:{self.port}"

    async def start(self) -> None:
        """Listen, if it does not. Raises OSError if the port is taken."""
        await self._forget_restart()
        if not self.up:
            await self._listen()

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        await self._forget_restart()
        self._close_socket()
        await self._clean_up()

    def crash(self, restart_after: float | None = None) -> None:
        """Close the socket and every connection at once; listen again after so many seconds, if given."""
        self._close_socket()
        if self._runner is not None and self._runner.server is not None:
            for connection in self._runner.server.connections:
                connection.force_close()
        if self._restart is not None:
            self._restart.cancel()
        later = None if restart_after is None else self._start_after(restart_after)
        self._restart = None if later is None else asyncio.get_running_loop().create_task(later)

    async def pause(self, seconds: float) -> bool:
        """Wait; give False, at once, if it stops or crashes meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return True
        return False

    async def _listen(self) -> None:
        await self._clean_up()
        self._ended = asyncio.Event()
        server = web.Server(self._serve, keepalive_timeout=self._keep_alive, access_log=None, auto_decompress=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            self._socket = await asyncio.get_running_loop().create_server(
                server, self.host, self.port, start_serving=False
            )
        except OSError:
            await self._clean_up()
            raise
        self.port = self._socket.sockets[0].getsockname()[1]
        await self._socket.start_serving()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self.up and request.transport is not None:  # accepted just before a crash
            request.transport.close()
        return await self._handler(request) if self.up else web.Response()

    async def _start_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self._listen()
        except OSError as error:
            _LOG.error("cannot listen on %s:%d again: %s", self.host, self.port, error.strerror)

    async def _forget_restart(self) -> None:
        restart, self._restart = self._restart, None
        if restart is not None:
            restart.cancel()
            await asyncio.wait([restart])

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._ended.set()

    async def _clean_up(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
