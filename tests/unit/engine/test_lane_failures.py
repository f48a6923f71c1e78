"""What becomes of later records of an acquisition of which one is a dead letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
from tests.unit.acquisition_events import event, record, rules

from scicat_ingest.deliver.delivered import Delivered, SoFar
from scicat_ingest.engine import lane_failures
from scicat_ingest.engine.lane_failures import LaneFailures
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.ports import Prepared
from scicat_ingest.faults import ForbiddenGroup
from scicat_ingest.report.outcome import DeadLettered, Ingested
from scicat_ingest.settings import JoinsSettings
from scicat_ingest.testing.facility import EmptyFacility

if TYPE_CHECKING:
    import pytest

    from scicat_ingest.consume.record import Record
    from scicat_ingest.plan.steps import Plan

NOW = datetime(2026, 4, 22, tzinfo=UTC)


class Catalogue:
    """Refuses datasets whose title says so."""

    def __init__(self) -> None:
        self.refused = {"bad"}

    def begin(self, plan: Plan) -> Any:
        refused = plan.dataset.payload["datasetName"] in self.refused

        class Delivery:
            so_far = SoFar(1, False, (), ())  # noqa: FBT003

            async def attempt(self) -> Delivered:
                if refused:
                    raise ForbiddenGroup("no")
                return Delivered("created", 1, 0, 0, 0, (), (), 1, ())

        return Delivery()

    def look_up(self, pid: str, wanted: Any) -> Any:
        raise NotImplementedError

    def abort_started(self) -> None:
        pass


def pipeline(policy: str, catalogue: Catalogue | None = None) -> Pipeline:
    by = rules(source={"on_lane_failure": policy}, contact_email="x@example.org")
    return Pipeline(
        {"scicat.acquisitions": by}, catalogue or Catalogue(), EmptyFacility(), JoinsSettings(), lambda: NOW
    )


def run(stage: Pipeline, given: Record) -> str:
    """Give the reason of a dead letter, else the verdict."""
    prepared = stage.prepare(given, stage.begin_joins())
    assert isinstance(prepared, Prepared)
    outcome = anyio.run(prepared.job.attempt)
    if isinstance(outcome, DeadLettered):
        return outcome.fault.code
    assert isinstance(outcome, Ingested)
    return outcome.delivered.verdict


GOOD, BAD, OTHER = record(event()), record(event(title="bad")), record(event(acquisitionId="another"))
REPLAYED = replace(BAD, headers=(("ingest.replay.of", b"letter"),))


def test_each_record_is_judged_on_its_own_by_default() -> None:
    """A corrected event is ingested at once."""
    stage = pipeline("continue")
    assert [run(stage, each) for each in (BAD, GOOD)] == ["forbidden_group", "created"]


def test_what_comes_after_a_dead_letter_becomes_one_too() -> None:
    """Of the same acquisition only, until its first one was replayed and ingested."""
    catalogue = Catalogue()
    stage = pipeline("dead_letter", catalogue)
    other = replace(OTHER, key=b"another")
    assert [run(stage, each) for each in (BAD, GOOD, GOOD, other)] == [
        "forbidden_group",
        "earlier_failed",
        "earlier_failed",
        "created",
    ]
    assert run(stage, REPLAYED) == "forbidden_group"
    assert run(stage, GOOD) == "earlier_failed"
    catalogue.refused.clear()
    assert [run(stage, each) for each in (REPLAYED, GOOD)] == ["created", "created"]


def test_a_record_that_cannot_be_read_stops_those_of_its_key() -> None:
    """Nobody can tell its pid."""
    stage = pipeline("dead_letter")
    assert [run(stage, each) for each in (record(b"{"), GOOD)] == ["invalid_json", "earlier_failed"]


def test_an_acquisition_that_failed_itself_is_no_failure_of_its_lane() -> None:
    """A later revision may say that it is completed."""
    stage = pipeline("dead_letter")
    assert [run(stage, each) for each in (record(event(status="failed")), GOOD)] == ["acquisition_failed", "created"]


def test_only_so_many_lanes_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is forgotten."""
    monkeypatch.setattr(lane_failures, "MOST_LANES", 2)
    failures = LaneFailures()
    for name in "abc":
        failures.add((name,), GOOD)
    assert [failures.earlier((name,)) is not None for name in "abc"] == [False, True, True]
    assert failures.earlier(("c",)) == str(GOOD)
