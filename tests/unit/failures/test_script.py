"""Scripts as people write them, and which request a rule chooses: no socket, no clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.testing.failures import (
    Arrived,
    Cut,
    Delay,
    FailureScript,
    InvalidScript,
    Rule,
    ScriptRun,
    Status,
    parse_script,
    read_script,
)
from scicat_ingest.testing.failures.actions import CARRIED_OUT
from scicat_ingest.testing.failures.replies import reply_without_database, staged_reply

if TYPE_CHECKING:
    from pathlib import Path

POST = Arrived("POST /api/v4/datasets", "POST", "/api/v4/datasets", b'{"pid": "p/1"}')
BLOCK = Arrived("POST /api/v3/datasets/{pid}/origdatablocks", "POST", "/api/v3/datasets/p%2F1/origdatablocks?x=1")
GET = Arrived("GET /api/v3/health", "GET", "/api/v3/health")
BARE = ["lose_answer", "lose_request", "reset", "reset_after_storing", "answer_500_but_stored", "forbidden_outage"]
BARE += ["too_many", "unavailable", "crash", "crash_after_storing", "half_json", "outage"]
LOSE = Cut(do="lose_answer")


def script(*rules: Any, seed: int = 0) -> FailureScript:
    return parse_script(json.dumps({"seed": seed, "rules": rules}))


def hits(rule: Rule, requests: list[Arrived], seed: int = 0) -> list[int]:
    """Give the numbers, from 1, of the requests that a script of one rule lets fail."""
    run = ScriptRun(FailureScript(seed=seed, rules=(rule,)), 0.0)
    return [number for number, request in enumerate(requests, 1) if run.decide(request, 0.0).action]


# Reading


@pytest.mark.parametrize("name", BARE)
def test_an_action_without_parameters_may_be_its_bare_name(name: str) -> None:
    """`"crash"` is the same as `{"do": "crash"}`."""
    assert script({"action": name}) == script({"action": {"do": name}})


def test_a_script_survives_being_written_and_read() -> None:
    """What the control shows can be sent to it again."""
    rules = [
        {"action": {"do": "delay", "seconds": 2}, "note": "slow"},
        {"route": "POST *", "nth": [1, 3], "action": {"do": "status", "status": 502, "body": {"a": [None], "b": None}}},
        {"every": 3, "probability": 0.5, "times": 2, "from_seconds": 1, "until_seconds": 2.5, "action": "outage"},
        {"path_contains": "a", "body_contains": "b", "action": {"do": "crash", "restart_after": 1}},
    ]
    read = script(*rules, seed=7)
    assert parse_script(read.model_dump_json(exclude_none=True)) == read
    assert parse_script(read.model_dump_json()) == read


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "rule 2, action: is missing"),
        ({"action": "explode"}, "rule 2, action: there is no action 'explode'; expected one of 'delay', 'lose_answer'"),
        ({"action": {"do": "explode"}}, "rule 2, action: there is no action 'explode'"),
        ({"action": {"seconds": 1}}, "rule 2, action: expected the name of an action, or an object with `do`"),
        ({"action": "delay"}, "rule 2, action.seconds: is missing"),
        ({"action": {"do": "delay", "seconds": -1}}, "rule 2, action.seconds: expected greater than or equal to 0"),
        ({"action": {"do": "too_many", "after": 1}}, "rule 2, action.after: there is no such field"),
        ({"action": {"do": "status", "status": 99}}, "rule 2, action.status: expected greater than or equal to 200"),
        ({"action": "crash", "rout": "*"}, "rule 2, rout: there is no such field"),
        ({"action": "crash", "nth": 3}, "rule 2, nth: expected a valid"),
        ({"action": "crash", "nth": [0]}, "rule 2, nth.0: expected greater than or equal to 1"),
        ({"action": "crash", "nth": ["1"]}, "rule 2, nth.0: expected a valid integer"),
        ({"action": "crash", "nth": []}, "rule 2, nth: "),
        ({"action": "crash", "every": 0}, "rule 2, every: expected greater than or equal to 1"),
        ({"action": "crash", "probability": 1.5}, "rule 2, probability: expected less than or equal to 1"),
        ({"action": "crash", "from_seconds": 5, "until_seconds": 5}, "rule 2: until_seconds: expected more than"),
        (["crash"], "rule 2: expected an object"),
    ],
    ids=str,
)
def test_a_wrong_rule_is_named_with_its_field_and_what_was_expected(rule: Any, said: str) -> None:
    """Rules are counted from 1; a misspelt name never passes as a rule that does nothing."""
    with pytest.raises(InvalidScript) as caught:
        script({"action": "crash"}, rule)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "Invalid JSON"), ("[]", "expected an object"), ('{"rule": []}', "rule: there is no such field")],
)
def test_what_is_no_script_is_refused(text: str, said: str) -> None:
    """Damaged JSON, another shape, another name."""
    with pytest.raises(InvalidScript, match=said):
        parse_script(text)


def test_every_fault_of_a_script_is_told_at_once() -> None:
    """One attempt shows all there is to mend."""
    with pytest.raises(InvalidScript, match=r"rule 1, every.*; rule 3, action: is missing"):
        script({"action": "crash", "every": "2"}, {"action": "crash"}, {})


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    """An empty object is the script of no failures."""
    (tmp_path / "script.json").write_text("{}")
    assert read_script(tmp_path / "script.json") == FailureScript()


# Choosing


@pytest.mark.parametrize(
    ("route", "chosen"),
    [
        ("*", [1, 2, 3]),
        ("POST *", [1, 2]),
        ("POST /api/v4/datasets", [1]),
        ("POST /api/v?/datasets", [1]),
        ("* /api/v3/*", [2, 3]),
        ("POST /api/v3/datasets/{pid}/origdatablocks", [2]),
        ("post *", []),
        ("POST /api/v4/dataset", []),
    ],
)
def test_a_rule_selects_by_route(route: str, chosen: list[int]) -> None:
    """The whole name must fit; `*` also stands for slashes, braces for themselves, and case counts."""
    assert hits(Rule(route=route, action=LOSE), [POST, BLOCK, GET]) == chosen


def test_a_rule_selects_by_what_is_in_path_and_body() -> None:
    """The path is looked at as it was sent, with its query; the body as it was unpacked."""
    assert hits(Rule(path_contains="p%2F1/orig", action=LOSE), [POST, BLOCK, GET]) == [2]
    assert hits(Rule(path_contains="?x=", action=LOSE), [POST, BLOCK, GET]) == [2]
    assert hits(Rule(body_contains='"p/1"', action=LOSE), [POST, BLOCK, GET]) == [1]


def test_a_body_that_is_no_text_can_be_searched() -> None:
    """Bytes that are no UTF-8 match nothing and break nothing."""
    strange = Arrived("POST /x", "POST", "/x", b"\xff\xfe needle")
    assert hits(Rule(body_contains="needle", action=LOSE), [strange]) == [1]


@given(st.lists(st.integers(1, 30), min_size=1), st.integers(0, 30))
def test_nth_counts_matching_requests_from_1(nth: list[int], total: int) -> None:
    """Requests of other routes are not counted."""
    requests = [request for _ in range(total) for request in (GET, POST)]
    expected = [2 * number for number in sorted(set(nth)) if number <= total]
    assert hits(Rule(route="POST *", nth=tuple(nth), action=LOSE), requests) == expected


@given(st.integers(1, 10), st.integers(1, 5), st.integers(0, 60))
def test_every_takes_each_kth_until_it_has_fired_so_many_times(every: int, times: int, total: int) -> None:
    """The first that is hit is number k; after `times` hits there are no more."""
    expected = list(range(every, total + 1, every))[:times]
    assert hits(Rule(every=every, times=times, action=LOSE), [POST] * total) == expected


@given(st.integers(), st.floats(0, 1), st.lists(st.sampled_from([POST, BLOCK, GET]), max_size=50))
def test_the_same_seed_and_requests_give_the_same_decisions(
    seed: int, probability: float, requests: list[Arrived]
) -> None:
    """A failed run can be looked at again."""
    rule = Rule(route="POST *", probability=probability, action=LOSE)
    assert hits(rule, requests, seed) == hits(rule, requests, seed)


@given(st.integers(), st.lists(st.booleans(), max_size=40))
def test_a_rule_draws_alike_whatever_other_rules_and_requests_there_are(seed: int, others: list[bool]) -> None:
    """Each rule has a chance of its own, drawn for its own matching requests only."""
    rule = Rule(route="POST *", probability=0.5, action=LOSE)
    alone = ScriptRun(FailureScript(seed=seed, rules=(rule,)), 0.0)
    noise = Rule(route="GET *", probability=0.5, action=Delay(seconds=1))
    mixed = ScriptRun(FailureScript(seed=seed, rules=(rule, noise)), 0.0)
    for other in others:
        if other:
            mixed.decide(GET, 0.0)
        assert mixed.decide(POST, 0.0) == alone.decide(POST, 0.0)


def test_probability_is_what_it_says() -> None:
    """0 never, 1 always, a quarter about a quarter, and another seed chooses others."""
    assert hits(Rule(probability=0, action=LOSE), [POST] * 50) == []
    assert len(hits(Rule(probability=1, action=LOSE), [POST] * 50)) == 50
    quarter = Rule(probability=0.25, action=LOSE)
    assert 400 < len(hits(quarter, [POST] * 2000)) < 600
    assert hits(quarter, [POST] * 50, seed=1) != hits(quarter, [POST] * 50, seed=2)


def test_a_window_has_its_start_and_not_its_end() -> None:
    """Seconds count from the moment at which the script was set; requests outside do not count as matching."""
    run = ScriptRun(script({"from_seconds": 10, "until_seconds": 20, "nth": [2], "action": "lose_answer"}), 1000.0)
    times = [1009.9, 1010.0, 1019.9, 1020.0]
    assert [bool(run.decide(POST, now).action) for now in times] == [False, False, True, False]
    assert run.report().rules[0].matched == 2


# Several rules


def test_the_first_rule_that_fires_decides() -> None:
    """The others see the request and count it as matching, so that their own numbers stay what they are."""
    run = ScriptRun(script({"nth": [1], "action": "too_many"}, {"nth": [1, 2], "action": "lose_answer"}), 0.0)
    names = [decision.action.do for _ in range(2) if (decision := run.decide(POST, 0.0)).action]
    assert names == ["too_many", "lose_answer"]
    report = run.report()
    assert [(rule.matched, rule.done) for rule in report.rules] == [(2, {"too_many": 1}), (2, {"lose_answer": 1})]
    assert report.done == {"too_many": 1, "lose_answer": 1}


def test_delays_add_up_with_what_comes_after_them() -> None:
    """A delay asks the rules below it; another action can also be late by itself."""
    late = {"do": "lose_answer", "delay_seconds": 0.5}
    run = ScriptRun(script({"action": {"do": "delay", "seconds": 2}}, {"nth": [2], "action": late}), 0.0)
    first, second = run.decide(POST, 0.0), run.decide(POST, 0.0)
    assert (first.action, first.delay_seconds, first.carries_out) == (None, 2, True)
    assert (second.action, second.delay_seconds) == (Cut(do="lose_answer", delay_seconds=0.5), 2.5)
    assert run.report().done == {"delay": 2, "lose_answer": 1}


def test_an_outage_with_a_length_takes_every_request_until_it_is_over() -> None:
    """It starts with the request that the rule selects; other routes are hit too, and all are counted."""
    rule = {"route": "POST *", "nth": [2], "action": {"do": "outage", "seconds": 10}}
    run = ScriptRun(script(rule, {"route": "GET *", "action": "crash"}), 0.0)
    asked = [(POST, 0.0), (POST, 1.0), (GET, 10.9), (POST, 10.9), (POST, 11.0)]
    names = [decision.action and decision.action.do for decision in (run.decide(*each) for each in asked)]
    assert names == [None, "outage", "outage", "outage", None]
    assert run.report().done == {"outage": 3}


def test_only_actions_that_say_so_carry_out() -> None:
    """What loses or refuses a request leaves no trace in the catalogue."""
    stored = {"lose_answer", "reset_after_storing", "answer_500_but_stored", "crash_after_storing", "half_json"}
    for name in BARE:
        decision = ScriptRun(script({"action": name}), 0.0).decide(POST, 0.0)
        assert decision.carries_out == (name in stored), name
    assert stored | {"delay", "slow_drip"} == CARRIED_OUT


# What is answered instead


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v3/health", 503),
        ("GET", "/api/v3/auth/whoami", 200),
        ("POST", "/api/v3/auth/login", 500),
        ("POST", "/api/v3/datasets", 403),
        ("POST", "/api/v4/origdatablocks", 403),
        ("PATCH", "/api/v4/datasets/a", 403),
        ("GET", "/api/v4/datasets?filter={}", 403),
        ("GET", "/api/v3/datasets?filter={}", 500),
    ],
)
def test_without_its_database_scicat_answers_so(method: str, path: str, status: int) -> None:
    """403 where a token is needed, 500 where none is, an empty whoami, and a health that says why."""
    reply = reply_without_database(Arrived("any", method, path))
    assert reply.status == status
    bodies = {
        200: b"",
        403: b'{"message":"Forbidden resource","error":"Forbidden","statusCode":403}',
        500: b'"Internal server error"',
    }
    if status in bodies:
        assert reply.body == bodies[status]
    else:
        assert json.loads(reply.body)["error"] == {"mongodb": {"status": "down"}}


@pytest.mark.parametrize(
    ("action", "body"),
    [
        (Status(status=502), b""),
        (Status(status=502, body="x"), b'"x"'),
        (Status(status=502, body={"a": 1}), b'{"a": 1}'),
        (Status(status=502, body="<p>ü", content_type="text/html; charset=utf-8"), "<p>ü".encode()),
    ],
    ids=str,
)
def test_any_status_and_body_can_be_answered(action: Status, body: bytes) -> None:
    """JSON unless another type is given; then text goes as it is, such as a gateway's page."""
    reply = staged_reply(action, POST)
    assert reply is not None
    assert (reply.status, reply.body) == (502, body)
