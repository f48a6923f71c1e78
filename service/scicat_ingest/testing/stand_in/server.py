"""The stand-in's network side: one handler that every request goes through, on a real socket."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs

from scicat_ingest.testing.failures.control import Control
from scicat_ingest.testing.failures.replies import JSON, Reply
from scicat_ingest.testing.failures.run import Arrived
from scicat_ingest.testing.failures.stage import Stage
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
    from collections import Counter
    from collections.abc import Mapping
    from types import TracebackType

    from aiohttp import web

    from scicat_ingest.testing.failures.run import FailureReport
    from scicat_ingest.testing.failures.script import FailureScript
    from scicat_ingest.testing.stand_in.accounts import Account

JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})
UNKNOWN_ROUTE = "unknown"


class StandIn:
    """A SciCat made for tests and demonstrations, in this process, on a real socket.

        async with StandIn(port=0) as stand_in:
            ...  # stand_in.url

    Takes a StandInConfig, single choices by name, or both. `start` and `stop` may alternate: the port and the documents
    stay, so that a stop is an outage. `close` ends it for good; leaving `async with` does both.

    `store` shows what is stored; `requests` counts by route ("POST /api/v3/datasets"), `answers` by route and status. A
    route is counted when its request has arrived, an answer before it is sent; one that is lost on purpose is not.

    Failures (`set_failures`, `crash`) befall what comes over the socket; `answer` knows none of them.
    """

    def __init__(self, config: StandInConfig | None = None, **choices: Any) -> None:
        self.config = replace(config or StandInConfig(), **choices)
        self.store = Store(self.config.database)
        self.crashed = asyncio.Event()
        self._backend = Backend(self.config, self.store, self.store.secret(), self.config.clock())
        self._routes = all_routes()
        self._stage = Stage(
            self._serve,
            host=self.config.host,
            port=self.config.port,
            keep_alive=self.config.keep_alive,
            clock=self.config.clock,
            failures=self.config.failures,
        )
        port = self.config.control_port
        self._control = None if port is None else Control(self._stage, self.config.host, port)
        seed(self._backend)

    @property
    def port(self) -> int:
        """Where it listens, or listened; 0 before the first start on a free port."""
        return self._stage.listener.port

    @property
    def url(self) -> str:
        """The address without a path: `http://127.0.0.1:PORT`."""
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
        """The script of failures, and what it has done since it was set."""
        return self._stage.failures

    def set_failures(self, script: FailureScript | None) -> None:
        """Follow a script from now on; None ends all failures but a crash."""
        self._stage.set_failures(script)

    def account(self, username: str) -> Account:
        """Return the account of that name. Raises KeyError if there is none."""
        return self.config.account(username)

    # Its life

    async def start(self) -> Self:
        """Listen, also after a stop or a crash. Raises OSError if a port is taken."""
        await self._stage.listener.start()
        if self._control is not None:
            await self._control.start()
        return self

    async def stop(self) -> None:
        """Stop listening and close every connection; documents and port are kept, and the control stays."""
        await self._stage.listener.stop()

    def crash(self, restart_after: float | None = None) -> None:
        """Hang up on everybody and stop listening; listen again after so many seconds, if given."""
        self._stage.listener.crash(restart_after)

    async def close(self) -> None:
        """Stop, and close the database."""
        await self.stop()
        if self._control is not None:
            await self._control.close()
        self.store.close()

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

    # One request

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request: the one place that everything goes through, where failures are staged.

        Which route it is is known before anything is done, and the answer before anything of it is sent.
        """
        found = find_route(self._routes, request.method, request.raw_path.partition("?")[0])
        name = found[0].name if found else UNKNOWN_ROUTE
        self.requests[name] += 1
        body = await self._read(request)
        content = body if isinstance(body, bytes) else b""
        arrived = Arrived(name, request.method, request.raw_path, content)
        return await self._stage.respond(request, arrived, partial(self._reply, request, body), self._headers(request))

    async def _read(self, request: web.BaseRequest) -> bytes | Answer:
        """Return the body; the answer if it is refused, which comes before all other refusals."""
        try:
            unpacking = Unpacking(request.headers.get("Content-Encoding", ""), self.config.max_body_bytes)
            async for chunk in request.content.iter_any():
                unpacking.feed(chunk)
        except Refusal as refusal:
            return refusal.answer
        return unpacking.body

    async def _reply(self, request: web.BaseRequest, body: bytes | Answer) -> Reply:
        """Carry a request out."""
        if isinstance(body, Answer):
            answer = body
        else:
            answer = self.answer(request.method, request.raw_path, request.headers, body)
        once_sent = self._die if answer.crash else None
        if answer.body is NO_BODY:
            return Reply(answer.status, once_sent=once_sent)
        return Reply(answer.status, (("Content-Type", JSON),), json_text.write(answer.body), once_sent)

    def answer(self, method: str, raw_path: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Answer a request whose body has come, without the network; nothing is counted, nothing fails on purpose.

        The refusals come in the backend's order: route, guard, type of content, the route's own.
        """
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

    def _headers(self, request: web.BaseRequest) -> Mapping[str, str]:
        headers = {"Date": self._backend.http_date(), "X-Powered-By": "Express"}
        if request.keep_alive:
            headers |= {"Connection": "keep-alive", "Keep-Alive": f"timeout={self.config.keep_alive:g}"}
        return headers

    def _die(self) -> None:
        self.crash()
        self.crashed.set()


def _query(text: str) -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in parse_qs(text, keep_blank_values=True).items()}
