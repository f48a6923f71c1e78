"""When a failure is the record's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.pace.evidence import IN_A_ROW, OTHERS, Evidence


def test_a_record_that_fails_while_others_succeed_is_to_blame() -> None:
    """On the same route, and often enough."""
    evidence = Evidence()
    for number in range(IN_A_ROW):
        assert evidence.blames("bad") is None
        evidence.failed("bad", "post")
        evidence.succeeded(f"good-{number}", "post")
    assert (
        evidence.blames("bad") == f"failed 10 times in a row, while {OTHERS} of {OTHERS} requests of others succeeded"
    )
    assert evidence.blames("good-1") is None


def test_nobody_is_to_blame_in_an_outage() -> None:
    """Everybody fails."""
    evidence = Evidence()
    for number in range(1000):
        evidence.failed(number % 7, "post")
    assert [evidence.blames(key) for key in range(7)] == [None] * 7


@pytest.mark.parametrize(("lost", "failures"), [(0.0, 10), (0.15, 11), (0.5, 30)])
def test_where_others_fail_as_well_it_takes_more(lost: float, failures: int) -> None:
    """Ten failures in a row are no coincidence in a good network, and one in a bad one."""
    evidence, others = Evidence(), 1000
    for number in range(int(others * lost)):
        evidence.failed(f"other-{number}", "post")
    evidence.failed("bad", "post")
    for number in range(others):
        evidence.failed(number, "post") if number < others * lost else evidence.succeeded(number, "post")
    count = 1
    while evidence.blames("bad") is None:
        evidence.failed("bad", "post")
        count += 1
    assert count == failures


def test_successes_on_another_route_prove_nothing() -> None:
    """Reads work while writes do not."""
    evidence = Evidence()
    for number in range(100):
        evidence.failed("bad", "post")
        evidence.succeeded(number, "get")
    assert evidence.blames("bad") is None


@given(st.lists(st.sampled_from(["fails", "another succeeds", "gets on", "outage ends", "next route"]), max_size=120))
def test_only_failures_in_a_row_count(steps: list[str]) -> None:
    """Against a naive model."""
    evidence = Evidence()
    failures = others = 0
    route = 0
    for step in steps:
        match step:
            case "fails":
                others = others if failures else 0
                failures += 1
                evidence.failed("me", route)
            case "another succeeds":
                others += 1
                evidence.succeeded("another", route)
            case "gets on":
                failures = 0
                evidence.forget("me")
            case "outage ends":
                failures = 0
                evidence.forget_all()
            case "next route":
                evidence.succeeded("me", route)
                route, failures, others = route + 1, 0, 0
        assert (evidence.blames("me") is not None) == (failures >= IN_A_ROW and others >= OTHERS)
