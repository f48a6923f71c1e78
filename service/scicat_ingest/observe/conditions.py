"""What an operator should know now, with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.catalogue.times import from_epoch_ms, write_time
from scicat_ingest.engine.states import EngineState
from scicat_ingest.observe.heart import SILENT_SECONDS
from scicat_ingest.observe.status.model import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scicat_ingest.deliver.attempt import Result
    from scicat_ingest.engine.standing import Standing
    from scicat_ingest.observe.heart import Heart
    from scicat_ingest.observe.lately import Lately
    from scicat_ingest.observe.pauses import Pauses
    from scicat_ingest.observe.sights import Sights
    from scicat_ingest.observe.status.model import Severity

_FAILURES = 10
_FAILURES_SHARE = 0.2
_NOT_WELL: tuple[Result, ...] = ("transient", "credential", "endpoint")
"""Results of requests that say that SciCat is not well, or not for us: so many of all in a minute are told."""

_SEVERITIES: tuple[Severity, ...] = ("ok", "degraded", "halted")


def worst(found: Iterable[Condition]) -> Severity:
    """Give the worst severity; ok without any."""
    return max((each.severity for each in found), key=_SEVERITIES.index, default="ok")


def conditions(
    sights: Sights, lately: Lately, heart: Heart, pauses: Pauses, standing: Standing | None
) -> Iterator[Condition]:
    """Say what is not as it should be, the worst first."""
    since = {reason: write_time(from_epoch_ms(int(at * 1000))) for reason, at in pauses.since.copy().items()}
    silent = heart.silent_seconds
    if silent > SILENT_SECONDS:
        yield Condition(
            severity="halted",
            title="the service hangs",
            detail=f"its event loop has not turned for {silent:.0f} s",
            what_to_do="It is restarted by itself within a minute, and nothing is lost. The log says where it hung.",
        )
    if lately.halt is not None:
        yield Condition(
            severity="halted",
            title="our configuration is wrong",
            detail=f"{lately.halt.code}: {lately.halt.message}",
            what_to_do=lately.halt.hint or "See the log. It goes on by itself within 5 min of being corrected.",
            since=since.get("halt"),
        )
    yield from _of_neighbours(sights, lately, standing, since)
    for topic, reason in (standing.sources_held if standing is not None else {}).items():
        yield Condition(
            severity="degraded",
            title=f"the source {topic} is held",
            detail=reason,
            what_to_do="Look at its dead letters, correct the mapping or the producer, then restart the service.",
            since=since.get("source_held"),
        )
    if lately.held_lanes:
        yield Condition(
            severity="degraded",
            title="acquisitions wait behind a record that would be a dead letter",
            detail=f"{lately.held_lanes} since the start; their source has on_lane_failure: hold",
            what_to_do="The log names them. Correct the cause, then restart the service.",
        )


def _of_neighbours(
    sights: Sights, lately: Lately, standing: Standing | None, since: dict[str, str]
) -> Iterator[Condition]:
    numbers = None if sights.deliveries is None else sights.deliveries.numbers
    if numbers is not None and numbers.circuit != "closed":
        yield Condition(
            severity="degraded",
            title="SciCat is away: work is paused",
            detail=numbers.reason,
            what_to_do="Nothing is lost. It asks every 5 s, and goes on by itself; is SciCat up?",
            since=since.get("circuit"),
        )
    elif (failures := _many_failures(lately)) is not None:
        yield failures
    if sights.kafka_away is not None and lately.silence is None:
        yield Condition(
            severity="degraded",
            title="Kafka does not answer",
            detail=sights.kafka_away,
            what_to_do="Nothing is lost. Are the brokers up, and reached from here? It goes on by itself.",
            since=since.get("kafka"),
        )
    if lately.silence is not None:
        yield Condition(
            severity="degraded",
            title="Kafka does not acknowledge outcomes",
            detail=lately.silence.message,
            what_to_do="Nothing is lost. Are the brokers up, and enough replicas in sync? It goes on by itself.",
            since=since.get("kafka"),
        )
    if sights.engine is None or sights.state is EngineState.STARTING:
        yield Condition(
            severity="degraded",
            title="starting",
            detail="it connects to Kafka, logs in to SciCat, and waits for its partitions",
            what_to_do="The log says what it waits for if this takes longer than a minute.",
        )
    elif sights.state in (EngineState.DRAINING, EngineState.STOPPED):
        yield Condition(
            severity="degraded",
            title="stopping",
            detail="what is started finishes, within 20 s",
            what_to_do="Nothing.",
        )
    elif standing is not None and not standing.partitions:
        yield Condition(
            severity="degraded",
            title="no partitions",
            detail="the consumer group has given us none",
            what_to_do="Normal in a rebalance, or with more replicas than partitions.",
        )


def _many_failures(lately: Lately) -> Condition | None:
    counts = lately.attempts_lately()
    failed = {result: counts[result] for result in _NOT_WELL if counts[result]}
    if sum(failed.values()) < max(_FAILURES, _FAILURES_SHARE * counts.total()):
        return None
    said = ", ".join(f"{count} {result}" for result, count in failed.items())
    return Condition(
        severity="degraded",
        title="many requests to SciCat fail",
        detail=f"of {counts.total()} within a minute: {said}",
        what_to_do="Each is tried again, and nothing is lost. Is SciCat overloaded? The log has its answers.",
    )
