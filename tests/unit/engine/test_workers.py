"""Tasks that are kept for more work."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from scicat_ingest.engine.workers import Workers

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Bench:
    """Work that is done when it is released, and the tasks that do it."""

    def __init__(self) -> None:
        self.workers = Workers(self.work_on)
        self.release = anyio.Event()
        self.tasks: dict[str, asyncio.Task[object] | None] = {}
        self.done: list[str] = []

    async def work_on(self, name: str, fault: Exception | None) -> None:
        self.tasks[name] = asyncio.current_task()
        await self.release.wait()
        if fault is not None:
            raise fault
        self.done.append(name)


async def test_what_is_begun_at_once_is_done_at_once_and_later_work_takes_the_same_tasks() -> None:
    """None is begun while one has nothing to do."""
    bench = Bench()
    async with anyio.create_task_group() as tasks:
        for name in "ab":
            bench.workers.begin(tasks, name, None)
        await anyio.wait_all_tasks_blocked()
        bench.release.set()
        await anyio.wait_all_tasks_blocked()
        for name in "cde":
            bench.workers.begin(tasks, name, None)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert sorted(bench.done) == list("abcde")
    assert bench.tasks["a"] is not bench.tasks["b"]
    assert {bench.tasks["c"], bench.tasks["d"]} == {bench.tasks["a"], bench.tasks["b"]}
    assert bench.tasks["e"] not in {bench.tasks["a"], bench.tasks["b"]}


async def test_what_work_raises_ends_the_task_group() -> None:
    """Also in a task that is used again."""
    bench = Bench()
    bench.release.set()

    async def one_after_another() -> None:
        async with anyio.create_task_group() as tasks:
            bench.workers.begin(tasks, "a", None)
            await anyio.wait_all_tasks_blocked()
            bench.workers.begin(tasks, "b", ValueError("b"))
            await anyio.sleep_forever()

    with pytest.raises(BaseExceptionGroup) as caught:
        await one_after_another()
    assert caught.group_contains(ValueError, match="b")
    assert bench.done == ["a"]


async def test_work_that_comes_when_the_idle_ones_were_cancelled_is_not_lost_on_them() -> None:
    """The next task group has tasks of its own."""
    bench = Bench()
    bench.release.set()
    for name in "ab":
        async with anyio.create_task_group() as tasks:
            bench.workers.begin(tasks, name, None)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    assert bench.done == ["a", "b"]
