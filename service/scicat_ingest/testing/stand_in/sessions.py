"""Login, whoami, logout, health. There is no v4 of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.testing.stand_in.exchange import Answer, Call, Refusal
from scicat_ingest.testing.stand_in.tokens import issue_token, user_document

if TYPE_CHECKING:
    from scicat_ingest.testing.stand_in.backend import Backend


def log_in(backend: Backend, call: Call) -> Answer:
    """Answer 201 with a token, or 401: the only 401 there is."""
    sent = call.body if isinstance(call.body, dict) else {}
    username, password = sent.get("username"), sent.get("password")
    for account in backend.config.accounts:
        if account.username == username and account.password == password:
            config = backend.config
            token = issue_token(account, backend.secret, config.clock(), config.token_life)
            return Answer(
                201,
                {
                    "access_token": token,
                    "id": token,
                    "expires_in": config.token_life,
                    "ttl": config.token_life,
                    "created": backend.now(),
                    "userId": account.user_id,
                    "user": user_document(account),
                },
            )
    raise Refusal(401, {"message": "Unauthorized", "statusCode": 401})


def log_in_nowhere(_: Backend, __: Call) -> Answer:
    """Answer the login of old with nothing."""
    return Answer(201)


def who_am_i(_: Backend, call: Call) -> Answer:
    """Say who the token belongs to; an empty body with 200 if it is dead."""
    if call.user is None:
        return Answer(200)
    return Answer(
        200,
        {
            "_id": call.user.user_id,
            "username": call.user.username,
            "email": call.user.address,
            "currentGroups": list(call.user.groups),
            "authStrategy": "local",
        },
    )


def log_out(_: Backend, __: Call) -> Answer:
    """Say so, and let the token live on: tokens are not remembered."""
    return Answer(200, {"logout": "successful"})


def health(_: Backend, __: Call) -> Answer:
    """Say that the database is up."""
    mongodb = {"mongodb": {"status": "up"}}
    return Answer(200, {"status": "ok", "info": mongodb, "error": {}, "details": mongodb})
