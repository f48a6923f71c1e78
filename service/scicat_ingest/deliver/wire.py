"""One request and its whole answer over an httpx transport, without what `httpx.AsyncClient` puts around it.

The client's redirects, cookies, authentication and hooks are of no use here, and cost 0.13 ms of each request
(docs/performance.md).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx

from scicat_ingest.deliver.transport import base_url_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class Wire:
    """Sends requests to one server."""

    def __init__(self, transport: httpx.AsyncBaseTransport, base_url: str, user_agent: str) -> None:
        """`base_url` may have a path, which goes before every request's. Raises InvalidSettings if it is none."""
        self._transport = transport
        self._base_url = base_url_of(base_url)
        self._headers = {"user-agent": user_agent, "accept": "application/json", "accept-encoding": "gzip, deflate"}
        self._url = lru_cache(64)(self._parse_url)  # most requests go to one of four

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None,
        content: bytes,
        headers: Mapping[str, str],
        timeouts: dict[str, float | None],
    ) -> httpx.Response:
        """Send it once and read the whole answer. Raises httpx.HTTPError as `transport` says, and httpx.InvalidURL."""
        request = httpx.Request(
            method,
            self._url(path),
            params=params,
            content=content or None,
            headers={**self._headers, **headers},
            extensions={"timeout": timeouts},
        )
        response = await self._transport.handle_async_request(request)
        if not response.is_closed:  # our own transport has read it
            await response.aread()
        return response

    def _parse_url(self, path: str) -> httpx.URL:
        return httpx.URL(self._base_url + path)
