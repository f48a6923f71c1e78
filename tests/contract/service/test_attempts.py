"""One attempt at a time: what it says about the next one, and what an interrupted one leaves behind."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import anyio
import pytest

from scicat_ingest.deliver.delivered import Delivered, TryAgain
from scicat_ingest.faults import WrongEndpoint

if TYPE_CHECKING:
    from tests.contract.service.bench import Bench, Send

    from scicat_ingest.deliver.delivery import Delivery
    from scicat_ingest.deliver.wire import WireAnswer

pytestmark = pytest.mark.anyio


async def test_a_failure_says_when_to_try_again_and_waits_for_nothing(bench: Bench) -> None:
    """The bound doubles with each failure."""
    bench.mishaps = {("POST", "datasets"): dict.fromkeys(range(1, 4), "refuse connection")}
    async with bench.open() as deliveries:
        delivery = deliveries.begin(bench.plan())
        delays = []
        for _ in range(3):
            result = await delivery.attempt()
            assert isinstance(result, TryAgain)
            assert "POST /api/v4/datasets" in result.why
            delays.append(result.seconds)
        done = await delivery.attempt()
    assert delays == [0.25, 0.5, 1.0]
    assert bench.clock.slept == []
    assert isinstance(done, Delivered)
    assert done.attempts == 4


async def test_waiting_for_another_writer_is_no_failure(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """It neither lengthens the back-off, nor counts as an attempt, nor is warned of."""
    caplog.set_level(logging.INFO)
    plan = bench.plan()
    settle = bench.settings.scicat.settle_seconds
    async with bench.open() as deliveries:
        assert await deliveries.parts.writes.create_dataset(plan, [])
        bench.mishaps["POST", "origdatablocks"] = {1: "refuse connection"}
        delivery = deliveries.begin(plan)
        for _ in range(5):
            waits = await delivery.attempt()
            assert isinstance(waits, TryAgain)
            assert waits.seconds == pytest.approx(settle * 1.25, abs=2), "a quarter of it is jitter: half of the most"
        assert {record.levelname for record in caplog.records if "touched" in record.message} == {"INFO"}
        bench.clock.now += settle + 2
        failed = await delivery.attempt()
        assert isinstance(failed, TryAgain)
        assert failed.seconds == 0.25, "as after the first failure"
        done = await bench.finish(delivery)
    assert (done.verdict, done.attempts) == ("completed", 2)
    bench.assert_once(plan)


async def test_two_records_of_one_dataset_take_turns(bench: Bench) -> None:
    """From two partitions: if both found the block missing, both would post it."""
    plan = bench.plan()
    async with bench.open() as deliveries:
        first, second = deliveries.begin(plan), deliveries.begin(plan)
        results: list[object] = []

        async def attempt(delivery: Delivery) -> None:
            results.append(await delivery.attempt())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(attempt, first)
            tasks.start_soon(attempt, second)
        assert [type(result) for result in results] == [TryAgain, Delivered]
        assert (await bench.finish(second)).verdict == "already_present"
    bench.assert_once(plan)


async def test_waiting_for_another_writer_never_makes_a_record_too_old(bench: Bench) -> None:
    """However long it keeps on writing; only a failure can be the last one."""
    plan = bench.plan()
    async with bench.open() as deliveries:
        assert await deliveries.parts.writes.create_dataset(plan, [])
        delivery = deliveries.begin(plan)
        assert isinstance(await delivery.attempt(), TryAgain)
        bench.clock.now += bench.settings.retry.max_age_seconds + 1
        assert await deliveries.parts.writes.change(plan, {"size": 0})
        assert isinstance(await delivery.attempt(), TryAgain)
        await bench.finish(delivery)
    bench.assert_once(plan)


@pytest.mark.parametrize("route", ["datasets", "origdatablocks", "attachments"])
async def test_cancellation_takes_effect_between_two_requests(bench: Bench, route: str) -> None:
    """The request under way is finished, no other one is sent, and a later attempt stores each document once."""
    plan = bench.plan()
    scope = anyio.CancelScope()

    async def cancelled_meanwhile(send: Send) -> WireAnswer:
        scope.cancel()
        return await send()

    bench.mishaps = {("POST", route): {1: cancelled_meanwhile}}
    async with bench.open() as deliveries:
        delivery = deliveries.begin(plan)
        with scope:
            await delivery.attempt()
        assert scope.cancelled_caught
        sent = {"datasets": 2, "origdatablocks": 3, "attachments": 4}[route]
        assert bench.stand_in.requests.total() == sent, "login, and all up to the one that was under way"
        assert bench.stand_in.answers[f"POST /api/v4/{route}", 201] == 1
        done = await bench.finish(delivery)
    assert done.verdict == "created"
    assert set(bench.posts().values()) == {1}, "each of them once in all"
    bench.assert_once(plan)


async def test_an_attempt_that_is_cancelled_from_the_start_sends_nothing(bench: Bench) -> None:
    """Not even the login."""
    async with bench.open() as deliveries:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await deliveries.begin(bench.plan()).attempt()
    assert scope.cancelled_caught
    assert bench.stand_in.requests.total() == 0


async def test_waiting_for_a_free_connection_can_be_cancelled(bench: Bench) -> None:
    """Nothing was sent yet, so there is nothing to wait for."""
    held, release = anyio.Event(), anyio.Event()

    async def held_up(send: Send) -> WireAnswer:
        held.set()
        await release.wait()
        return await send()

    bench.mishaps = {("POST", "datasets"): {1: held_up}}
    async with bench.open() as deliveries, anyio.create_task_group() as tasks:
        deliveries.parts.client._gate = asyncio.Semaphore(1)
        tasks.start_soon(deliveries.begin(bench.plan()).attempt)
        await held.wait()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await deliveries.begin(bench.plan(acquisitionId="other")).attempt()
        assert scope.cancelled_caught
        release.set()
    assert bench.stand_in.requests["POST /api/v4/datasets"] == 1


async def test_a_cancellation_that_comes_with_the_free_connection_is_obeyed(bench: Bench) -> None:
    """The last moment before a request is sent."""
    scope = anyio.CancelScope()
    async with bench.open() as deliveries, anyio.create_task_group() as tasks:
        gate = deliveries.parts.client._gate = asyncio.Semaphore(1)
        await gate.acquire()

        async def attempt() -> None:
            with scope:
                await deliveries.begin(bench.plan()).attempt()

        tasks.start_soon(attempt)
        await anyio.wait_all_tasks_blocked()
        gate.release()
        scope.cancel()
    assert scope.cancelled_caught
    assert not gate.locked()
    assert bench.stand_in.requests.total() == 0


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("route", ["datasets", "origdatablocks", "attachments"])
async def test_a_hard_stop_interrupts_requests_that_are_cancelled(bench: Bench, route: str, stored: bool) -> None:  # noqa: FBT001
    """At once; whether the document was stored or not, a later attempt stores it once."""
    plan = bench.plan()
    under_way = anyio.Event()
    ended = False

    async def never_answered(send: Send) -> WireAnswer:
        if stored:
            await send()
        under_way.set()
        await anyio.sleep_forever()
        raise AssertionError

    bench.mishaps = {("POST", route): {1: never_answered}}
    async with bench.open() as deliveries:
        delivery = deliveries.begin(plan)

        async def attempt() -> None:
            nonlocal ended
            try:
                await delivery.attempt()
            finally:
                ended = True

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(attempt)
            await under_way.wait()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.wait_all_tasks_blocked()
                assert not ended, "it waits for the answer"
            deliveries.abort_started()
        assert ended
        await bench.finish(delivery)
    bench.assert_once(plan)


async def test_a_hard_stop_leaves_alone_what_is_not_cancelled(bench: Bench) -> None:
    """It only lets cancellations through."""

    async def aborted_meanwhile(send: Send) -> WireAnswer:
        deliveries.abort_started()
        return await send()

    bench.mishaps = {("POST", "origdatablocks"): {1: aborted_meanwhile}}
    plan = bench.plan()
    async with bench.open() as deliveries:
        assert isinstance(await deliveries.begin(plan).attempt(), Delivered)
    bench.assert_once(plan)


@pytest.mark.parametrize("route", ["datasets", "origdatablocks"])
async def test_after_a_halt_the_same_delivery_goes_on(bench: Bench, route: str) -> None:
    """With a look first, and with the settle time for what may be half-written; each document is there once."""
    bench.mishaps = {("POST", route): {1: "redirect", 2: "redirect"}}
    plan = bench.plan()
    async with bench.open() as deliveries:
        delivery = deliveries.begin(plan)
        with pytest.raises(WrongEndpoint):
            await delivery.attempt()
        reads = sum(number for what, number in bench.stand_in.requests.items() if what.startswith("GET"))
        assert reads == 0
        done = await bench.finish(delivery)
    assert done.verdict == "created"
    assert any(what.startswith("GET") for what in bench.stand_in.requests)
    assert sum(bench.clock.slept) == (0 if route == "datasets" else pytest.approx(75, abs=2)), "with jitter"
    bench.assert_once(plan)
