"""Failures told over HTTP: a listener of its own, which never fails and stays up through crashes.

- `GET /_failures`: the script, and what it has done.
- `PUT /_failures`: follow this script from now on; 400 with the reason if it is wrong.
- `DELETE /_failures`: end all failures; answers what had been done.
- `POST /_failures/crash`: hang up on everybody and stop listening; `{"restart_after": SECONDS}` is optional.
- `POST /_failures/start`: listen again.
- `GET /_counts`: requests by route, answers by route and status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import ValidationError

from scicat_ingest.testing.failures.actions import Crash
from scicat_ingest.testing.failures.script import InvalidScript, parse_script

if TYPE_CHECKING:
    from scicat_ingest.testing.failures.stage import Stage

MAX_SCRIPT_BYTES = 16 * 1024 * 1024


class Control:
    """The control of one stage. `port` 0 takes a free one."""

    def __init__(self, stage: Stage, host: str, port: int) -> None:
        self._stage = stage
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen, if it does not. Raises OSError if the port is taken."""
        if self._runner is not None:
            return
        runner = web.AppRunner(self._app(), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_SCRIPT_BYTES)
        app.add_routes(
            [
                web.get("/_failures", self._get),
                web.put("/_failures", self._put),
                web.delete("/_failures", self._delete),
                web.post("/_failures/crash", self._crash),
                web.post("/_failures/start", self._start),
                web.get("/_counts", self._counts),
            ]
        )
        return app

    async def _get(self, _: web.Request) -> web.Response:
        return web.json_response(self._report())

    async def _put(self, request: web.Request) -> web.Response:
        try:
            script = parse_script(await request.read())
        except InvalidScript as error:
            return web.json_response({"message": str(error)}, status=400)
        self._stage.set_failures(script)
        return web.json_response(self._report())

    async def _delete(self, _: web.Request) -> web.Response:
        report = self._report()
        self._stage.set_failures(None)
        return web.json_response(report)

    async def _crash(self, request: web.Request) -> web.Response:
        try:
            crash = Crash.model_validate_json(await request.read() or b"{}")
        except ValidationError:
            message = 'expected no body, or an object such as {"restart_after": 2}'
            return web.json_response({"message": message}, status=400)
        self._stage.listener.crash(crash.restart_after)
        return web.json_response(self._report())

    async def _start(self, _: web.Request) -> web.Response:
        try:
            await self._stage.listener.start()
        except OSError as error:
            return web.json_response({"message": f"cannot listen: {error.strerror}"}, status=409)
        return web.json_response(self._report())

    async def _counts(self, _: web.Request) -> web.Response:
        answers: dict[str, dict[str, int]] = {}
        for (route, status), number in sorted(self._stage.answers.items()):
            answers.setdefault(route, {})[str(status)] = number
        return web.json_response({"requests": dict(sorted(self._stage.requests.items())), "answers": answers})

    def _report(self) -> dict[str, Any]:
        failures = self._stage.failures.model_dump(mode="json", exclude_none=True)
        return {"up": self._stage.listener.up, **failures}
