"""What takes long is done in a thread; what is short is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest

from scicat_ingest.deliver.bodies import HEAVY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.service.bench import Bench

pytestmark = pytest.mark.anyio


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the names of the functions that went to a thread."""
    names = []
    run_sync = anyio.to_thread.run_sync

    async def noted(work: Callable[..., Any], *arguments: Any) -> Any:
        names.append(work.__name__)
        return await run_sync(work, *arguments)

    monkeypatch.setattr(anyio.to_thread, "run_sync", noted)
    return names


async def test_bodies_of_a_light_plan_are_written_at_once(bench: Bench, in_threads: list[str]) -> None:
    """A hop to a thread costs more than that; the answers are small too."""
    plan = replace(bench.plan(), weight=HEAVY_BYTES)
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, plan)
        assert (await bench.deliver(deliveries, plan)).verdict == "already_present"
    assert in_threads == []


async def test_bodies_of_a_heavy_plan_are_written_in_a_thread(bench: Bench, in_threads: list[str]) -> None:
    """Dataset, block and attachment; and comparing it with what is stored is done there too."""
    plan = replace(bench.plan(), weight=HEAVY_BYTES + 1)
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, plan)
        assert in_threads == ["serialise"] * 3
        await bench.deliver(deliveries, plan)
    assert in_threads == [*["serialise"] * 4, "compare"]
    bench.assert_once(plan)


async def test_a_heavy_answer_is_read_in_a_thread(bench: Bench, in_threads: list[str]) -> None:
    """Also if the plan itself is light."""
    bench.limits = {"max_inline_files": 5000, "max_block_files": 5000}
    files = [{"path": f"frame_{number:040d}.tif", "size": number} for number in range(3000)]
    plan = replace(bench.plan(files=files), weight=0)
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, plan)
        in_threads.clear()
        assert (await bench.deliver(deliveries, plan)).verdict == "already_present"
    assert in_threads == ["read_answer", "compare"]
    bench.assert_once(plan)


def test_a_plan_weighs_as_much_as_its_record(bench: Bench) -> None:
    """In bytes of the record's value."""
    light, heavy = bench.plan(), bench.plan(title="x" * 1000)
    assert heavy.weight - light.weight == len(', "title": ""') + 1000
