"""What an answer means (pure): a table, not a guess. Measured on the real backend."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scicat_ingest.deliver.answer import Answer


class Route(Enum):
    """What a request is for."""

    LOGIN = auto()
    WHOAMI = auto()
    HEALTH = auto()
    READ = auto()
    POST_DATASET = auto()
    POST_ORIGDATABLOCK = auto()
    POST_ATTACHMENT = auto()
    PATCH_DATASET = auto()

    @property
    def writes(self) -> bool:
        """Whether a lost answer may mean that something was stored."""
        return self.name.startswith(("POST", "PATCH"))


class Verdict(Enum):
    """What to do about an answer."""

    DONE = "it worked"
    CONFLICT = "the pid is there already: reconcile"
    NOT_FOUND = "the document is not there"
    NO_ROUTE = "the server does not offer this route"
    INVALID = "the record's fault: SciCat will never take it"
    TOO_LARGE = "the record's fault: larger than the server takes"
    REFUSED = "the account may not do this to this document"
    SUSPICIOUS = "a dead token, an outage, or an endpoint that the account may not use: check, then decide"
    TRANSIENT = "not now: send it again later"
    AMBIGUOUS = "it may have been stored: read before it is repeated"


_REFUSALS = (
    "Unauthorized to create this dataset",
    "Unauthorized access",
    "Unauthorized to update this dataset",
    "Unauthorized to this attachment",
)
"""Texts of a 403 on a write that are about the document's groups, and neither about the token nor an outage."""


def classify_answer(route: Route, answer: Answer) -> Verdict:
    """Decide what an answer means."""
    status = answer.status
    if answer.ok:
        return _classify_success(route, answer)
    if status == 403:
        return Verdict.REFUSED if route.writes and answer.message.startswith(_REFUSALS) else Verdict.SUSPICIOUS
    if status == 404:
        return Verdict.NO_ROUTE if answer.message.startswith("Cannot ") else Verdict.NOT_FOUND
    verdict = _BY_STATUS.get(status) or _BY_HUNDREDS.get(status // 100)
    if verdict is not None:
        return verdict
    return Verdict.AMBIGUOUS if route.writes else Verdict.TRANSIENT


_BY_STATUS = {
    401: Verdict.SUSPICIOUS,
    405: Verdict.NO_ROUTE,
    408: Verdict.TRANSIENT,
    409: Verdict.CONFLICT,
    413: Verdict.TOO_LARGE,
    425: Verdict.TRANSIENT,
    429: Verdict.TRANSIENT,
    503: Verdict.TRANSIENT,
}

_BY_HUNDREDS = {
    3: Verdict.NO_ROUTE,  # a redirect, say to https or to a login page: the address is wrong
    4: Verdict.INVALID,
}


def _classify_success(route: Route, answer: Answer) -> Verdict:
    if route.writes and answer.document is None:
        return Verdict.AMBIGUOUS  # a proxy's page, or half an answer: the document may be stored
    if route is Route.READ and answer.body is None:
        return Verdict.TRANSIENT
    return Verdict.DONE
