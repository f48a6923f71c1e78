"""A request and an answer, without the network: what routes take, return and raise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.testing.stand_in.accounts import Account

Document = dict[str, Any]

NO_BODY = object()
"""An answer without a body, which is how the backend answers null. Not the JSON text `null`."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has passed the guards.

    `body` is the decoded JSON; None without one. `query` holds every value of every parameter, in order.
    """

    method: str
    parameters: Mapping[str, str]
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    user: Account | None
    body: Any = None

    def one(self, parameter: str) -> str | None:
        """Return the first value of a query parameter; None if it is not there or empty."""
        return next(iter(self.query.get(parameter, ())), None) or None

    @property
    def merge_patch(self) -> bool:
        """Whether the body is sent as `application/merge-patch+json`."""
        return self.headers.get("content-type", "") == "application/merge-patch+json"

    @property
    def username(self) -> str:
        """Who calls; "anonymous" without a living token."""
        return self.user.username if self.user else "anonymous"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body. `crash` asks the server to stop once the answer is sent."""

    status: int
    body: Any = field(default=NO_BODY)
    crash: bool = False


class Refusal(Exception):  # noqa: N818 - an answer that is raised, not a fault of ours
    """An answer from the depth of a route."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.answer = Answer(status, body)


NAMES = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 412: "Precondition Failed"}


def refuse(status: int, message: Any) -> Refusal:
    """Return the usual error body: message, the status's name, the status."""
    return Refusal(status, {"message": message, "error": NAMES[status], "statusCode": status})


def forbidden_resource() -> Refusal:
    """Return the guard's 403. It says the same about a dead token, a missing right and a database that is down."""
    return refuse(403, "Forbidden resource")


def missing_dataset(pid: str | None) -> Refusal:
    """Return the 404 of datasets. v4 has forgotten the pid when it says so, and says `null`."""
    return Refusal(404, {"message": f"dataset: {pid or 'null'} not found", "error": "Not Found", "statusCode": 404})


def internal_error() -> Refusal:
    """Return the 500 of an exception that the backend did not expect: a JSON string, no object."""
    return Refusal(500, "Internal server error")


def went_wrong() -> Refusal:
    """Return the 500 of a dataset that the database's schema refuses."""
    return Refusal(500, {"message": "Something went wrong. Please try again later.", "statusCode": 500})
