"""Records that want to know something from the catalogue: mapped when their look-ups are over."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.unit.acquisition_events import event, plan, record, rules

from scicat_ingest.deliver.delivered import Delivered, SoFar, TryAgain
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.ports import LARGE_RECORD_BYTES, Prepared
from scicat_ingest.faults import DependencyMissing, MayNotCreate
from scicat_ingest.mapping.acquisition import map_acquisition
from scicat_ingest.mapping.lookups import Kind, LookedUp, Proposal, Wanted
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped
from scicat_ingest.settings import JoinsSettings
from scicat_ingest.testing.facility import EmptyFacility

if TYPE_CHECKING:
    from scicat_ingest.plan.steps import Plan

NOW = datetime(2026, 4, 22, tzinfo=UTC)
PID = plan(event()).pid
FOUND = LookedUp(proposal=Proposal(owner_group="pg1001"))


class Catalogue:
    """Gives these for look-ups, one after another, None is a wait; takes every plan."""

    def __init__(self, *answers: LookedUp | Exception | None) -> None:
        self.answers = list(answers)
        self.begun = 0

    def look_up(self, pid: str, wanted: tuple[Wanted, ...]) -> LookUps:
        assert (pid, wanted) == (PID, (Wanted(Kind.PROPOSAL, "p1001"),))
        return LookUps(self.answers)

    def begin(self, plan: Plan) -> Delivery:
        assert plan.pid
        self.begun += 1
        return Delivery()

    def abort_started(self) -> None:
        raise AssertionError("nobody stops")


class LookUps:
    def __init__(self, answers: list[LookedUp | Exception | None]) -> None:
        self._answers = answers

    async def attempt(self) -> LookedUp | TryAgain:
        await anyio.lowlevel.checkpoint()
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return TryAgain(3.0, "not there") if answer is None else answer


class Delivery:
    so_far = SoFar(1, dataset_created=False, block_ids=(), attachment_ids=())

    async def attempt(self) -> Delivered:
        await anyio.lowlevel.checkpoint()
        return Delivered("created", 1, 0, 0, 0, ("b1",), (), 1, ())


def look_up(catalogue: Catalogue, value: Any, **given: Any) -> Prepared:
    by = rules(**({"lookups": {"proposal": "on"}, "owner_group": "{lookup.proposal.ownerGroup}"} | given))
    pipeline = Pipeline({"scicat.acquisitions": by}, catalogue, EmptyFacility(), JoinsSettings(), lambda: NOW)
    prepared = pipeline.prepare(record(value), pipeline.begin_joins())
    assert isinstance(prepared, Prepared)
    return prepared


def attempts(prepared: Prepared, number: int) -> list[Any]:
    async def attempt() -> list[Any]:
        return [await prepared.job.attempt() for _ in range(number)]

    return anyio.run(attempt)


def test_a_record_is_mapped_when_its_look_ups_are_over() -> None:
    """Its lane is the pid from the start; what was found is not asked for again."""
    catalogue = Catalogue(None, None, FOUND)
    prepared = look_up(catalogue, event())
    assert prepared.lane == PID
    *waits, outcome, again = attempts(prepared, 4)
    assert waits == [TryAgain(3.0, "not there")] * 2
    for ingested in (outcome, again):
        assert isinstance(ingested, Ingested)
        assert ingested.plan.dataset.payload["ownerGroup"] == "pg1001"
    assert (catalogue.answers, catalogue.begun) == ([], 1)


@pytest.mark.parametrize("value", [event(proposal=None), b"{", None, event(status="cancelled")])
def test_what_needs_no_look_up_makes_none(value: Any) -> None:
    """As without the setting."""
    (outcome,) = attempts(look_up(Catalogue(), value), 1)
    assert isinstance(outcome, Ingested | DeadLettered | Skipped)


@pytest.mark.parametrize(
    ("change", "given"),
    [
        ({"pid": "10.1/x"}, {}),
        ({}, {"source": {"instruments": ["LOKI"]}}),
        ({"proposal": {"id": ".."}}, {}),
        ({"proposal": {"id": "p1001"}, "acquisitionId": ""}, {}),
    ],
)
def test_a_record_that_is_none_of_its_sources_is_not_looked_up(change: dict[str, Any], given: dict[str, Any]) -> None:
    """It becomes a dead letter at once."""
    (outcome,) = attempts(look_up(Catalogue(), event(**change), **given), 1)
    assert isinstance(outcome, DeadLettered)


def test_faults_of_and_after_a_look_up_are_dead_letters(caplog: pytest.LogCaptureFixture) -> None:
    """With the pid; a bug is logged with its traceback."""
    bad = event(source={"folder": "/data"}, files=[{"path": "../x", "size": 1}])
    for answer, value, code in (
        (DependencyMissing("no"), event(), "dependency_missing"),
        (ZeroDivisionError("oops"), event(), "internal_error"),
        (FOUND, bad, "path_outside_source"),
    ):
        (outcome,) = attempts(look_up(Catalogue(answer), value), 1)
        assert isinstance(outcome, DeadLettered)
        assert (outcome.fault.code, outcome.pid) == (code, PID)
    assert "Traceback" in caplog.text
    with pytest.raises(MayNotCreate):
        attempts(look_up(Catalogue(MayNotCreate("no")), event()), 1)


def test_a_large_record_is_mapped_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats share the event loop."""
    threads: list[bool] = []

    def noted(*arguments: Any) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return map_acquisition(*arguments)

    monkeypatch.setattr("scicat_ingest.engine.reading.map_acquisition", noted)
    for comment in ("small", "x" * LARGE_RECORD_BYTES):
        (outcome,) = attempts(look_up(Catalogue(FOUND), event(comment=comment)), 1)
        assert isinstance(outcome, Ingested)
    assert threads == [True, False]
