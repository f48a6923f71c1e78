"""Reader processes: what happens in them stays in them."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.unit.storage.nexus import misbehaving

from scicat_ingest.faults import FileUnreadable, NotThereYet, PathOutsideSource
from scicat_ingest.storage.nexus import in_reader_process

if TYPE_CHECKING:
    from collections.abc import Callable


def children() -> set[int]:
    return {int(each) for each in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()}


def test_a_process_is_used_again() -> None:
    """The second record does not wait for a start."""

    async def work() -> tuple[int, int]:
        first = await in_reader_process(misbehaving.tell_process, timeout_seconds=60)
        return first, await in_reader_process(misbehaving.tell_process, timeout_seconds=60)

    first, second = anyio.run(work)
    assert first == second != os.getpid()


def test_a_crash_is_the_fault_of_one_record() -> None:
    """libhdf5 dies of some files; the next record is read by a new process, and the dead ones are gone."""

    async def work() -> None:
        with pytest.raises(FileUnreadable, match="crashed, twice"):
            await in_reader_process(misbehaving.crash, timeout_seconds=60)
        assert await in_reader_process(misbehaving.tell_process, timeout_seconds=60)

    before = children()
    anyio.run(work)
    assert children() <= before


def test_one_crash_alone_is_forgiven(tmp_path: Path) -> None:
    """An idle process may have been killed by the machine; no record is to blame."""

    async def work() -> str:
        return await in_reader_process(misbehaving.crash_once, str(tmp_path / "marker"), timeout_seconds=60)

    assert anyio.run(work) == "read"


def test_what_hangs_is_killed() -> None:
    """A hang outside of Python, on a slow file system for one, ends with the time that it has."""

    async def work() -> None:
        with pytest.raises(NotThereYet, match=r"more than 0\.5 s"):
            await in_reader_process(misbehaving.hang, timeout_seconds=0.5)
        assert await in_reader_process(misbehaving.tell_process, timeout_seconds=60)

    before = children()
    anyio.run(work)
    assert children() <= before


def test_a_process_that_cannot_be_started_is_not_the_files_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine has no memory or no processes left: wait, and dead-letter nothing."""

    async def work() -> None:
        with pytest.raises(NotThereYet, match="no process can be started"):
            await in_reader_process(misbehaving.tell_process, timeout_seconds=60)

    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    anyio.run(work)


def test_cancelling_ends_the_process() -> None:
    """A drain does not wait for a reader that hangs."""

    async def work() -> None:
        await in_reader_process(misbehaving.tell_process, timeout_seconds=60)
        with anyio.move_on_after(0.2) as scope:
            await in_reader_process(misbehaving.hang, timeout_seconds=3600)
        assert scope.cancelled_caught

    before = children()
    anyio.run(work)
    assert children() <= before


@pytest.mark.parametrize("work", [misbehaving.fill_memory, misbehaving.nest])
def test_what_takes_too_much_memory_is_refused(work: Callable[[], object]) -> None:
    """A bomb is the record's fault, and does not take the pod's memory."""

    async def read() -> None:
        with pytest.raises(FileUnreadable, match="more than 1024 MiB"):
            await in_reader_process(work, timeout_seconds=60, max_memory_bytes=2**30)

    anyio.run(read)


def test_a_fault_comes_out_whole() -> None:
    """Field and hint survive the way between processes."""

    async def work() -> None:
        with pytest.raises(PathOutsideSource) as caught:
            await in_reader_process(misbehaving.fail, timeout_seconds=60)
        assert (caught.value.field, caught.value.hint) == ("files[1]", "move it")

    anyio.run(work)


def test_libraries_are_silent() -> None:
    """What libhdf5 writes to standard error is not our log."""

    async def work() -> str:
        return await in_reader_process(misbehaving.chatter, timeout_seconds=60)

    assert anyio.run(work) == os.devnull


def test_the_limiter_bounds_the_processes() -> None:
    """With one place, two records take turns; waiting for it is not counted as time."""

    async def work() -> None:
        limiter = anyio.CapacityLimiter(1)
        found: list[object] = []

        async def hang() -> None:
            with pytest.raises(NotThereYet):
                await in_reader_process(misbehaving.hang, timeout_seconds=0.5, limiter=limiter)
            found.append(limiter.borrowed_tokens)

        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(hang)
        assert len(found) == 2

    anyio.run(work)


def test_importing_our_main_module_starts_nothing() -> None:
    """A reader process imports the module that the service was started with."""
    assert "main" in runpy.run_module("scicat_ingest.__main__", run_name="__mp_main__")
