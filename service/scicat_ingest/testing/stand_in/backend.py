"""What every route needs: the store, the choices, the time, and who may do what."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from scicat_ingest.testing.stand_in.exchange import Call, Document, refuse
from scicat_ingest.testing.stand_in.rights import Rights
from scicat_ingest.testing.stand_in.times import iso, parse_date, parse_iso
from scicat_ingest.testing.stand_in.tokens import username_of

if TYPE_CHECKING:
    from scicat_ingest.testing.stand_in.accounts import Account
    from scicat_ingest.testing.stand_in.config import StandInConfig
    from scicat_ingest.testing.stand_in.store import Store

BEARER = re.compile(r"bearer (.+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Backend:
    """The state behind the routes. `started` is when the process started, in seconds since 1970."""

    config: StandInConfig
    store: Store
    secret: str
    started: float

    def now(self) -> str:
        """Return the time as documents hold it."""
        return iso(self.config.clock())

    def http_date(self) -> str:
        """Return the time as the Date header holds it."""
        return formatdate(self.config.clock(), usegmt=True)

    def rights(self, user: Account | None) -> Rights:
        """Return what an account may do."""
        return Rights(user, self.config.powers)

    def user_of(self, authorization: str | None) -> Account | None:
        """Return whose token it is. None without the word Bearer, and with a dead token: there is no 401."""
        match = BEARER.fullmatch(authorization or "")
        username = username_of(match[1].strip(), self.secret, self.config.clock()) if match else None
        return next((account for account in self.config.accounts if account.username == username), None)

    def created(self, call: Call) -> Document:
        """Return the fields that the server adds to a new document."""
        now = self.now()
        return {"createdBy": call.username, "updatedBy": call.username, "createdAt": now, "updatedAt": now, "__v": 0}

    def updated(self, call: Call) -> Document:
        """Return the fields that the server changes with a document."""
        return {"updatedBy": call.username, "updatedAt": self.now()}


def new_id() -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())


def check_unmodified(call: Call, document: Document) -> None:
    """Raise Refusal 412 unless If-Unmodified-Since, if sent and a date, is strictly later than `updatedAt`."""
    since = parse_date(call.headers.get("if-unmodified-since", ""))
    updated = parse_iso(document["updatedAt"])
    if since and updated and since <= updated:
        raise refuse(412, "Resource has been modified on server")


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` changed by a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
