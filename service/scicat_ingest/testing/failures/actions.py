"""What can be done to a request. An action is named by `do`; one that needs no parameters may be its bare name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
CARRIED_OUT = frozenset(
    {
        "delay",
        "lose_answer",
        "reset_after_storing",
        "answer_500_but_stored",
        "crash_after_storing",
        "slow_drip",
        "half_json",
    }
)
"""The actions that carry the request out. The others leave no trace of it in the catalogue."""


class Part(BaseModel):
    """A part of a script; a misspelt name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Act(Part):
    """Every action may come late: the request is carried out at once, if at all, and what follows waits."""

    delay_seconds: Seconds = 0


class Delay(Part):
    """Answer later. Rules below a delay are still asked, so that it adds to what they do."""

    do: Literal["delay"] = "delay"
    seconds: Seconds


class Cut(_Act):
    """Close the connection without a byte; a reset is a TCP RST, the others are a FIN."""

    do: Literal["lose_answer", "lose_request", "reset", "reset_after_storing"]


class Refuse(_Act):
    """Answer as SciCat does when its database is away (403) or when it has stored but stumbled afterwards (500)."""

    do: Literal["forbidden_outage", "answer_500_but_stored"]


class TooMany(_Act):
    """Answer 429, as a gateway does that limits rates."""

    do: Literal["too_many"] = "too_many"
    retry_after: Annotated[int, Field(ge=0)] = 1


class Unavailable(_Act):
    """Answer 503, as a gateway does whose backend is away."""

    do: Literal["unavailable"] = "unavailable"
    retry_after: Annotated[int, Field(ge=0)] | None = None


class Status(_Act):
    """Answer with any status and body. A text body of another type than JSON is sent as it stands."""

    do: Literal["status"] = "status"
    status: Annotated[int, Field(ge=200, le=599)]
    body: Any = None
    content_type: Annotated[str, Field(pattern=r"^[\x21-\x7e][\x20-\x7e]*$")] = "application/json; charset=utf-8"


class Crash(_Act):
    """Hang up on everybody and stop listening; documents stay. Without `restart_after` it stays down until told."""

    do: Literal["crash", "crash_after_storing"] = "crash"
    restart_after: Seconds | None = None


class SlowDrip(_Act):
    """Send the answer's body in small pieces over so many seconds."""

    do: Literal["slow_drip"] = "slow_drip"
    seconds: Seconds


class HalfJson(_Act):
    """Send the headers and half of the body, then hang up. Content-Length promises the whole body."""

    do: Literal["half_json"] = "half_json"


class Outage(_Act):
    """Answer as SciCat does while MongoDB is down.

    Without `seconds` that befalls the requests that the rule selects; with it, every request for so long, from the one
    that was selected on.
    """

    do: Literal["outage"] = "outage"
    seconds: Seconds | None = None


def _named(value: Any) -> Any:
    return {"do": value} if isinstance(value, str) else value


Action = Annotated[
    Delay | Cut | Refuse | TooMany | Unavailable | Status | Crash | SlowDrip | HalfJson | Outage,
    Field(discriminator="do"),
    BeforeValidator(_named),
]
