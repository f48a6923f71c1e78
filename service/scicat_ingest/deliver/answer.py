"""What SciCat answered, read defensively: error bodies are objects, JSON strings, or nothing at all."""

from __future__ import annotations

import json
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from scicat_ingest.deliver.bodies import parse

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.deliver.wire import WireAnswer

_EXCERPT = 500
_LARGEST_MESSAGE = 16 * 1024
"""Bytes of the largest body whose values are read as a message."""
_LONGEST_RETRY_AFTER = 3600.0
"""Seconds; a server that asks for more is looked at again after an hour."""


class Answer(NamedTuple):
    """An HTTP answer of the catalogue."""

    status: int
    body: Any
    """The JSON value; None when the body is empty or no JSON."""
    message: str
    """What the body says for people, at most 500 characters; nothing where it is the document that was asked for."""
    retry_after: float | None
    """Seconds that the server asks us to wait."""
    server_time: datetime | None
    """The server's clock (Date header)."""
    weight: int
    """Size of the body in bytes."""

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def document(self) -> dict[str, Any] | None:
        """The body, if it is a JSON object."""
        return self.body if isinstance(self.body, dict) else None


def read_answer(response: WireAnswer) -> Answer:
    """Read what was received."""
    try:
        body = parse(response.content) if response.content else None
    except (ValueError, RecursionError):
        body = None
    server_time = _time(response.headers.get("date"))
    return Answer(
        status=response.status_code,
        body=body,
        message="" if response.status_code < 300 and isinstance(body, dict) else _message(body, response.content),
        retry_after=_seconds(response.headers.get("retry-after"), server_time),
        server_time=server_time,
        weight=len(response.content),
    )


def _message(body: Any, content: bytes) -> str:
    said = body.get("message", body) if isinstance(body, dict) else body
    if not isinstance(said, str) and len(content) > _LARGEST_MESSAGE:
        said = None  # a dataset with thousands of files: not worth writing out for an excerpt
    if isinstance(said, list):
        said = "; ".join(str(part) for part in said)
    if said is None:
        said = content[:_EXCERPT].decode("utf-8", "replace")
    text = said if isinstance(said, str) else json.dumps(said, default=str)
    return " ".join(text.split())[:_EXCERPT]


def _seconds(header: str | None, server_time: datetime | None) -> float | None:
    """Read Retry-After: seconds, or a date by the server's clock."""
    if header is not None and header.strip().isdecimal():
        return min(float(header), _LONGEST_RETRY_AFTER)
    moment = _time(header)
    if moment is None or server_time is None:
        return None
    return min(max((moment - server_time).total_seconds(), 0.0), _LONGEST_RETRY_AFTER)


@lru_cache(8)  # it tells seconds
def _time(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
