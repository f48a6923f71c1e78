"""What is there already: ours, somebody else's, an earlier revision's, a deleted one's, another writer's."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.contract.service.bench import PREFIX

from scicat_ingest.deliver.delivered import Delivered
from scicat_ingest.faults import DiffersFromCatalogue, ForbiddenGroup
from scicat_ingest.testing.stand_in.store import DATASETS
from scicat_ingest.testing.stand_in.times import iso

if TYPE_CHECKING:
    from tests.contract.service.bench import Bench, Send

    from scicat_ingest.deliver.deliveries import Deliveries
    from scicat_ingest.deliver.wire import WireAnswer
    from scicat_ingest.plan.steps import Plan

pytestmark = pytest.mark.anyio

FILES = [{"path": f"f{number}", "size": number + 1} for number in range(6)]


def change(bench: Bench, plan: Plan, **fields: Any) -> None:
    """Let a curator change the dataset."""
    store = bench.stand_in.store
    dataset = store.dataset(plan.pid)
    assert dataset is not None
    store.replace(DATASETS, plan.pid, {**dataset, **fields})


def stored(bench: Bench, plan: Plan) -> dict[str, Any]:
    dataset = bench.stand_in.store.dataset(plan.pid)
    assert dataset is not None
    return dataset


# Revisions and conflicts


async def test_a_later_revision_updates_the_dataset_and_adds_its_files(bench: Bench) -> None:
    """Fields are changed, new files posted, what is there stays; asked again, nothing is left to do."""
    before = bench.plan(title="old", files=FILES[:2])
    after = bench.plan(title="new", files=FILES[:4], revision=1, description="more")
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, before)
        delivered = await bench.deliver(deliveries, after)
        assert (delivered.verdict, delivered.blocks_created, delivered.drift) == ("updated", 1, ())
        again = await bench.deliver(deliveries, after)
    assert (again.verdict, again.drift) == ("already_present", ())
    assert (stored(bench, after)["datasetName"], stored(bench, after)["description"]) == ("new", "more")
    paths = [file["path"] for block in bench.stand_in.store.origdatablocks(after.pid) for file in block["dataFileList"]]
    assert sorted(paths) == ["f0", "f1", "f2", "f3"]
    assert (stored(bench, after)["size"], stored(bench, after)["numberOfFiles"]) == (10, 4)


@pytest.mark.parametrize("api", ["v3", "v4"])
async def test_a_curators_change_survives_a_later_revision(bench: Bench, api: str) -> None:
    """And is reported as drift."""
    bench.scicat = {"api": api, "read_back_group": "admin"}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(title="old"))
        change(bench, bench.plan(), datasetName="curated")
        delivered = await bench.deliver(deliveries, bench.plan(title="new", revision=1, description="more"))
    assert (delivered.verdict, delivered.drift) == ("updated", ("datasetName",))
    assert (stored(bench, bench.plan())["datasetName"], stored(bench, bench.plan())["description"]) == (
        "curated",
        "more",
    )


async def test_by_default_a_dataset_that_differs_is_kept(bench: Bench) -> None:
    """The difference is reported."""
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(title="old"))
        delivered = await bench.deliver(deliveries, bench.plan(title="new"))
    assert (delivered.verdict, delivered.drift) == ("already_present", ("datasetName",))
    assert stored(bench, bench.plan())["datasetName"] == "old"


async def test_on_conflict_update_changes_what_is_still_as_we_wrote_it(bench: Bench) -> None:
    """Without a higher revision."""
    bench.scicat = {"on_conflict": "update"}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(title="old"))
        change(bench, bench.plan(), comment="mine")
        delivered = await bench.deliver(deliveries, bench.plan(title="new", comment="theirs"))
    assert (delivered.verdict, delivered.drift) == ("updated", ("comment",))
    assert (stored(bench, bench.plan())["datasetName"], stored(bench, bench.plan())["comment"]) == ("new", "mine")


async def test_on_conflict_dead_letter_refuses_what_differs(bench: Bench) -> None:
    """And only that: a repeat is no conflict."""
    bench.scicat = {"on_conflict": "dead_letter"}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(title="old"))
        assert (await bench.deliver(deliveries, bench.plan(title="old"))).verdict == "already_present"
        with pytest.raises(DiffersFromCatalogue, match="datasetName"):
            await bench.deliver(deliveries, bench.plan(title="new"))


async def test_an_update_that_our_account_may_not_make_is_a_dead_letter(bench: Bench) -> None:
    """A privileged ingestor may create for others and not change: the record says so, and can be replayed later."""
    bench.account = "ingestor"
    bench.scicat = {"read_back_group": "ingestor"}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(title="old"))
        with pytest.raises(ForbiddenGroup, match="may not change datasetName"):
            await bench.deliver(deliveries, bench.plan(title="new", revision=1))


async def test_a_change_that_comes_between_reading_and_writing_is_seen(bench: Bench) -> None:
    """If-Unmodified-Since: the dataset is read again, and the curator's change stays."""

    async def changed_meanwhile(send: Send) -> WireAnswer:
        bench.clock.now += 1
        now = bench.stand_in.config.clock()
        change(bench, bench.plan(), datasetName="curated", updatedAt=iso(now))
        return await send()

    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(title="old"))
        pid = bench.plan().pid.rpartition("/")[2]
        bench.mishaps[("PATCH", pid)] = {1: changed_meanwhile}
        delivered = await bench.deliver(deliveries, bench.plan(title="new", revision=1))
    assert (delivered.verdict, delivered.drift) == ("updated", ("datasetName",))
    assert stored(bench, bench.plan())["datasetName"] == "curated"


# Datasets that somebody else made or deleted


async def test_a_dataset_of_an_older_script_is_recognised(bench: Bench) -> None:
    """By folder and run number, under a pid of its own; off by default."""
    async with bench.open() as deliveries:
        script = bench.plan(pid=f"{PREFIX}/by-script", acquisitionId="script", runNumber=42)
        await bench.deliver(deliveries, script)
        bench.scicat = {"exists_by": ["sourceFolder", "runNumber"]}
    async with bench.open() as deliveries:
        known = await bench.deliver(deliveries, bench.plan(runNumber=42))
        other = await bench.deliver(deliveries, bench.plan(acquisitionId="run-2", runNumber=43))
        nameless = await bench.deliver(deliveries, bench.plan(acquisitionId="run-3"))
    assert (known.verdict, known.existing_pid) == ("already_present", f"{PREFIX}/by-script")
    assert (other.verdict, nameless.verdict) == ("created", "created")
    assert bench.stand_in.store.dataset(bench.plan().pid) is None


@pytest.mark.parametrize("account", ["admin", "ingestor"])
async def test_a_deleted_dataset_that_is_replayed_has_its_files_once(bench: Bench, account: str) -> None:
    """SciCat keeps the blocks of a deleted dataset, and they come back with its pid."""
    bench.account = account
    bench.scicat = {"read_back_group": account}
    plan = bench.plan(files=FILES)
    old = replace(plan, recorded_at_ms=plan.recorded_at_ms - 3_600_000)
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, plan)
        (block,) = bench.stand_in.store.origdatablocks(plan.pid)
        bench.stand_in.store.delete(DATASETS, plan.pid)
        delivered = await bench.deliver(deliveries, old)
    assert delivered.verdict == "created"
    assert delivered.blocks_created == 0
    assert any(
        "needs_curator: blocks of a deleted dataset" in text and block["_id"] in text for text in delivered.warnings
    )
    assert any("needs_curator: attachments of a deleted dataset" in text for text in delivered.warnings)
    assert [block["_id"] for block in bench.stand_in.store.origdatablocks(plan.pid)] == [block["_id"]]


# Two writers


async def test_two_services_that_find_the_same_half_of_a_dataset_do_not_both_repair_it(bench: Bench) -> None:
    """Long after a crash: the first PATCH claims it, the second one comes too late."""
    bench.limits = {"max_block_files": 1}
    plan = bench.plan(files=FILES)
    async with bench.open() as crashed:
        await crashed.parts.writes.create_dataset(plan, [])
        await crashed.parts.writes.add_block(plan, next(iter(plan.blocks)))
    bench.clock.now += 3600
    results: list[Delivered] = []
    both_have_read = anyio.Event()
    reads = 0

    async def read_together(send: Send) -> WireAnswer:
        nonlocal reads
        response = await send()
        reads += 1
        if reads == 2:
            both_have_read.set()
        await both_have_read.wait()
        return response

    pid = plan.pid.rpartition("/")[2]
    async with bench.open() as first, bench.open() as second:
        bench.mishaps[("GET", pid)] = {1: read_together, 2: read_together}

        async def deliver(deliveries: Deliveries) -> None:
            results.append(await bench.deliver(deliveries, plan))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(deliver, first))
            tasks.start_soon(partial(deliver, second))
    assert {result.verdict for result in results} <= {"completed", "already_present"}
    bench.assert_once(plan)


@pytest.mark.parametrize("settle_seconds", [0.0, 0.01])
async def test_a_settle_time_of_next_to_nothing_is_no_standstill(bench: Bench, settle_seconds: float) -> None:
    """Each look is followed by a write, however short the lease is."""
    bench.scicat = {"settle_seconds": settle_seconds}
    bench.limits = {"max_block_files": 1}
    plan = bench.plan(files=FILES)
    async with bench.open() as crashed:
        await crashed.parts.writes.create_dataset(plan, [])
    bench.clock.now += 10
    bench.clock.ticks = 0.05
    async with bench.open() as deliveries:
        delivery = deliveries.begin(plan)
        for _ in range(20):
            if isinstance(await delivery.attempt(), Delivered):
                break
        else:
            raise AssertionError("it goes round in circles")
    bench.assert_once(plan)
