"""What SciCat answered, however it is written, and what that means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.answer import Answer, read_answer
from scicat_ingest.deliver.classify import Route, Verdict, classify_answer

WRITES = [Route.POST_DATASET, Route.POST_ORIGDATABLOCK, Route.POST_ATTACHMENT, Route.PATCH_DATASET]
READS = [Route.LOGIN, Route.WHOAMI, Route.HEALTH, Route.READ]


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return read_answer(httpx.Response(status, content=content, headers=headers))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "Forbidden resource", "statusCode": 403}, "Forbidden resource"),
        ({"message": ["a must be", "b must be"]}, "a must be; b must be"),
        ({"message": {"x": 1}}, '{"x": 1}'),
        ({"error": "x"}, '{"error": "x"}'),
        ("Internal server error", "Internal server error"),
        (b"<html>\n  Bad   gateway</html>", "<html> Bad gateway</html>"),
        (b"\xff\xfe", "��"),
        (None, ""),
        ("x" * 5000, "x" * 500),
    ],
)
def test_a_body_of_any_shape_has_a_message(body: Any, message: str) -> None:
    """Objects, arrays in them, strings, pages of proxies, nothing."""
    assert answer(500, body).message == message


def test_headers_are_read_if_they_can_be() -> None:
    """The server's clock, and the seconds that it asks us to wait."""
    got = answer(503, **{"Retry-After": "120", "Date": "Wed, 22 Apr 2026 08:54:53 GMT"})
    assert (got.retry_after, got.server_time) == (120, datetime(2026, 4, 22, 8, 54, 53, tzinfo=UTC))
    for odd in ("soon", "-1", "", "1.5"):
        assert answer(503, **{"Retry-After": odd, "Date": odd}).retry_after is None
        assert answer(503, Date=odd).server_time is None


def test_only_an_object_is_a_document() -> None:
    """An array or a string is a body, not more."""
    assert answer(201, {"pid": "x"}).document == {"pid": "x"}
    assert answer(200, []).document is None
    assert (answer(200, []).body, answer(200, b"{").body) == ([], None)


@given(st.binary(), st.integers(100, 599), st.sampled_from(Route))
def test_every_answer_has_a_meaning(body: bytes, status: int, route: Route) -> None:
    """Of any status and any bytes."""
    got = answer(status, body)
    assert len(got.message) <= 500
    assert isinstance(classify_answer(route, got), Verdict)


REFUSALS = [
    "Unauthorized to create this dataset",
    "Unauthorized access",
    "Unauthorized to update this dataset",
    "Unauthorized to this attachment",
]


@pytest.mark.parametrize("route", WRITES)
@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (201, {"pid": "x"}, Verdict.DONE),
        (200, {"pid": "x"}, Verdict.DONE),
        (201, None, Verdict.AMBIGUOUS),
        (200, b"<html>", Verdict.AMBIGUOUS),
        (302, None, Verdict.NO_ROUTE),
        (400, {"message": ["type must be a string"]}, Verdict.INVALID),
        (401, {"message": "Unauthorized"}, Verdict.SUSPICIOUS),
        (403, {"message": "Forbidden resource"}, Verdict.SUSPICIOUS),
        *[(403, {"message": text}, Verdict.REFUSED) for text in REFUSALS],
        (404, {"message": "Cannot POST /api/v4/datasets"}, Verdict.NO_ROUTE),
        (404, {"message": "Dataset: x not found for attaching an origdatablock"}, Verdict.NOT_FOUND),
        (405, None, Verdict.NO_ROUTE),
        (408, None, Verdict.TRANSIENT),
        (409, {"message": "A dataset with pid x already exists!"}, Verdict.CONFLICT),
        (413, None, Verdict.TOO_LARGE),
        (422, None, Verdict.INVALID),
        (429, None, Verdict.TRANSIENT),
        (500, "Internal server error", Verdict.AMBIGUOUS),
        (502, b"<html>", Verdict.AMBIGUOUS),
        (503, {"status": "error"}, Verdict.TRANSIENT),
        (504, None, Verdict.AMBIGUOUS),
    ],
)
def test_what_an_answer_to_a_write_means(route: Route, status: int, body: Any, verdict: Verdict) -> None:
    """As measured on the real backend: a 500 can mean stored, a 403 an outage."""
    assert classify_answer(route, answer(status, body)) is verdict


@pytest.mark.parametrize("route", READS)
@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {"pid": "x"}, Verdict.DONE),
        (200, [], Verdict.DONE),
        (403, {"message": "Forbidden resource"}, Verdict.SUSPICIOUS),
        (403, {"message": "Unauthorized access"}, Verdict.SUSPICIOUS),
        (404, {"message": "dataset: null not found"}, Verdict.NOT_FOUND),
        (404, {"message": "Cannot GET /api/v4/x"}, Verdict.NO_ROUTE),
        (500, "Internal server error", Verdict.TRANSIENT),
        (502, None, Verdict.TRANSIENT),
    ],
)
def test_what_an_answer_to_a_read_means(route: Route, status: int, body: Any, verdict: Verdict) -> None:
    """Nothing was stored by it; "Unauthorized access" may be a dead token here."""
    assert classify_answer(route, answer(status, body)) is verdict


def test_an_empty_read_proves_nothing() -> None:
    """But an empty whoami means that the token is dead, and is an answer."""
    assert classify_answer(Route.READ, answer(200)) is Verdict.TRANSIENT
    assert classify_answer(Route.WHOAMI, answer(200)) is Verdict.DONE


def test_a_server_that_asks_for_ages_is_looked_at_again_after_an_hour() -> None:
    """A number that is too large must not stop the work for ever."""
    assert answer(503, **{"retry-after": "99999999999999"}).retry_after == 3600


def test_a_date_without_zone_is_in_utc() -> None:
    """`-0000` says that the zone is not known; HTTP dates are in UTC."""
    assert answer(200, date="Mon, 23 Nov 2026 10:00:00 -0000").server_time == datetime(2026, 11, 23, 10, tzinfo=UTC)
