"""What is told of a request: whom its answer blames."""

from __future__ import annotations

from typing import get_args

import pytest

from scicat_ingest.deliver.answer import Answer
from scicat_ingest.deliver.attempt import Result, result_of
from scicat_ingest.deliver.classify import Route, Verdict


def answer(document: dict[str, object] | None = None) -> Answer:
    return Answer(status=200, body=document, message="", retry_after=None, server_time=None, weight=0)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("route", Route)
def test_every_verdict_has_a_result(route: Route, verdict: Verdict) -> None:
    """Whatever the route."""
    assert result_of(route, verdict, answer({})) in get_args(Result)


def test_an_unknown_identity_is_the_credentials_fault() -> None:
    """SciCat answers whoami for a dead token with 200, and nothing."""
    assert result_of(Route.WHOAMI, Verdict.DONE, answer(None)) == "credential"
    assert result_of(Route.WHOAMI, Verdict.DONE, answer({"currentGroups": []})) == "success"


def test_what_is_not_there_is_a_dependency_only_when_it_was_looked_up() -> None:
    """A dataset that is not there yet is what a new one should be."""
    assert result_of(Route.LOOK_UP, Verdict.NOT_FOUND, answer({})) == "dependency"
    assert result_of(Route.READ, Verdict.NOT_FOUND, answer({})) == "success"


@pytest.mark.parametrize("route", [route for route in Route if route.writes])
def test_a_write_whose_dataset_is_gone_has_not_worked(route: Route) -> None:
    """It is tried again, so it counts as what is tried again."""
    assert result_of(route, Verdict.NOT_FOUND, answer({})) == "transient"
