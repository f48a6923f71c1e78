"""What is told of each request to SciCat, for those who count and measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from scicat_ingest.deliver.classify import Route, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.deliver.answer import Answer

Result = Literal["success", "record", "transient", "credential", "endpoint", "conflict", "dependency"]
"""Whom an answer blames. `record` is a refusal of this document; `dependency`: what was looked up is not there."""


class Attempt(NamedTuple):
    """One HTTP request and what became of it."""

    route: Route
    result: Result
    seconds: float
    """From the first byte sent to the answer that was read, or to the failure."""


Tell = Callable[[Attempt], None]
"""Learns of an attempt, in the task that made it. Must neither wait nor raise."""


def tell_nobody(_attempt: Attempt) -> None:
    """Do nothing."""


_RESULTS: Mapping[Verdict, Result] = {
    Verdict.DONE: "success",
    Verdict.CONFLICT: "conflict",
    Verdict.MODIFIED: "conflict",
    Verdict.NOT_FOUND: "success",
    Verdict.NO_ROUTE: "endpoint",
    Verdict.INVALID: "record",
    Verdict.TOO_LARGE: "record",
    Verdict.REFUSED: "record",
    Verdict.CHECK: "record",
    Verdict.CREDENTIAL: "credential",
    Verdict.MAY_NOT: "endpoint",
    Verdict.TRANSIENT: "transient",
    Verdict.AMBIGUOUS: "transient",
}


def result_of(route: Route, verdict: Verdict, answer: Answer) -> Result:
    """Name what an answer means.

    A 403 that says nothing counts as the record's: whether the token is dead tells the whoami that follows, whose empty
    answer is the credential's.
    """
    if route is Route.WHOAMI and verdict is Verdict.DONE and answer.document is None:
        return "credential"
    if verdict is Verdict.NOT_FOUND and route is Route.LOOK_UP:
        return "dependency"
    if verdict is Verdict.NOT_FOUND and route.writes:
        return "transient"  # its dataset is gone: it is read again
    return _RESULTS[verdict]
