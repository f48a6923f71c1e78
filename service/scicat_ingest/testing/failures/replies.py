"""An answer without the network, and the answers that failures give in SciCat's place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.testing.failures.actions import Action, Outage, Refuse, Status, TooMany, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.testing.failures.run import Arrived

JSON = "application/json; charset=utf-8"
FORBIDDEN = {"message": "Forbidden resource", "error": "Forbidden", "statusCode": 403}
INTERNAL_ERROR = "Internal server error"
DATABASE_DOWN = {"mongodb": {"status": "down"}}


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, headers and a body. `once_sent` is called when the answer is out, or lost on purpose."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    once_sent: Callable[[], None] | None = None


def staged_reply(action: Action, request: Arrived) -> Reply | None:
    """Return what an action answers in the backend's place; None if the action is none that answers."""
    reply: Reply | None = None
    match action:
        case Refuse(do="forbidden_outage"):
            reply = _json(403, FORBIDDEN)
        case Refuse():
            reply = _json(500, INTERNAL_ERROR)
        case TooMany(retry_after=seconds):
            reply = _gateway(429, "Too Many Requests", seconds)
        case Unavailable(retry_after=seconds):
            reply = _gateway(503, "Service Unavailable", seconds)
        case Status(body=None):
            reply = Reply(action.status)
        case Status(content_type=kind, body=body):
            text = body if isinstance(body, str) and "json" not in kind else json.dumps(body)
            reply = Reply(action.status, (("Content-Type", kind),), text.encode())
        case Outage():
            reply = reply_without_database(request)
    return reply


def reply_without_database(request: Arrived) -> Reply:
    """Return what SciCat answers while MongoDB is down.

    Reading a token needs the database and its error is swallowed, so that every caller is nobody: where a token is
    needed that is 403, and whoami is empty. What needs none is 500.
    """
    path = request.path.partition("?")[0].rstrip("/").lower()
    if path.endswith("/health"):
        body = {"status": "error", "info": {}, "error": DATABASE_DOWN, "details": DATABASE_DOWN}
        return _json(503, body)
    if path.endswith("/auth/whoami"):
        return Reply(200)
    if path.endswith("/login") or (request.method == "GET" and not path.startswith("/api/v4/")):
        return _json(500, INTERNAL_ERROR)
    return _json(403, FORBIDDEN)


def _json(status: int, body: Any, *more: tuple[str, str]) -> Reply:
    return Reply(status, (("Content-Type", JSON), *more), json.dumps(body, separators=(",", ":")).encode())


def _gateway(status: int, message: str, retry_after: int | None) -> Reply:
    more = () if retry_after is None else (("Retry-After", str(retry_after)),)
    return _json(status, {"message": message, "statusCode": status}, *more)
