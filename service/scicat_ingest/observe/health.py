"""What the probes answer: reasons, none of which means that all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.engine.states import EngineState
from scicat_ingest.observe.heart import SILENT_SECONDS

if TYPE_CHECKING:
    from scicat_ingest.observe.heart import Heart
    from scicat_ingest.observe.sights import Sights


def why_not_alive(heart: Heart, sights: Sights) -> list[str]:
    """Say what only a restart cures; neither Kafka nor SciCat nor lag is among it."""
    reasons = []
    if (silent := heart.silent_seconds) > SILENT_SECONDS:
        reasons.append(f"the event loop has not turned for {silent:.0f} s")
    if sights.died is not None:
        reasons.append(f"a task has died of {sights.died}, see the log")
    return reasons


def why_not_ready(sights: Sights) -> list[str]:
    """Say why a rollout should wait, or why this replica is about to go."""
    engine = sights.engine
    if engine is None:
        return ["waiting for Kafka, or for SciCat's answer to the login"]
    match engine.state:
        case EngineState.STARTING:
            return ["waiting for the consumer group to give partitions"]
        case EngineState.HALTED | EngineState.PROBING:
            return ["halted: the configuration is wrong, see the log"]
        case EngineState.DRAINING | EngineState.STOPPED:
            return ["stopping"]
        case _:
            return []
