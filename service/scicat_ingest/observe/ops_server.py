"""Probes, metrics and the status page over HTTP, in threads of their own: nothing here waits for the event loop.

With a loop that hangs in Python code a thread still gets its turn within some milliseconds. Only C code that keeps the
GIL stops it, and then nothing in this process could answer.

One request a connection, MOST_CONNECTIONS at once, and each is over after CONNECTION_SECONDS: neither a slow nor a
silent client can use up more than that.
"""

from __future__ import annotations

import gzip
import json
import logging
import socketserver
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socket import AF_INET, AF_INET6, SHUT_RDWR, socket
from typing import TYPE_CHECKING, Any, Self

from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from scicat_ingest.observe.ops_access import Access
    from scicat_ingest.settings import OpsSettings

_LOG = logging.getLogger(__name__)

MOST_CONNECTIONS = 32
CONNECTION_SECONDS = 15.0
SWEEP_SECONDS = 0.5
"""How often connections are looked at, and how long `stop` may take."""
_GZIP_FROM_BYTES = 1000

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of each answer, unless it has its own."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    content_type: str
    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, document: Any, status: HTTPStatus = HTTPStatus.OK) -> Self:
        """Give a JSON document."""
        body = json.dumps(document, ensure_ascii=False).encode()
        return cls("application/json; charset=utf-8", body + b"\n", status)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that can be asked for."""

    get: Callable[[Mapping[str, str]], Reply]
    """Gives it, by the request's headers (names in lower case), in a thread of the server's."""
    open_to_all: bool = False
    """Whether it is given without the token."""


class OpsServer:
    """Serves resources by path, from `start` to `stop`."""

    def __init__(self, settings: OpsSettings, resources: Mapping[str, Resource], access: Access) -> None:
        self._settings = settings
        self._server = _Server(_Handling(resources, access), AF_INET6 if ":" in settings.host else AF_INET)
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(SWEEP_SECONDS,), name="ops", daemon=True)

    @property
    def address(self) -> str:
        """Where it listens: host:port."""
        host, port = self._server.server_address[:2]
        return f"[{host!s}]:{port}" if ":" in str(host) else f"{host!s}:{port}"

    def start(self) -> None:
        """Listen. Raises InvalidSettings when the address cannot be used."""
        settings = self._settings
        try:
            self._server.bind(settings.host, settings.port)
        except (OSError, OverflowError) as error:
            self._server.server_close()
            raise InvalidSettings(
                f"ops.host, ops.port: cannot listen on {settings.host}:{settings.port}: {error}",
                hint="is another one running here? set ops.port, or ops.enabled: off",
            ) from None
        self._thread.start()
        _LOG.info("probes, metrics and status page at http://%s/", self.address)

    def stop(self) -> None:
        """Listen no more; what is being answered is cut off."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, handling: _Handling, family: int) -> None:
        self.address_family = family
        self.handling = handling
        self._begun: dict[socket, float] = {}
        """Connections that are open, and since when."""
        super().__init__(("", 0), _Handler, bind_and_activate=False)

    def bind(self, host: str, port: int) -> None:
        self.server_address = (host, port)
        self.server_bind()
        self.server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self._begun) >= MOST_CONNECTIONS:
            self.shutdown_request(request)
            return
        self._begun[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._begun.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End the connections whose time is over: their threads' reads and writes fail then."""
        now = time.monotonic()
        for connection, begun in list(self._begun.items()):
            if now - begun > CONNECTION_SECONDS:
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (socketserver's)
        if isinstance(sys.exception(), OSError):
            _LOG.debug("a client of the ops server went away", exc_info=True)
        else:
            _LOG.exception("the ops server could not answer a request")


@dataclass(frozen=True, slots=True)
class _Handling:
    resources: Mapping[str, Resource]
    access: Access

    def reply(self, method: str, path: str, headers: Mapping[str, str]) -> Reply:
        """Answer a request."""
        resource = self.resources.get(path.partition("?")[0])
        if resource is None:
            return Reply.json({"error": "there is no such page", "pages": sorted(self.resources)}, HTTPStatus.NOT_FOUND)
        if method not in ("GET", "HEAD"):
            refusal = Reply.json({"error": "nothing can be changed here"}, HTTPStatus.METHOD_NOT_ALLOWED)
            return replace(refusal, headers=(("Allow", "GET, HEAD"),))
        if not resource.open_to_all and not self.access.allows(headers.get("authorization", "")):
            refusal = Reply.json({"error": "a token is needed"}, HTTPStatus.UNAUTHORIZED)
            ways = ("Bearer", 'Basic realm="scicat-ingest", charset="UTF-8"')
            return replace(refusal, headers=tuple(("WWW-Authenticate", way) for way in ways))
        return resource.get(headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "scicat-ingest"
    sys_version = ""
    timeout = CONNECTION_SECONDS
    server: _Server

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.handling.reply(self.command, self.path, headers)
        body = reply.body
        self.close_connection = True
        self.send_response(reply.status)
        given = dict(SECURITY_HEADERS)
        if len(body) >= _GZIP_FROM_BYTES and "gzip" in headers.get("accept-encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            given |= {"Content-Encoding": "gzip"}
        given |= {"Content-Type": reply.content_type, "Content-Length": str(len(body)), "Connection": "close"}
        own = {name for name, _ in reply.headers}
        for name, value in (*(each for each in given.items() if each[0] not in own), *reply.headers):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's)
        _LOG.debug("%s %s", self.address_string(), format % args)
