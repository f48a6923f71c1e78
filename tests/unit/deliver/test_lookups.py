"""Answers about instruments, proposals and samples: asked for once, kept for a while, never for longer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver import lookups as module
from scicat_ingest.deliver.lookups import NOT_THERE_SECONDS, Lookups
from scicat_ingest.deliver.questions import NotThere
from scicat_ingest.faults import CatalogueUnavailable
from scicat_ingest.mapping.lookups import Found, Kind, Proposal, Wanted
from scicat_ingest.settings import LookupsSettings

pytestmark = pytest.mark.anyio

P1 = Wanted(Kind.PROPOSAL, "p1")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Clock:
    """Goes on when told to."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing here sleeps, least of all for {seconds} s")

    def chance(self) -> float:
        return 0.5


@dataclass
class Source:
    """Answers with the time of the question as owner group; keys in `absent` are not there."""

    clock: Clock
    absent: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    gate: anyio.Event | None = None
    fault: Exception | None = None

    async def ask(self, wanted: Wanted) -> Found | NotThere:
        self.asked[wanted.key] += 1
        self.under_way[wanted.key] += 1
        assert self.under_way[wanted.key] == 1
        answered: Found | NotThere = Proposal(owner_group=str(self.clock.now))
        if wanted.key in self.absent:
            answered = NotThere(str(self.clock.now))
        try:
            if self.gate is not None:
                await self.gate.wait()
            await anyio.lowlevel.checkpoint()
            if self.fault is not None:
                raise self.fault
        finally:
            self.under_way[wanted.key] -= 1
        return answered


def age(found: Found | NotThere, clock: Clock) -> float:
    match found:
        case Proposal(owner_group=str(asked_at)):
            return clock.now - float(asked_at)
        case NotThere(why=asked_at):
            return clock.now - float(asked_at)
    raise AssertionError(found)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3"]),
        st.sampled_from([0.0, 1.0, 29.5, 30.0, 59.0, 60.0, 61.0]),
        st.booleans(),
    ),
    max_size=30,
)


@given(STEPS, st.sampled_from([0.0, 10.0, 60.0, 600.0]))
def test_no_answer_is_older_than_its_time_to_live(steps: list[tuple[str, float, bool]], ttl: float) -> None:
    """And none is asked for again before; that something is not there holds for 30 s at most."""

    async def look() -> None:
        clock = Clock()
        source = Source(clock)
        lookups = Lookups(source.ask, LookupsSettings(ttl_seconds=ttl), clock)
        good_until: dict[str, float] = {}
        for key, seconds, absent in steps:
            clock.now += seconds
            (source.absent.add if absent else source.absent.discard)(key)
            before = source.asked[key]
            found = await lookups.find(Wanted(Kind.PROPOSAL, key))
            assert source.asked[key] - before == (clock.now >= good_until.get(key, 0.0))
            limit = min(ttl, NOT_THERE_SECONDS) if isinstance(found, NotThere) else ttl
            good_until[key] = clock.now - age(found, clock) + limit
            assert age(found, clock) == 0 or age(found, clock) < limit

    anyio.run(look)


@given(
    st.lists(st.tuples(st.sampled_from(["p1", "p2"]), st.booleans()), min_size=1, max_size=20), st.integers(0, 2**20)
)
def test_many_who_want_the_same_cause_one_question(askers: list[tuple[str, bool]], cancelled: int) -> None:
    """Whoever of them is cancelled meanwhile, everybody else gets the answer."""

    async def look() -> None:
        clock = Clock()
        source = Source(clock, gate=anyio.Event())
        lookups = Lookups(source.ask, LookupsSettings(), clock)
        answered: list[int] = []
        scopes = [anyio.CancelScope() for _ in askers]

        async def find(number: int, key: str) -> None:
            with scopes[number]:
                await lookups.find(Wanted(Kind.PROPOSAL, key))
                answered.append(number)

        async with anyio.create_task_group() as tasks:
            for number, (key, _) in enumerate(askers):
                tasks.start_soon(find, number, key)
            await anyio.wait_all_tasks_blocked()
            assert set(source.under_way.values()) <= {0, 1}
            lost = {number for number, (_, may) in enumerate(askers) if may and cancelled >> number & 1}
            for number in lost:
                scopes[number].cancel()
            await anyio.wait_all_tasks_blocked()
            assert source.gate is not None
            source.gate.set()
        assert set(answered) == set(range(len(askers))) - lost
        if not lost:
            assert set(source.asked.values()) == {1}

    anyio.run(look)


async def test_a_failure_is_everybodys_who_waited_and_nobodys_after() -> None:
    """It is not remembered: the next one asks again."""
    clock = Clock()
    source = Source(clock, gate=anyio.Event(), fault=CatalogueUnavailable("down"))
    lookups = Lookups(source.ask, LookupsSettings(), clock)
    faults: list[CatalogueUnavailable] = []

    async def find() -> None:
        with pytest.raises(CatalogueUnavailable) as caught:
            await lookups.find(P1)
        faults.append(caught.value)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(find)
        await anyio.wait_all_tasks_blocked()
        assert source.gate is not None
        source.gate.set()
    assert len(faults) == 5
    assert source.asked == {"p1": 1}
    source.fault = None
    assert isinstance(await lookups.find(P1), Proposal)


async def test_a_bug_in_asking_is_not_waited_for() -> None:
    """Those who waited ask for themselves, and meet it."""
    clock = Clock()
    source = Source(clock, fault=ZeroDivisionError("oops"))
    lookups = Lookups(source.ask, LookupsSettings(), clock)

    async def find() -> None:
        with pytest.raises(ZeroDivisionError):
            await lookups.find(P1)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(find)
    assert source.asked == {"p1": 3}


async def test_the_answers_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not used for the longest time goes first."""
    monkeypatch.setattr(module, "MOST_REMEMBERED", 2)
    clock = Clock()
    source = Source(clock)
    lookups = Lookups(source.ask, LookupsSettings(), clock)
    for key in ("p1", "p2", "p1", "p3", "p1", "p2"):
        await lookups.find(Wanted(Kind.PROPOSAL, key))
    assert source.asked == {"p1": 1, "p2": 2, "p3": 1}


async def test_things_of_different_kinds_are_not_mixed_up() -> None:
    """A proposal and a sample may have the same id."""
    clock = Clock()
    source = Source(clock)
    lookups = Lookups(source.ask, LookupsSettings(), clock)
    for kind in (Kind.PROPOSAL, Kind.SAMPLE):
        await lookups.find(Wanted(kind, "x"))
    assert source.asked == {"x": 2}
