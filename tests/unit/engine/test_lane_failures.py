"""What becomes of later records of an acquisition of which one is a dead letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.unit.acquisition_events import event, record, rules

from scicat_ingest.deliver.delivered import Delivered, SoFar
from scicat_ingest.engine import lane_failures
from scicat_ingest.engine.lane_failures import LaneFailures
from scicat_ingest.engine.observer import Observer
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.ports import Prepared
from scicat_ingest.engine.withholding import Withholding
from scicat_ingest.faults import ForbiddenGroup
from scicat_ingest.report.outcome import DeadLettered, Ingested
from scicat_ingest.settings import JoinsSettings
from scicat_ingest.testing.facility import EmptyFacility

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.report.outcome import Outcome

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


GOOD, BAD = record(event()), replace(record(event(title="bad")), offset=3)
OTHER = replace(record(event(acquisitionId="another")), offset=9)
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
    broken = replace(record(b"{"), offset=3)
    assert [run(stage, each) for each in (broken, GOOD)] == ["invalid_json", "earlier_failed"]


def test_a_record_that_failed_and_comes_again_has_its_own_reason() -> None:
    """After a rebalance: it is not its own predecessor."""
    stage = pipeline("dead_letter")
    assert [run(stage, each) for each in (BAD, BAD, GOOD, BAD)] == [
        "forbidden_group",
        "forbidden_group",
        "earlier_failed",
        "forbidden_group",
    ]


REFUSED = {
    "duplicate_path": event(files=[{"path": "a", "size": 1}, {"path": "a", "size": 2}]),
    "invalid_field": event(endedAt="yesterday"),
    "unsupported_version": event(specVersion="2"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_record_that_is_refused_at_once_is_in_the_lane_of_its_acquisition(code: str) -> None:
    """Whatever its key is; so its pid is in the dead letter, and what comes later knows of it."""
    stage = pipeline("dead_letter")
    bad, good = (replace(record(value), key=None, offset=n) for n, value in enumerate((REFUSED[code], event())))
    lanes = [stage.prepare(each, stage.begin_joins()) for each in (bad, good)]
    assert isinstance(lanes[0], Prepared)
    assert isinstance(lanes[1], Prepared)
    assert lanes[0].lane == lanes[1].lane
    outcome = anyio.run(lanes[0].job.attempt)
    assert isinstance(outcome, DeadLettered)
    assert (outcome.fault.code, outcome.pid) == (code, lanes[0].lane)
    assert run(stage, good) == "earlier_failed"


@pytest.mark.parametrize(
    "value",
    [
        event(acquisitionId=None),
        event(acquisitionId=17, endedAt="yesterday"),
        event(instrument="ODIN"),
        event(pid="10.9999/not-ours", endedAt="yesterday"),
        event(pid="20.500.12345/..", endedAt="yesterday"),
    ],
)
def test_a_pid_that_cannot_be_told_is_not_invented(value: bytes) -> None:
    """Its dead letter has none, and must not be closed by another acquisition."""
    stage = pipeline("continue")
    prepared = stage.prepare(record(value), stage.begin_joins())
    assert isinstance(prepared, Prepared)
    outcome = anyio.run(prepared.job.attempt)
    assert isinstance(outcome, DeadLettered)
    assert outcome.pid is None


def test_nothing_of_a_held_acquisition_is_published() -> None:
    """Neither what has failed nor what comes later, in whichever lane; it is told once. Others are."""
    told: list[Outcome] = []

    class Told(Observer):
        def lane_held(self, outcome: Outcome) -> None:
            told.append(outcome)

    stage, withholding = pipeline("hold"), Withholding((), ["scicat.acquisitions"], Told())
    broken = replace(record(b"{"), offset=3)
    published = []
    for given in (broken, GOOD, replace(OTHER, key=b"another")):
        prepared = stage.prepare(given, stage.begin_joins())
        assert isinstance(prepared, Prepared)
        outcome: Any = anyio.run(prepared.job.attempt)
        work: Any = SimpleNamespace(record=given, lane=prepared.lane)
        if not withholding.concerns(work, outcome, 0.0, lambda _: None):
            published.append(given)
    assert [each.offset for each in published] == [OTHER.offset]
    assert [outcome.record for outcome in told] == [broken]


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
    assert [failures.earlier((name,), OTHER) is not None for name in "abc"] == [False, True, True]
    assert failures.earlier(("c",), OTHER) == str(GOOD)
