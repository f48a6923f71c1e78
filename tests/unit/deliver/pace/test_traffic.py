"""What all deliveries share: gates, lessons, numbers."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from scicat_ingest.deliver.classify import Health, Route
from scicat_ingest.deliver.pace.traffic import Ended, Traffic
from scicat_ingest.faults import CatalogueUnavailable
from scicat_ingest.settings import LimitsSettings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    """Sleeping lets time pass at once."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def chance(self) -> float:
        return 0.5


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def traffic(clock: Clock) -> Traffic:
    return Traffic(LimitsSettings(), clock)


def ended(*, good: bool, writes: bool = True, **more: Any) -> Ended:
    return Ended(Route.POST_DATASET if writes else Route.READ, 100, 0.01, good=good, **more)


async def test_requests_are_spaced_by_the_share_of_the_rate(traffic: Traffic, clock: Clock) -> None:
    """What was waited is counted."""
    traffic.take_share(0.2)
    for _ in range(100):
        await traffic.admit()
    assert 9 <= sum(clock.slept) <= 11
    assert traffic.numbers.rate == 10
    assert traffic.numbers.waited_seconds == sum(clock.slept)


async def test_a_short_wish_to_be_left_alone_is_waited_for_and_a_long_one_gives_the_place_back(
    traffic: Traffic, clock: Clock
) -> None:
    """Whoever asked for it."""
    traffic.ended("a", ended(good=False, pushed_back=True, retry_after=1.5))
    assert not traffic.is_cooling
    await traffic.admit()
    assert clock.slept == [1.5]
    traffic.ended(None, ended(good=False, pushed_back=True, retry_after=600))
    assert traffic.is_cooling
    with pytest.raises(CatalogueUnavailable, match="left alone for 600 s") as caught:
        await traffic.admit()
    assert caught.value.retry_after == 600
    clock.now += 600
    await traffic.admit()


def fail_alone(traffic: Traffic, pid: str, health: Health, *, wrote: bool = True) -> None:
    began = traffic.begin(pid)
    traffic.ended(pid, ended(good=False))
    traffic.failed(pid, began, health, wrote=wrote)
    traffic.end(pid)


async def test_a_server_that_is_down_has_no_places(traffic: Traffic) -> None:
    """Until a probe was good; then one, until a write was."""
    assert traffic.places == 2
    fail_alone(traffic, "a", Health.DOWN)
    assert (traffic.places, traffic.is_open, traffic.numbers.circuit) == (0, True, "open")
    with anyio.fail_after(1):
        await traffic.until_open()
    traffic.probed(good=False)
    assert traffic.places == 0
    traffic.probed(good=True)
    assert (traffic.places, traffic.trying) == (1, True)
    traffic.ended("b", ended(good=True, writes=False))
    assert traffic.trying, "reads prove nothing about writes"
    traffic.ended("b", ended(good=True))
    assert (traffic.closed, traffic.numbers.circuit_opened) == (True, 1)


async def test_a_trial_that_fails_opens_again(traffic: Traffic) -> None:
    """Also when health is good: writes may hang while reads work."""
    fail_alone(traffic, "a", Health.DOWN)
    traffic.probed(good=True)
    fail_alone(traffic, "b", Health.UP)
    assert (traffic.is_open, traffic.numbers.circuit_opened) == (True, 2)


async def test_an_attempt_from_before_says_nothing_about_now(traffic: Traffic) -> None:
    """Its request was under way when the circuit opened, and it fails long after."""
    before = traffic.begin("slow")
    fail_alone(traffic, "a", Health.DOWN)
    traffic.probed(good=True)
    traffic.failed("slow", before, Health.DOWN, wrote=True)
    assert traffic.trying
    assert not traffic.is_deadly("slow")


async def test_a_write_that_was_under_way_when_the_circuit_opened_makes_a_suspect(traffic: Traffic) -> None:
    """The failures of those beside it may have opened it first: nothing else would ever try this one alone."""
    before = {name: traffic.begin(name) for name in ("innocent", "poison")}
    fail_alone(traffic, "a", Health.DOWN, wrote=False)
    traffic.failed("innocent", before["innocent"], Health.DOWN, wrote=False)
    traffic.failed("poison", before["poison"], Health.DOWN, wrote=True)
    assert [name in traffic.isolated for name in before] == [False, True]


@pytest.mark.parametrize(("good_before", "opens"), [(4.0, False), (6.0, True)])
async def test_silence_is_believed_only_if_nobody_had_an_answer_lately(
    traffic: Traffic, clock: Clock, good_before: float, *, opens: bool
) -> None:
    """One lost answer proves nothing."""
    traffic.ended("other", ended(good=True))
    clock.now += good_before
    fail_alone(traffic, "a", Health.SILENT)
    assert traffic.is_open is opens


async def test_only_a_write_that_may_have_arrived_makes_a_suspect(traffic: Traffic) -> None:
    """Twice alone, and it is the one; a refused connection was nobody's deed."""
    for _ in range(3):
        fail_alone(traffic, "innocent", Health.DOWN, wrote=False)
        traffic.probed(good=True)
    assert not traffic.is_deadly("innocent")
    assert "innocent" not in traffic.isolated
    for _ in range(2):
        fail_alone(traffic, "poison", Health.DOWN)
        traffic.probed(good=True)
    assert traffic.is_deadly("poison")
    assert ("poison" in traffic.isolated, traffic.numbers.suspects) == (True, 1)
    traffic.worked("poison")
    assert traffic.numbers.suspects == 0


async def test_an_empty_retry_budget_is_an_outage_and_no_dead_letter(traffic: Traffic) -> None:
    """Failures of few records: too few for the share of the last twenty."""
    for number in range(100):
        assert traffic.closed, number
        traffic.ended(f"pid-{number % 3}", ended(good=False))
    assert traffic.is_open
    traffic.probed(good=True)
    traffic.ended("pid-9", ended(good=True))
    assert (traffic.closed, traffic.numbers.retry_tokens) == (True, 500)


async def test_a_record_is_to_blame_when_others_get_through(traffic: Traffic) -> None:
    """Unless it gets on itself."""
    for number in range(12):
        traffic.ended("sick", ended(good=False))
        traffic.ended(f"pid-{number}", ended(good=True))
    assert traffic.blames("sick")
    traffic.moved("sick")
    assert traffic.blames("sick") is None
