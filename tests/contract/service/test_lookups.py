"""Look-ups in the stand-in, with a clock of our own: found, late, never, unreadable, and while SciCat is away."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from tests.contract.service.bench import Bench

from scicat_ingest.bootstrap import rules_by_topic
from scicat_ingest.deliver.delivered import TryAgain
from scicat_ingest.engine.assignment import Bounds
from scicat_ingest.engine.engine import Engine, Parts
from scicat_ingest.engine.observer import Observer
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.ports import Aside, Prepared
from scicat_ingest.faults import CredentialsRejected, WrongEndpoint
from scicat_ingest.report.outcome import DeadLettered, Ingested
from scicat_ingest.testing.facility import EmptyFacility
from scicat_ingest.testing.memory_kafka import MemoryKafka
from scicat_ingest.testing.stand_in import StandInThread
from scicat_ingest.testing.stand_in.store import INSTRUMENTS, PROPOSALS, SAMPLES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.contract.service.bench import Clock, Send

    from scicat_ingest.deliver.deliveries import Deliveries
    from scicat_ingest.deliver.wire import WireAnswer
    from scicat_ingest.engine.ports import Job
    from scicat_ingest.report.outcome import Outcome

pytestmark = pytest.mark.anyio

PROPOSAL = {
    "proposalId": "p1001",
    "pi_firstname": "Lise",
    "pi_lastname": "Meitner",
    "pi_email": "lise@example.org",
    "email": "office@example.org",
    "ownerGroup": "pg1001",
    "accessGroups": ["ingestor"],
}
SAMPLE = {"sampleId": "s-17", "ownerGroup": "pg1001", "accessGroups": ["ingestor"]}
ODIN = {"name": "ODIN", "uniqueName": "odin", "pid": "pid-odin"}
ALL = {"instrument": "on", "proposal": "on", "sample": "on"}
EVERYTHING = {"instrument": {"name": "ODIN"}, "proposal": {"id": "p1001"}, "sample": {"id": "s-17"}}
LATE = {"proposalId": "late"} | {name: PROPOSAL[name] for name in ("ownerGroup", "accessGroups")}
TO_LATE = {"proposal": {"id": "late"}}


@pytest.fixture
def stand_in(clock: Clock) -> Iterator[StandInThread]:
    instruments = (ODIN, *({"name": "TWICE", "uniqueName": name, "pid": f"pid-{name}"} for name in ("one", "two")))
    with StandInThread(
        clock=lambda: clock.now, instruments=instruments, proposals=(PROPOSAL,), samples=(SAMPLE,)
    ) as started:
        yield started


@pytest.fixture
def bench(stand_in: StandInThread, clock: Clock) -> Bench:
    bench = Bench(stand_in, clock, account="ingestor", lookups=dict(ALL))
    bench.scicat = {"read_back_group": "ingestor"}
    return bench


@dataclass
class Way:
    """The way of a record, as the engine goes it."""

    bench: Bench
    deliveries: Deliveries
    pipeline: Pipeline
    waits: list[TryAgain] = field(default_factory=list)

    def begin(self, **event: Any) -> Job:
        prepared = self.pipeline.prepare(self.bench.record(**event), self.pipeline.begin_joins())
        assert isinstance(prepared, Prepared)
        assert prepared.lane == self.bench.plan(**event).pid
        return prepared.job

    async def finish(self, job: Job) -> Outcome:
        """Attempt until there is an outcome; while the circuit is open, probe instead."""
        parts = self.deliveries.parts
        while True:
            result = await job.attempt()
            assert not isinstance(result, Aside)
            if not isinstance(result, TryAgain):
                return result
            self.waits.append(result)
            await self.bench.clock.sleep(result.seconds)
            while parts.traffic.is_open:
                await self.bench.clock.sleep(parts.traffic.probe_delay)
                await parts.probe._probe()

    async def ingest(self, **event: Any) -> Outcome:
        return await self.finish(self.begin(**event))


@asynccontextmanager
async def opened(bench: Bench, **lookups: Any) -> AsyncIterator[Way]:
    bench.lookups |= lookups
    async with bench.open() as deliveries:
        yield Way(
            bench,
            deliveries,
            Pipeline(
                rules_by_topic(bench.settings),
                deliveries,
                EmptyFacility(),
                bench.settings.joins,
                lambda: datetime.now(UTC),
            ),
        )


def stored(bench: Bench, outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Ingested), outcome
    bench.assert_once(outcome.plan)
    return dict(bench.stand_in.store.dataset(outcome.plan.pid) or {})


def looked_up(bench: Bench) -> int:
    routes = ("/instruments", "/proposals", "/samples")
    return sum(n for route, n in bench.stand_in.requests.items() if any(word in route for word in routes))


async def test_what_is_found_becomes_part_of_the_dataset(bench: Bench) -> None:
    """One request for each, before the dataset is made."""
    bench.mapping |= {
        "owner_group": "{lookup.proposal.ownerGroup|proposal.id}",
        "access_groups": ["{lookup.proposal.accessGroups}"],
    }
    bench.account = "admin"
    bench.scicat = {}
    async with opened(bench) as way:
        dataset = stored(bench, await way.ingest(**EVERYTHING))
    assert dataset["instrumentIds"] == ["pid-odin"]
    assert dataset["principalInvestigators"] == ["Lise Meitner"]
    assert (dataset["owner"], dataset["contactEmail"]) == ("Lise Meitner", "lise@example.org")
    assert (dataset["ownerGroup"], dataset["accessGroups"]) == ("pg1001", ["ingestor"])
    assert (looked_up(bench), way.waits) == (3, [])


async def test_nothing_is_asked_for_by_default(bench: Bench) -> None:
    """Nor for what an event does not name."""
    async with opened(bench, instrument="off", proposal="off", sample="off") as way:
        stored(bench, await way.ingest(**EVERYTHING))
    async with opened(bench, **ALL) as way:
        stored(bench, await way.ingest(acquisitionId="run-2", proposal=None, instrument={"id": "ODIN"}))
    assert looked_up(bench) == 0


async def test_many_records_of_one_proposal_ask_once_until_the_answer_is_too_old(bench: Bench) -> None:
    """However many come at the same time."""
    async with opened(bench, ttl_seconds=600) as way:

        async def ingest(number: int) -> None:
            stored(bench, await way.ingest(acquisitionId=f"run-{number}"))

        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(ingest, number)
        assert looked_up(bench) == 1
        bench.clock.now += 599
        await ingest(20)
        assert looked_up(bench) == 1
        bench.clock.now += 2
        await ingest(21)
    assert looked_up(bench) == 2


@pytest.mark.parametrize("kind", [INSTRUMENTS, PROPOSALS, SAMPLES])
async def test_what_comes_late_is_waited_for(bench: Bench, kind: str) -> None:
    """Its record goes on within a minute and a half; meanwhile it holds no place."""
    event = {INSTRUMENTS: {"instrument": {"name": "LATE"}}, PROPOSALS: TO_LATE, SAMPLES: {"sample": {"id": "late"}}}[
        kind
    ]
    documents: dict[str, dict[str, Any]] = {
        INSTRUMENTS: {"name": "LATE", "pid": "late"},
        PROPOSALS: LATE,
        SAMPLES: SAMPLE | {"sampleId": "late"},
    }
    async with opened(bench) as way:
        job = way.begin(**event)
        while sum(bench.clock.slept) < 300:
            wait = await job.attempt()
            assert isinstance(wait, TryAgain)
            assert "'late'" in wait.why.lower()
            await bench.clock.sleep(wait.seconds)
        bench.stand_in.store.insert(kind, "late", documents[kind])
        came_at = bench.clock.now
        outcome = await way.finish(job)
    dataset = stored(bench, outcome)
    assert bench.clock.now - came_at < 90
    assert dataset["ownerGroup"] == ("late" if kind == PROPOSALS else "p1001")
    assert isinstance(outcome, Ingested)
    assert outcome.plan.warnings == ()


async def test_waiting_asks_now_and_then(bench: Bench) -> None:
    """Its delays grow, and that something is not there is known for half a minute."""
    async with opened(bench) as way:
        await way.ingest(**TO_LATE)
    assert len(way.waits) < 60
    assert bench.stand_in.answers["GET /api/v3/proposals/{id}", 404] <= 2 * 31, "twice in 30 s at most"


async def test_what_never_comes_leads_into_the_fallback_group(bench: Bench) -> None:
    """After 15 min by the record's own count, with a warning; nobody else may see it."""
    async with opened(bench, wait_seconds=900) as way:
        outcome = await way.ingest(**TO_LATE)
    dataset = stored(bench, outcome)
    assert sum(bench.clock.slept) == pytest.approx(900)
    assert (dataset["ownerGroup"], dataset["accessGroups"]) == ("unassigned", ["ingestor"])
    assert isinstance(outcome, Ingested)
    (warning,) = outcome.plan.warnings
    assert warning == "proposal.id: the proposal 'late' is not in SciCat, so only 'unassigned' may see the dataset"


async def test_what_never_comes_becomes_a_dead_letter_where_it_shall(bench: Bench) -> None:
    """With the pid, and nothing is posted."""
    async with opened(bench, on_missing="dead_letter") as way:
        outcome = await way.ingest(**TO_LATE)
    assert isinstance(outcome, DeadLettered)
    assert (outcome.fault.code, outcome.fault.field) == ("dependency_missing", "proposal.id")
    assert "the proposal 'late' is not in SciCat; waited 900 s for it" in outcome.fault.message
    assert outcome.pid == bench.plan(**TO_LATE).pid
    assert bench.posts().keys() == {"POST /api/v3/auth/login"}


async def test_what_came_too_late_can_be_set_right(bench: Bench) -> None:
    """A replay tells what differs, a higher revision gives the dataset to its proposal's group."""
    bench.account = "admin"
    bench.scicat = {}
    async with opened(bench, wait_seconds=0) as way:
        assert stored(bench, await way.ingest(**TO_LATE))["ownerGroup"] == "unassigned"
        bench.stand_in.store.insert(PROPOSALS, "late", LATE)
        bench.clock.now += 31
        replayed = await way.ingest(**TO_LATE)
        assert isinstance(replayed, Ingested)
        assert any("ownerGroup" in drift for drift in replayed.delivered.drift)
        corrected = await way.ingest(**TO_LATE, revision=1)
    assert stored(bench, corrected)["ownerGroup"] == "late"
    assert isinstance(corrected, Ingested)
    assert corrected.delivered.verdict == "updated"


async def test_the_wait_is_each_records_own(bench: Bench) -> None:
    """A record that comes later waits as long; time in which it has no attempt does not count."""
    async with opened(bench, wait_seconds=60) as way:
        job = way.begin(**TO_LATE)
        assert isinstance(await job.attempt(), TryAgain)
        bench.clock.now += 3600
        assert isinstance(await job.attempt(), TryAgain)
        await way.finish(job)
        slept = sum(bench.clock.slept)
        await way.ingest(acquisitionId="run-2", **TO_LATE)
    assert sum(bench.clock.slept) - slept == pytest.approx(60)


async def test_without_a_wait_the_policy_comes_at_once(bench: Bench) -> None:
    """For those whose proposals are always there first."""
    async with opened(bench, wait_seconds=0) as way:
        stored(bench, await way.ingest(**TO_LATE))
    assert bench.clock.slept == []


async def test_a_proposal_that_we_may_not_read_says_so(bench: Bench) -> None:
    """It may not be told from a missing one by what becomes of it, but by the reason."""
    bench.stand_in.store.insert(PROPOSALS, "late", {"proposalId": "late", "ownerGroup": "others"})
    async with opened(bench, on_missing="dead_letter", wait_seconds=0) as way:
        outcome = await way.ingest(**TO_LATE)
    assert isinstance(outcome, DeadLettered)
    assert "not ours to read" in outcome.fault.message


async def test_an_ambiguous_instrument_is_left_out_with_a_warning(bench: Bench) -> None:
    """Both pids are named for the curator."""
    async with opened(bench) as way:
        outcome = await way.ingest(instrument={"name": "TWICE"})
    assert stored(bench, outcome)["instrumentIds"] == []
    assert isinstance(outcome, Ingested)
    assert any("pid-one, pid-two" in warning for warning in outcome.plan.warnings)


async def test_the_engine_works_on_others_while_one_waits(bench: Bench) -> None:
    """In the same partition, and later records of the waiting one's pid stay behind it."""
    topic = bench.settings.sources[0].topic
    events: list[dict[str, Any]] = [TO_LATE, {"acquisitionId": "run-2"}, {"revision": 1, **TO_LATE}]
    async with opened(bench) as way, MemoryKafka() as kafka, anyio.create_task_group() as tasks:
        kafka.create_topic(topic)
        for event in events:
            kafka.append(topic, 0, bench.record(**event).value)
        stream = kafka.member("replica", [topic], "group")
        engine = Engine(Parts(stream, way.pipeline, stream.publisher(), Observer(), way.deliveries), Bounds())
        tasks.start_soon(engine.run)
        with anyio.fail_after(30):
            while len(kafka.published) < 1:
                await kafka.something_happens(0.05)
            assert [message.outcome.record.offset for message in kafka.published] == [1]
            assert looked_up(bench) > 1
            bench.stand_in.store.insert(PROPOSALS, "late", LATE)
            bench.clock.now += 31
            while len(kafka.published) < len(events):
                await kafka.something_happens(0.05)
        await engine.stop()
        assert [message.outcome.record.offset for message in kafka.published] == [1, 0, 2]
        assert kafka.group("group").committed == {(topic, 0): len(events)}


# Our token


async def not_found(_: Send) -> WireAnswer:
    """Answer as v3 may do to a dead token."""
    await anyio.lowlevel.checkpoint()
    return httpx.Response(404, json={"message": "Proposals: p1001 not found", "statusCode": 404})


async def test_absence_told_to_a_dead_token_is_not_believed(bench: Bench) -> None:
    """Another login, another question, and no wait."""
    bench.mishaps = {("GET", "p1001"): {1: not_found}, ("GET", "whoami"): {1: "empty"}}
    async with opened(bench) as way:
        await way.deliveries.parts.client._token()
        bench.clock.now += 10
        assert stored(bench, await way.ingest())["principalInvestigators"] == ["Lise Meitner"]
    assert way.waits == []
    assert bench.stand_in.requests["POST /api/v3/auth/login"] == 2


async def test_a_dead_token_that_cannot_be_renewed_halts(bench: Bench) -> None:
    """Neither a wait nor a dead letter: the set-up is wrong."""
    async with bench.open():
        assert bench.credentials is not None
        token = await bench.credentials.token()
    bench.scicat |= {"token": token}
    bench.clock.now += 4000
    async with opened(bench) as way:
        for event in ({}, TO_LATE, {"instrument": {"name": "nobody's"}}):
            with pytest.raises(CredentialsRejected):
                await way.begin(**event).attempt()


# SciCat is away


async def test_an_outage_is_waited_for_and_is_no_absence(bench: Bench) -> None:
    """However long: the circuit opens, and the same job goes on afterwards."""
    async with opened(bench, wait_seconds=60, on_missing="dead_letter") as way:
        bench.stand_in.crash()
        job = way.begin()
        for _ in range(20):
            wait = await job.attempt()
            assert isinstance(wait, TryAgain)
            bench.clock.now += 600
        assert way.deliveries.parts.traffic.is_open
        bench.stand_in.start_again()
        stored(bench, await way.finish(job))


@pytest.mark.parametrize("mishap", ["lose answer", "refuse connection", "503", "empty"])
async def test_a_mishap_of_a_look_up_is_tried_again(bench: Bench, mishap: str) -> None:
    """It is nobody's absence, and not remembered; an empty answer is asked for again at once."""
    bench.mishaps = {("GET", "p1001"): {1: mishap}}
    async with opened(bench) as way:
        assert stored(bench, await way.ingest())["principalInvestigators"] == ["Lise Meitner"]
    assert len(way.waits) == (0 if mishap == "empty" else 1)


async def broken(_: Send) -> WireAnswer:
    """Answer as a server does that cannot read one document."""
    await anyio.lowlevel.checkpoint()
    return httpx.Response(500, content=b'"Internal server error"')


async def test_what_always_fails_while_scicat_is_up_is_a_dead_letter_in_the_end(bench: Bench) -> None:
    """After `retry.max_age_seconds`, so that it does not block its partition for ever."""
    bench.mishaps = {("GET", "p1001"): dict.fromkeys(range(1, 1000), broken)}
    async with opened(bench) as way:
        outcome = await way.ingest()
        assert isinstance(outcome, DeadLettered)
        assert outcome.fault.code == "rejected_by_catalogue"
        assert sum(bench.clock.slept) > bench.settings.retry.max_age_seconds
        stored(bench, await way.ingest(acquisitionId="run-2", proposal={"id": "late"}, endedAt="2026-04-22T10:54:53Z"))


async def test_a_server_without_the_route_halts_and_goes_on_when_it_has_it(bench: Bench) -> None:
    """The same job: nothing is lost."""
    bench.mishaps = {("GET", "p1001"): {1: "redirect"}}
    async with opened(bench) as way:
        job = way.begin()
        with pytest.raises(WrongEndpoint):
            await job.attempt()
        stored(bench, await way.finish(job))
