"""What `/api/status` says. A later version of the same major number only adds fields."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 in UTC with milliseconds."""
Severity = Literal["ok", "degraded", "halted"]


class StatusPart(BaseModel):
    """A part of the status."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Condition(StatusPart):
    """Something that an operator should know."""

    severity: Severity = Field(description="degraded: work is slower or some waits; halted: nothing is done")
    title: str = Field(description="in a few words")
    detail: str = Field(description="what is known of the cause")
    what_to_do: str
    since: Time | None = Field(None, description="when it was first seen")


class MinuteOfOutcomes(StatusPart):
    """The outcomes of one minute."""

    at: Time = Field(description="its beginning")
    ingested: Count
    dead_lettered: Count
    ignored: Count


class Throughput(StatusPart):
    """Records that had an outcome."""

    per_second_1m: float = Field(ge=0, description="mean of the last minute", alias="perSecond1m")
    per_second_15m: float = Field(ge=0, description="mean of the last 15 minutes", alias="perSecond15m")
    minutes: tuple[MinuteOfOutcomes, ...] = Field((), description="the last 60, oldest first")


class PartitionLag(StatusPart):
    """A partition that we own."""

    topic: str
    partition: Count
    lag: Count | None = Field(None, description="records between the committed offset and the end; null: not known yet")
    open: Count = Field(description="records in hand")
    oldest_open_seconds: Seconds | None = Field(None, description="age of the oldest of them; null: there is none")


class Lag(StatusPart):
    """What is still to be done."""

    records: Count | None = Field(None, description="of all our partitions; null: not known yet")
    oldest_open_seconds: Seconds | None = Field(None, description="age of the oldest record in hand")
    partitions: tuple[PartitionLag, ...] = ()


class Held(StatusPart):
    """What is in memory."""

    records: Count
    bytes: Count
    limit_records: Count
    limit_bytes: Count
    by_state: dict[str, Count] = Field(description="queued, working, waiting, publishing")


class RouteLatency(StatusPart):
    """How long SciCat takes for a kind of request."""

    route: str
    requests: Count = Field(description="since the start")
    p50_seconds: Seconds | None = Field(None, alias="p50Seconds", description="of the last 500")
    p95_seconds: Seconds | None = Field(None, alias="p95Seconds", description="of the last 500")


class Scicat(StatusPart):
    """The way to SciCat."""

    circuit: Literal["closed", "trial", "open"]
    concurrency_limit: Count
    in_flight: Count
    waiting: Count = Field(description="records that wait for a place")
    rate_per_second: float | None = Field(None, description="our share of the rate limit; null: no limit")
    retry_budget: Count
    retry_budget_limit: Count
    token_expires_at: Time | None = Field(None, description="null: it does not say, or there is none yet")
    routes: tuple[RouteLatency, ...] = ()


class Kafka(StatusPart):
    """The way to Kafka."""

    assigned_partitions: Count
    commits: Count
    last_commit_seconds: Seconds | None = Field(None, description="how long ago; null: never")
    rebalances: Count
    acknowledges: bool = Field(description="false: it does not acknowledge outcomes; nothing new is begun")


class Source(StatusPart):
    """An input topic."""

    topic: str
    mapping: str = Field(description="names of the mapping files that are tried, or native")
    held: bool
    reason: str | None = Field(None, description="why it is held")


class LastOutcome(StatusPart):
    """What became of a record."""

    at: Time
    outcome: str = Field(
        description="created, already_present, completed, updated, dead_lettered or ignored",
    )
    pid: str | None = None
    acquisition_id: str | None = None
    instrument: str | None = None
    duration_seconds: Seconds = Field(description="from receiving the record to the acknowledged outcome")
    reason: str | None = Field(None, description="of a dead letter, or why it was ignored")
    message: str | None = Field(None, description="of a dead letter, at most 300 characters")
    record: str = Field(description="topic/partition/offset")
    dataset_url: str | None = Field(None, description="by scicat.dataset_page")


class DeadLetters(StatusPart):
    """Dead letters of one reason, since the start."""

    reason: str
    count: Count
    last_at: Time
    hint: str


class StatusV1(StatusPart):
    """The status of one process of the service."""

    model_config = ConfigDict(title="Status v1")

    version: str = Field(description="of the service")
    name: str = Field(description="of the host or pod")
    now: Time
    started_at: Time
    state: str = Field(description="of the engine: docs/states.md")
    severity: Severity = Field(description="the worst of the conditions")
    conditions: tuple[Condition, ...] = Field((), description="empty: all is well")
    throughput: Throughput
    lag: Lag
    held: Held
    scicat: Scicat
    kafka: Kafka
    sources: tuple[Source, ...] = ()
    last_outcomes: tuple[LastOutcome, ...] = Field((), description="at most 100, newest first")
    dead_letters: tuple[DeadLetters, ...] = Field((), description="by reason, most first")
    configuration: dict[str, Any] = Field(description="the settings, without secrets")
