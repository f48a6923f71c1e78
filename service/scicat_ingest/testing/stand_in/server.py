"""The stand-in's network side: one handler that every request goes through, on a real socket."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs

from aiohttp import web

from scicat_ingest.testing.stand_in import json_text
from scicat_ingest.testing.stand_in.backend import Backend
from scicat_ingest.testing.stand_in.config import StandInConfig
from scicat_ingest.testing.stand_in.exchange import (
    NO_BODY,
    Answer,
    Call,
    Refusal,
    forbidden_resource,
    internal_error,
    refuse,
)
from scicat_ingest.testing.stand_in.routes import all_routes
from scicat_ingest.testing.stand_in.routing import find_route
from scicat_ingest.testing.stand_in.store import Store
from scicat_ingest.testing.stand_in.surroundings import seed
from scicat_ingest.testing.stand_in.unpacking import Unpacking

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from scicat_ingest.testing.stand_in.accounts import Account

JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})
UNKNOWN_ROUTE = "unknown"
SHUTDOWN_SECONDS = 1.0
"""How long an orderly stop waits for requests that are being answered."""


class StandIn:
    """A SciCat made for tests and demonstrations, in this process, on a real socket.

        async with StandIn(port=0) as stand_in:
            ...  # stand_in.url

    Takes a StandInConfig, single choices by name, or both. `start` and `stop` may alternate: the port and the documents
    stay, so that a stop is an outage. `close` ends it for good; leaving `async with` does both.

    `store` shows what is stored; `requests` counts by route ("POST /api/v3/datasets"), `answers` by route and status. A
    route is counted when its request has arrived, an answer before it is sent.
    """

    def __init__(self, config: StandInConfig | None = None, **choices: Any) -> None:
        self.config = replace(config or StandInConfig(), **choices)
        self.store = Store(self.config.database)
        self.requests: Counter[str] = Counter()
        self.answers: Counter[tuple[str, int]] = Counter()
        self.crashed = asyncio.Event()
        self._backend = Backend(self.config, self.store, self.store.secret(), self.config.clock())
        self._routes = all_routes()
        self._port = self.config.port
        self._runner: web.ServerRunner | None = None
        self._listener: asyncio.Server | None = None
        seed(self._backend)

    @property
    def port(self) -> int:
        """Where it listens, or listened; 0 before the first start on a free port."""
        return self._port

    @property
    def url(self) -> str:
        """The address without a path: `http://127.0.0.1:PORT`."""
        return f"http://{self.config.host}:{self._port}"

    def account(self, username: str) -> Account:
        """Return the account of that name. Raises KeyError if there is none."""
        return self.config.account(username)

    # Its life

    async def start(self) -> Self:
        """Listen. Raises OSError if the port is taken."""
        server = web.Server(
            self._serve, keepalive_timeout=self.config.keep_alive, access_log=None, auto_decompress=False
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            self._listener = await asyncio.get_running_loop().create_server(server, self.config.host, self._port)
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._listener.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Stop listening and close every connection; documents and port are kept for the next start."""
        if self._listener is not None:
            self._listener.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._listener = self._runner = None

    async def close(self) -> None:
        """Stop, and close the database."""
        await self.stop()
        self.store.close()

    async def __aenter__(self) -> Self:
        try:
            return await self.start()
        except OSError:
            self.store.close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # One request

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request: the one place that everything goes through, where failures can be staged.

        Which route it is is known before anything is done, and the answer before anything of it is sent.
        """
        found = find_route(self._routes, request.method, request.raw_path.partition("?")[0])
        name = found[0].name if found else UNKNOWN_ROUTE
        self.requests[name] += 1
        answer = await self._answer(request)
        self.answers[name, answer.status] += 1
        response = self._response(request, answer)
        if answer.crash:
            await response.prepare(request)
            await response.write_eof()
            self._crash()
        return response

    async def _answer(self, request: web.BaseRequest) -> Answer:
        """Return the answer, with the backend's order of refusals: body, route, guard, type of content, route's own."""
        try:
            unpacking = Unpacking(request.headers.get("Content-Encoding", ""), self.config.max_body_bytes)
            async for chunk in request.content.iter_any():
                unpacking.feed(chunk)
            return self.answer(request.method, request.raw_path, request.headers, unpacking.body)
        except Refusal as refusal:
            return refusal.answer

    def answer(self, method: str, raw_path: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Answer a request whose body has come, without the network; nothing is counted."""
        lower = {key.lower(): value for key, value in headers.items()}
        try:
            is_json = lower.get("content-type", "").partition(";")[0].strip().lower() in JSON_TYPES
            body = json_text.read_body(content) if is_json else None
            path, _, query_text = raw_path.partition("?")
            found = find_route(self._routes, method, path)
            if found is None:
                raise refuse(404, f"Cannot {method} {raw_path}")
            route, parameters = found
            query = _query(query_text)
            authorization = lower.get("authorization") or next(iter(query.get("access_token", ())), None)
            user = self._backend.user_of(authorization)
            if not route.guard(self._backend.rights(user)):
                raise forbidden_resource()
            if route.reads_body and not is_json:
                raise internal_error()
            return route.handler(self._backend, Call(method, parameters, query, lower, user, body))
        except Refusal as refusal:
            return refusal.answer

    def _response(self, request: web.BaseRequest, answer: Answer) -> web.Response:
        headers = {"Date": self._backend.http_date(), "X-Powered-By": "Express"}
        if request.keep_alive:
            headers |= {"Connection": "keep-alive", "Keep-Alive": f"timeout={self.config.keep_alive:g}"}
        if answer.body is NO_BODY:
            return web.Response(status=answer.status, headers=headers)
        return web.Response(
            status=answer.status,
            body=json_text.write(answer.body),
            content_type="application/json",
            charset="utf-8",
            headers=headers,
        )

    def _crash(self) -> None:
        if self._listener is not None:
            self._listener.close()
        if self._runner is not None and self._runner.server is not None:
            for connection in self._runner.server.connections:
                connection.force_close()
        self.crashed.set()


def _query(text: str) -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in parse_qs(text, keep_blank_values=True).items()}
