"""Requests over an httpx transport, such as httpx.MockTransport, instead of real connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from scicat_ingest.deliver.wire import WireAnswer, WireRequest


class HttpxWire:
    """Obeys `deliver.wire.Wire`. Timeouts are the transport's own matter."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, request: WireRequest) -> WireAnswer:
        """Send it once."""
        response = await self._transport.handle_async_request(
            httpx.Request(request.method, request.url, headers=request.headers, content=request.content or None)
        )
        await response.aread()
        return response
