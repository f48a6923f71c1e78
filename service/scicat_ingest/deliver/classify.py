"""What an answer, or none, means (pure): a table, not a guess. Measured on the real backend; the first row that fits.

docs/answers.md is printed from it (`make docs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from scicat_ingest.deliver.transport_failure import Sent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scicat_ingest.deliver.answer import Answer


class Route(Enum):
    """What a request is for."""

    __hash__ = object.__hash__  # each member is one object; Enum's own is slow, and these are looked up all the time

    LOGIN = auto()
    WHOAMI = auto()
    HEALTH = auto()
    READ = auto()
    LOOK_UP = auto()
    POST_DATASET = auto()
    POST_ORIGDATABLOCK = auto()
    POST_ATTACHMENT = auto()
    PATCH_DATASET = auto()

    @property
    def writes(self) -> bool:
        """Whether a lost answer may mean that something was stored."""
        return self in WRITES


WRITES = frozenset({Route.POST_DATASET, Route.POST_ORIGDATABLOCK, Route.POST_ATTACHMENT, Route.PATCH_DATASET})
"""Routes that store something."""


class Verdict(Enum):
    """What to do about it."""

    __hash__ = object.__hash__  # each member is one object; Enum's own is slow, and these are looked up all the time

    DONE = "it worked"
    CONFLICT = "the pid is there already: reconcile"
    MODIFIED = "somebody changed the dataset since we read it: read it again"
    NOT_FOUND = "the document is not there"
    NO_ROUTE = "the server does not offer this route: use v3's; without one, halt"
    INVALID = "the record's fault: SciCat will never take it"
    TOO_LARGE = "the record's fault: larger than the server takes"
    REFUSED = "the account may not do this to this document: use v3's route; without one, the record's fault"
    CHECK = "a dead token, an outage, or a refusal: ask for identity and health, then decide"
    CREDENTIAL = "the token is dead: renew it once; if that does not help, halt"
    MAY_NOT = "the account may not use this endpoint: use v3's route; POST dataset has none: halt"
    TRANSIENT = "not now: send it again later"
    AMBIGUOUS = "it may have been stored: read before it is repeated"


class Check(Enum):
    """What asking for our identity or for the server's health gave."""

    __hash__ = object.__hash__  # each member is one object; Enum's own is slow, and these are looked up all the time

    NOT_ASKED = auto()
    GOOD = auto()
    BAD = auto()


class Health(Enum):
    """What is known of the server."""

    UP = auto()
    DOWN = "it says so, or nobody listens there"
    SILENT = "no answer: it hangs, or the network lost it"


class Body(Enum):
    """What the answer's body is."""

    __hash__ = object.__hash__  # each member is one object; Enum's own is slow, and these are looked up all the time

    OBJECT = auto()
    OTHER = "JSON, but no object"
    NOTHING = "empty, or no JSON: a proxy's page, or half an answer"


class Seen(NamedTuple):
    """Everything that the decision depends on."""

    route: Route
    status: int | None
    """None: there was no answer."""
    said: str = ""
    """The answer's message."""
    body: Body = Body.OBJECT
    sent: Sent = Sent.MAYBE
    """Without an answer: whether the server may have got the request."""
    identity: Check = Check.NOT_ASKED
    """BAD: SciCat does not know our token."""
    health: Check = Check.NOT_ASKED

    @classmethod
    def answer(
        cls, route: Route, answer: Answer, *, identity: Check = Check.NOT_ASKED, health: Check = Check.NOT_ASKED
    ) -> Seen:
        """Say what is seen in an answer."""
        body = Body.OBJECT if answer.document is not None else Body.NOTHING if answer.body is None else Body.OTHER
        return cls(route, answer.status, answer.message, body, identity=identity, health=health)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: fits if everything that it names does. What it leaves open may be anything."""

    verdict: Verdict
    because: str
    routes: frozenset[Route] = frozenset(Route)
    statuses: tuple[int, int] | None = None
    """First and last status."""
    says: tuple[str, ...] = ("",)
    """How the message begins."""
    body: Body | None = None
    sent: Sent | None = None
    identity: Check | None = None
    health: Check | None = None

    def fits(self, seen: Seen) -> bool:
        """Tell whether this row is about that."""
        answered = seen.status is not None
        return (
            seen.route in self.routes
            and (self.statuses is None) == (not answered)
            and (self.statuses is None or self.statuses[0] <= (seen.status or 0) <= self.statuses[1])
            and seen.said.startswith(self.says)
            and self.body in (None, seen.body)
            and self.sent in (None, seen.sent)
            and self.identity in (None, seen.identity)
            and self.health in (None, seen.health)
        )


REFUSALS = (
    "Unauthorized to create this dataset",
    "Unauthorized access",
    "Unauthorized to update this dataset",
    "Unauthorized to this attachment",
)
"""Texts of a 403 on a write that are about the document's groups, and neither about the token nor an outage."""

ANY_STATUS = (100, 999)


def _only(*routes: Route) -> frozenset[Route]:
    return frozenset(routes)


def _all_but(routes: Iterable[Route]) -> frozenset[Route]:
    return frozenset(Route) - frozenset(routes)


TABLE: tuple[Row, ...] = (
    # No answer
    Row(Verdict.TRANSIENT, "nothing was sent", sent=Sent.NO),
    Row(Verdict.AMBIGUOUS, "the server may have carried it out", WRITES),
    Row(Verdict.TRANSIENT, "a read changes nothing"),
    # 2xx
    Row(Verdict.AMBIGUOUS, "a write is answered with the document", WRITES, (200, 299), body=Body.NOTHING),
    Row(Verdict.AMBIGUOUS, "a write is answered with the document", WRITES, (200, 299), body=Body.OTHER),
    Row(Verdict.TRANSIENT, "a document was asked for", _only(Route.READ), (200, 299), body=Body.NOTHING),
    Row(Verdict.DONE, "", frozenset(Route), (200, 299)),
    # The address is wrong
    Row(Verdict.NO_ROUTE, "a redirect, say to https or to a login page", frozenset(Route), (300, 399)),
    Row(Verdict.NO_ROUTE, "Express knows no such route", frozenset(Route), (404, 404), ("Cannot ",)),
    Row(
        Verdict.NO_ROUTE,
        "datasets are posted to a collection: whoever says so is not SciCat",
        _only(Route.POST_DATASET),
        (404, 404),
    ),
    Row(Verdict.NO_ROUTE, "the route knows no such method", frozenset(Route), (405, 405)),
    # Who we are
    Row(Verdict.CREDENTIAL, "the login is refused", _only(Route.LOGIN), (400, 403)),
    Row(Verdict.REFUSED, "the text names the document's groups", WRITES, (403, 403), REFUSALS),
    Row(
        Verdict.TRANSIENT,
        "MongoDB is down: no token is known then",
        frozenset(Route),
        (403, 403),
        health=Check.BAD,
    ),
    Row(Verdict.TRANSIENT, "behind a proxy that is not ready", frozenset(Route), (401, 401), health=Check.BAD),
    Row(Verdict.CREDENTIAL, "SciCat does not know the token", frozenset(Route), (403, 403), identity=Check.BAD),
    Row(Verdict.CREDENTIAL, "SciCat does not know the token", frozenset(Route), (401, 401), identity=Check.BAD),
    Row(
        Verdict.MAY_NOT,
        "known, healthy, and still refused without naming a group",
        WRITES,
        (403, 403),
        identity=Check.GOOD,
        health=Check.GOOD,
    ),
    Row(
        Verdict.REFUSED,
        "known, healthy, and still refused: the document is not ours to read",
        _only(Route.READ, Route.LOOK_UP),
        (403, 403),
        identity=Check.GOOD,
        health=Check.GOOD,
    ),
    Row(
        Verdict.MAY_NOT,
        "known, healthy, and still refused: a proxy's own rules",
        frozenset(Route),
        (401, 401),
        identity=Check.GOOD,
        health=Check.GOOD,
    ),
    Row(Verdict.CHECK, "says the same for a dead token, an outage and a missing right", frozenset(Route), (403, 403)),
    Row(Verdict.CHECK, "SciCat has no 401 but the login's: a proxy's", frozenset(Route), (401, 401)),
    # What became of it
    Row(Verdict.NOT_FOUND, "", frozenset(Route), (404, 404)),
    Row(Verdict.CONFLICT, "the pid is there", _only(Route.POST_DATASET), (409, 409)),
    Row(Verdict.AMBIGUOUS, "only datasets have conflicts", WRITES, (409, 409)),
    Row(Verdict.MODIFIED, "If-Unmodified-Since", _only(Route.PATCH_DATASET), (412, 412)),
    Row(Verdict.TOO_LARGE, "a proxy's limit; SciCat's own is a 500", frozenset(Route), (413, 413)),
    Row(Verdict.TRANSIENT, "the server gave up waiting for the request", frozenset(Route), (408, 408)),
    Row(Verdict.TRANSIENT, "too early, says a proxy", frozenset(Route), (425, 425)),
    Row(Verdict.TRANSIENT, "too many requests, says a proxy", frozenset(Route), (429, 429)),
    Row(Verdict.INVALID, "SciCat says what it does not like", frozenset(Route), (400, 499)),
    Row(Verdict.TRANSIENT, "a proxy has nobody to give it to", frozenset(Route), (503, 503)),
    Row(Verdict.AMBIGUOUS, "a 500 does not mean that nothing was stored", WRITES, (500, 599)),
    Row(Verdict.TRANSIENT, "a read changes nothing", _all_but(WRITES), (500, 599)),
    Row(Verdict.AMBIGUOUS, "no status of HTTP", WRITES, ANY_STATUS),
    Row(Verdict.TRANSIENT, "no status of HTTP", _all_but(WRITES), ANY_STATUS),
)
"""In this order."""


@lru_cache(256)  # it is nearly always the same few
def classify(seen: Seen) -> Row:
    """Give the row that decides: its verdict, and why."""
    return next(row for row in TABLE if row.fits(seen))
