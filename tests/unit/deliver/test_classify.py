"""What an answer means: one case for each row of what was measured on the real backend, and for what is around it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.answer import read_answer
from scicat_ingest.deliver.classify import TABLE, WRITES, Body, Check, Route, Seen, Verdict, classify
from scicat_ingest.deliver.transport_failure import Sent

READS = sorted(set(Route) - WRITES, key=lambda route: route.name)
FORBIDDEN = {"message": "Forbidden resource", "error": "Forbidden", "statusCode": 403}
CRASHED = "Internal server error"
DATASET, BLOCK = Route.POST_DATASET, Route.POST_ORIGDATABLOCK
ATTACHMENT, PATCH = Route.POST_ATTACHMENT, Route.PATCH_DATASET


def verdict(route: Route, status: int, body: Any = None, **checks: Check) -> Verdict:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    answer = read_answer(httpx.Response(status, content=content))
    return classify(Seen.answer(route, answer, **checks)).verdict


def said(text: str, status: int = 403) -> dict[str, Any]:
    return {"message": text, "error": "x", "statusCode": status}


MEASURED = {
    # Surprises (section 0)
    "a dead token, a missing right, or MongoDB down, on a write": (DATASET, 403, FORBIDDEN, Verdict.CHECK),
    "the same on a v4 read": (Route.READ, 403, FORBIDDEN, Verdict.CHECK),
    "a v3 read that may be of a dead token": (Route.READ, 403, said("Unauthorized access"), Verdict.CHECK),
    "our group may not create for this one, v3": (
        DATASET,
        403,
        said("Unauthorized to create this dataset"),
        Verdict.REFUSED,
    ),
    "our group may not create for this one, v4": (DATASET, 403, said("Unauthorized access"), Verdict.REFUSED),
    "a dataset that is not ours to change": (PATCH, 403, said("Unauthorized to update this dataset"), Verdict.REFUSED),
    "an attachment that is not ours": (ATTACHMENT, 403, said("Unauthorized to this attachment"), Verdict.REFUSED),
    "a block that is stored all the same": (BLOCK, 500, CRASHED, Verdict.AMBIGUOUS),
    # Login (section 2)
    "a good login": (Route.LOGIN, 201, {"access_token": "x"}, Verdict.DONE),
    "a wrong password": (Route.LOGIN, 401, said("Unauthorized", 401), Verdict.CREDENTIAL),
    "a login that is no JSON": (Route.LOGIN, 400, said("Unexpected end of JSON input", 400), Verdict.CREDENTIAL),
    "a login by v4": (Route.LOGIN, 404, said("Cannot POST /api/v4/auth/login", 404), Verdict.NO_ROUTE),
    "the login while MongoDB is down": (Route.LOGIN, 500, CRASHED, Verdict.TRANSIENT),
    "whoami of a good token": (Route.WHOAMI, 200, {"username": "x"}, Verdict.DONE),
    "whoami of a dead token: empty, which its caller looks at": (Route.WHOAMI, 200, None, Verdict.DONE),
    # Datasets (section 4)
    "a new dataset": (DATASET, 201, {"pid": "x"}, Verdict.DONE),
    "a field that v4 does not know": (DATASET, 400, said("property X should not exist", 400), Verdict.INVALID),
    "v3's own form of a 400": (DATASET, 400, {"status": 400, "message": "[{}]"}, Verdict.INVALID),
    "v4 without owner": (DATASET, 500, said("Something went wrong. Please try again later.", 500), Verdict.AMBIGUOUS),
    "a pid that is there": (DATASET, 409, said("A dataset with pid X already exists!", 409), Verdict.CONFLICT),
    "an empty pid": (DATASET, 500, CRASHED, Verdict.AMBIGUOUS),
    "a pid that does not match": (DATASET, 400, said("PID is not following required standards", 400), Verdict.INVALID),
    "a dataset that is not there, v3": (Route.READ, 404, said("dataset: X not found", 404), Verdict.NOT_FOUND),
    "a dataset that is not there, v4": (Route.READ, 404, said("dataset: null not found", 404), Verdict.NOT_FOUND),
    "a slash that was not encoded": (Route.READ, 404, said("Cannot GET /api/v3/datasets/a/b", 404), Verdict.NO_ROUTE),
    "a list without a hit": (Route.READ, 200, [], Verdict.DONE),
    "findOne without a hit": (Route.READ, 200, None, Verdict.TRANSIENT),
    "a filter that is not known": (
        Route.READ,
        400,
        said("Property where.fooBar should not exist", 400),
        Verdict.INVALID,
    ),
    "a dataset, at an address that is not SciCat's": (DATASET, 404, None, Verdict.NO_ROUTE),
    "a PATCH of nothing": (PATCH, 200, {"pid": "x"}, Verdict.DONE),
    "a PATCH of what is not there": (PATCH, 404, said("dataset: X not found", 404), Verdict.NOT_FOUND),
    "a PATCH that came too late": (PATCH, 412, said("Resource has been modified on server", 412), Verdict.MODIFIED),
    # Origdatablocks (section 5)
    "a block": (BLOCK, 201, {"_id": "x"}, Verdict.DONE),
    "a block without its list": (BLOCK, 400, said("dataFileList.0.path must be a string", 400), Verdict.INVALID),
    "a block of a dataset that is gone": (
        BLOCK,
        404,
        said("Dataset: X not found for attaching an origdatablock", 404),
        Verdict.NOT_FOUND,
    ),
    "a file without a path": (BLOCK, 500, CRASHED, Verdict.AMBIGUOUS),
    "a body over the limit": (BLOCK, 500, CRASHED, Verdict.AMBIGUOUS),
    "too many writers at once": (BLOCK, 500, said("E11000 duplicate key", 500), Verdict.AMBIGUOUS),
    # Attachments (section 7)
    "an attachment": (ATTACHMENT, 201, {"aid": "x"}, Verdict.DONE),
    "an aid that is taken": (ATTACHMENT, 500, CRASHED, Verdict.AMBIGUOUS),
    "v4 attachments without admin rights": (ATTACHMENT, 403, FORBIDDEN, Verdict.CHECK),
    "v3 attachments without a dataset": (ATTACHMENT, 404, said("not found", 404), Verdict.NOT_FOUND),
    # Health (section 8)
    "healthy": (Route.HEALTH, 200, {"status": "ok"}, Verdict.DONE),
    "MongoDB is down": (Route.HEALTH, 503, {"status": "error"}, Verdict.TRANSIENT),
    # What is between us and SciCat
    "a redirect to a login page": (DATASET, 302, None, Verdict.NO_ROUTE),
    "a page instead of a document": (BLOCK, 200, b"<html>", Verdict.AMBIGUOUS),
    "half an answer": (BLOCK, 201, b'{"_id": "x"', Verdict.AMBIGUOUS),
    "a method that is not known": (PATCH, 405, None, Verdict.NO_ROUTE),
    "a proxy's body limit": (BLOCK, 413, b"<html>", Verdict.TOO_LARGE),
    "a proxy's rate limit": (DATASET, 429, None, Verdict.TRANSIENT),
    "a proxy without a backend": (DATASET, 503, b"<html>", Verdict.TRANSIENT),
    "a backend that hung up on its proxy": (DATASET, 502, b"<html>", Verdict.AMBIGUOUS),
    "a backend that was too slow for its proxy": (DATASET, 504, b"<html>", Verdict.AMBIGUOUS),
    "the same for a read": (Route.READ, 504, b"<html>", Verdict.TRANSIENT),
    "a request that took too long to send": (BLOCK, 408, None, Verdict.TRANSIENT),
}


@pytest.mark.parametrize(("route", "status", "body", "means"), MEASURED.values(), ids=MEASURED)
def test_what_was_measured_has_its_meaning(route: Route, status: int, body: Any, means: Verdict) -> None:
    """As seen on the wire, before anybody is asked for more."""
    assert verdict(route, status, body) is means


GOOD, BAD = Check.GOOD, Check.BAD


@pytest.mark.parametrize(
    ("route", "identity", "health", "means"),
    [
        (DATASET, BAD, GOOD, Verdict.CREDENTIAL),
        (DATASET, BAD, BAD, Verdict.TRANSIENT),
        (DATASET, GOOD, BAD, Verdict.TRANSIENT),
        (DATASET, GOOD, GOOD, Verdict.MAY_NOT),
        (ATTACHMENT, GOOD, GOOD, Verdict.MAY_NOT),
        (Route.READ, BAD, GOOD, Verdict.CREDENTIAL),
        (Route.READ, GOOD, BAD, Verdict.TRANSIENT),
        (Route.READ, GOOD, GOOD, Verdict.REFUSED),
    ],
)
@pytest.mark.parametrize("body", [FORBIDDEN, said("Unauthorized access")])
def test_a_403_is_decided_by_identity_and_health(
    route: Route, identity: Check, health: Check, means: Verdict, body: dict[str, Any]
) -> None:
    """The words alone do not tell a dead token from an outage from a missing right; but a write's groups."""
    if route in WRITES and body is not FORBIDDEN:
        means = Verdict.REFUSED
    assert verdict(route, 403, body, identity=identity, health=health) is means


@pytest.mark.parametrize("route", Route)
def test_no_answer_is_ambiguous_only_for_a_write_that_may_have_been_sent(route: Route) -> None:
    """Everything else may be sent again."""
    assert classify(Seen(route, None, sent=Sent.NO)).verdict is Verdict.TRANSIENT
    maybe = classify(Seen(route, None, sent=Sent.MAYBE)).verdict
    assert maybe is (Verdict.AMBIGUOUS if route in WRITES else Verdict.TRANSIENT)


@given(
    st.builds(
        Seen,
        route=st.sampled_from(Route),
        status=st.none() | st.integers(100, 999),
        said=st.text(max_size=50) | st.sampled_from([text for row in TABLE for text in row.says]),
        body=st.sampled_from(Body),
        sent=st.sampled_from(Sent),
        identity=st.sampled_from(Check),
        health=st.sampled_from(Check),
    )
)
def test_everything_has_a_meaning(seen: Seen) -> None:
    """Whatever the status; a write is never called not done unless somebody said so, a read never ambiguous."""
    found = classify(seen).verdict
    if found is Verdict.AMBIGUOUS:
        assert seen.route in WRITES
    if seen.status is not None and seen.status >= 500 and seen.status != 503:
        assert found is (Verdict.AMBIGUOUS if seen.route in WRITES else Verdict.TRANSIENT)
    if found is Verdict.CHECK:
        assert Check.NOT_ASKED in (seen.identity, seen.health) or seen.route not in {*WRITES, Route.READ}


def test_every_row_is_needed() -> None:
    """Each one is the first that fits for something."""
    first: set[int] = set()
    texts = sorted({text for row in TABLE for text in row.says})
    for route in Route:
        for status in (None, *range(200, 600), 999):
            for body in Body if status and status < 300 else [Body.OBJECT]:
                for sent in Sent if status is None else [Sent.MAYBE]:
                    for text in texts if status in (403, 404) else [""]:
                        for identity in Check if status in (401, 403) else [Check.NOT_ASKED]:
                            for health in Check if status in (401, 403) else [Check.NOT_ASKED]:
                                seen = Seen(route, status, text, body, sent, identity, health)
                                first.add(next(index for index, row in enumerate(TABLE) if row.fits(seen)))
    assert first == set(range(len(TABLE)))
