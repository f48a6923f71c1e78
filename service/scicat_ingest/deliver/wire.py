"""What the client says to whatever carries its requests: plain values, one request and its whole answer.

`transport.Connections` carries them to a server. httpx's own objects cost 0.05 ms for each request and its answer, so
they are made only for those who want `httpx.AsyncClient` (docs/performance.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class WireRequest(NamedTuple):
    """A request."""

    method: str
    url: str
    """All of it, percent-encoded."""
    headers: Mapping[str, str]
    content: bytes = b""
    connect_seconds: float | None = None
    """How long all may take that comes before the first byte is sent; None: for ever."""
    read_seconds: float | None = None
    """How long all may take that comes afterwards, and what connecting has left of its own time."""


class WireAnswer(Protocol):
    """An answer that was received to its end: ours, or an httpx.Response."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, in whatever case."""
        ...

    @property
    def content(self) -> bytes:
        """The body, without any Content-Encoding."""
        ...


class Wire(Protocol):
    """Carries requests to one server."""

    async def send(self, request: WireRequest) -> WireAnswer:
        """Send it once and receive the whole answer. Raises httpx.HTTPError (see `transport`), httpx.InvalidURL."""
        ...
