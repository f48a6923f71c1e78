"""A failure script: which requests fail, and how. Ordered rules; the first that fires decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from scicat_ingest.testing.failures.actions import Action, Part, Seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Positive = Annotated[int, Field(ge=1)]


class InvalidScript(ValueError):  # noqa: N818 - it says what is wrong
    """A script that cannot be read. The message names each wrong rule and field, and what was expected."""


class Rule(Part):
    """Which requests, which of those, and what is done to them.

    Requests match by route, path, body and time. `nth`, `every` and `probability` choose among the matching ones, each
    given one must agree; without any, all are chosen. A request counts as matching whatever other rules do to it.
    """

    route: str = Field(default="*", min_length=1, description="`METHOD /path/{parameter}`, with `*` as in file names")
    path_contains: str | None = Field(default=None, description="text in the path as it was sent, with its query")
    body_contains: str | None = Field(default=None, description="text in the request's body")
    from_seconds: Seconds = Field(default=0, description="since the script was set")
    until_seconds: Seconds | None = Field(default=None, description="since the script was set; not included")
    nth: Annotated[tuple[Positive, ...], Field(min_length=1)] | None = Field(
        default=None, description="which of the matching requests, counted from 1"
    )
    every: Positive | None = Field(default=None, description="every so many matching requests")
    probability: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="drawn for each matching request from the script's seed"
    )
    times: Positive | None = Field(default=None, description="how often the rule may fire; default: without end")
    note: str = Field(default="", description="for readers of the script and of its report")
    action: Action

    @model_validator(mode="after")
    def _window_has_a_length(self) -> Self:
        if self.until_seconds is not None and self.until_seconds <= self.from_seconds:
            raise ValueError("until_seconds: expected more than from_seconds")
        return self


class FailureScript(Part):
    """Ordered rules, and the seed of their probabilities."""

    seed: int = 0
    rules: tuple[Rule, ...] = ()


NO_FAILURES = FailureScript()


def parse_script(text: str | bytes) -> FailureScript:
    """Return the script in a JSON text. Raises InvalidScript."""
    try:
        return FailureScript.model_validate_json(text)
    except ValidationError as error:
        wrong = [_describe(fault) for fault in error.errors(include_url=False)]
        raise InvalidScript("; ".join(wrong)) from None


def read_script(path: Path) -> FailureScript:
    """Return the script in a file. Raises InvalidScript, and OSError if there is no such file."""
    return parse_script(path.read_bytes())


def _describe(fault: Mapping[str, Any]) -> str:
    where = _place(fault["loc"])
    context = fault.get("ctx", {})
    match fault["type"]:
        case "missing":
            what = "is missing"
        case "extra_forbidden":
            what = "there is no such field"
        case "union_tag_not_found":
            what = f"expected the name of an action, or an object with `do`, not {fault['input']!r:.80}"
        case "union_tag_invalid":
            what = f"there is no action {context['tag']!r}; expected one of {context['expected_tags']}"
        case "model_type" | "model_attributes_type":
            what = "expected an object"
        case _:
            what = fault["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    return f"{where}: {what}" if where else what


def _place(location: tuple[int | str, ...]) -> str:
    """Return `rule 2, action.seconds` for a place in the script; the tag of an action is not part of it."""
    match location:
        case ("rules", int(number), "action", _, field, *more):
            rest: list[int | str] = ["action", field, *more]
        case ("rules", int(number), *rest):
            pass
        case _:
            return ".".join(map(str, location))
    return ", ".join(part for part in (f"rule {number + 1}", ".".join(map(str, rest))) if part)
