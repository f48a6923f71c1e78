"""JSON web tokens, HS256, with the claims that SciCat puts into them.

The token says who, not what: groups are looked up at every request, so that a change of groups needs no new token.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scicat_ingest.testing.stand_in.accounts import Account

HEADER = {"alg": "HS256", "typ": "JWT"}


def issue_token(account: Account, secret: str, now: float, life: int) -> str:
    """Return a token for `account` that is dead `life` seconds after `now`."""
    issued = int(now)
    claims = user_document(account) | {"iat": issued, "exp": issued + life}
    signed = f"{_encode(HEADER)}.{_encode(claims)}"
    return f"{signed}.{_signature(signed, secret)}"


def username_of(token: str, secret: str, now: float) -> str | None:
    """Return who a token belongs to; None if it is not ours, damaged or expired."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(signed, secret).encode()):
        return None
    claims = _decode(signed.partition(".")[2])
    if not isinstance(claims, dict) or claims.get("exp", 0) <= now:
        return None
    username = claims.get("username")
    return username if isinstance(username, str) else None


def user_document(account: Account) -> dict[str, Any]:
    """Return the user as login answers show it."""
    return {
        "username": account.username,
        "email": account.address,
        "authStrategy": "local",
        "_id": account.user_id,
        "__v": 0,
        "id": account.user_id,
    }


def _encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _decode(text: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None


def _signature(signed: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
