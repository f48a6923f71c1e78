"""Refuse a payload that does not fit its table, in the words and the shape of v3 or v4."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scicat_ingest.testing.stand_in.exchange import Document, Refusal, refuse
from scicat_ingest.testing.stand_in.fields import Field, Problem, find_problems

if TYPE_CHECKING:
    from collections.abc import Mapping


def check(payload: Any, table: Mapping[str, Field]) -> Document:
    """Return the payload if it fits; raises Refusal 400 with a list of messages."""
    problems = problems_of(payload, table)
    if problems:
        raise refuse(400, [line for problem in problems for line in problem.lines()])
    return _fields(payload)


def check_v3_dataset(payload: Any, table: Mapping[str, Field]) -> Document:
    """Return the payload if it fits; raises Refusal 400 in the shape of v3 datasets, JSON in a string."""
    problems = problems_of(payload, table)
    if problems:
        raise Refusal(400, {"status": 400, "message": as_text(problems)})
    return _fields(payload)


def problems_of(payload: Any, table: Mapping[str, Field], *, unknown: bool = True) -> list[Problem]:
    """Return what is wrong with a payload; `unknown` is whether unknown fields count."""
    return list(find_problems(_fields(payload), table, unknown=unknown))


def as_text(problems: list[Problem]) -> str:
    """Return problems as v3's JSON text."""
    return json.dumps([problem.tree() for problem in problems], separators=(",", ":"))


def _fields(payload: Any) -> Document:
    """Return a payload's fields; a list has none."""
    return dict(payload) if isinstance(payload, dict) else {}
