"""What SciCat answered, however it is written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.answer import Answer, read_answer


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


def test_a_date_to_come_back_at_is_by_the_servers_clock() -> None:
    """Ours may be wrong; a moment that is over is now, and a far one an hour."""
    date = "Wed, 22 Apr 2026 08:54:53 GMT"
    for moment, seconds in (
        ("Wed, 22 Apr 2026 08:55:23 GMT", 30),
        ("Wed, 22 Apr 2026 08:00:00 GMT", 0),
        ("Thu, 23 Apr 2026 08:00:00 GMT", 3600),
    ):
        assert answer(503, **{"Retry-After": moment, "Date": date}).retry_after == seconds
    assert answer(503, **{"Retry-After": date}).retry_after is None


def test_only_an_object_is_a_document() -> None:
    """An array or a string is a body, not more."""
    assert answer(201, {"pid": "x"}).document == {"pid": "x"}
    assert answer(200, []).document is None
    assert (answer(200, []).body, answer(200, b"{").body) == ([], None)


@given(st.binary(), st.integers(100, 599))
def test_every_answer_has_a_short_message(body: bytes, status: int) -> None:
    """Of any status and any bytes."""
    assert len(answer(status, body).message) <= 500
