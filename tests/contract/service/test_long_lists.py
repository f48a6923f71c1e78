"""Long file lists: their blocks are made one by one, and read back in pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.contract.service.bench import Bench, Clock, Send

from scicat_ingest.bootstrap import rules_by_topic
from scicat_ingest.catalogue.origdatablock import DataFile
from scicat_ingest.decode.document import Document
from scicat_ingest.deliver import reads
from scicat_ingest.engine.reading import Accepted, plan_accepted, read, understand
from scicat_ingest.plan.steps import Plan, Streamed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scicat_ingest.deliver.wire import WireAnswer
    from scicat_ingest.testing.stand_in.thread import StandInThread

pytestmark = pytest.mark.anyio

TAKEN = datetime(2026, 4, 22, tzinfo=UTC)


@dataclass(frozen=True)
class ManyFiles:
    """A list that is nowhere in memory."""

    count: int
    checksum_algorithm: str | None = "sha256"
    warnings: tuple[str, ...] = ("listed elsewhere",)

    @property
    def size(self) -> int:
        return sum(range(self.count))

    def __iter__(self) -> Iterator[DataFile]:
        return (DataFile(path=f"frames/{number:07d}.tif", size=number, time=TAKEN) for number in range(self.count))


@pytest.fixture
def bench(stand_in: StandInThread, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(reads, "LONG_LIST", 100)
    bench = Bench(stand_in, clock)
    bench.limits = {"max_block_files": 10}
    return bench


def long_plan(bench: Bench, count: int = 345) -> Plan:
    """Give a plan whose files come from elsewhere: 35 blocks, the last one with 5 files."""
    record = bench.record(files=None, scan={})
    rules = rules_by_topic(bench.settings)[record.topic]
    document = read(record, rules)
    assert isinstance(document, Document)
    accepted = understand(document, record, rules)
    assert isinstance(accepted, Accepted)
    assert accepted.lists_files_elsewhere
    plan = plan_accepted(record, accepted, listed=ManyFiles(count))
    assert isinstance(plan, Plan), plan
    assert isinstance(plan.blocks, Streamed)
    return plan


@pytest.mark.parametrize("api", ["v4", "v3"])
async def test_a_long_list_is_there_once(bench: Bench, api: str) -> None:
    """Every file in one block, the totals right, and nothing is posted at a repeat."""
    bench.scicat = {"api": api}
    plan = long_plan(bench)
    assert (len(plan.blocks), plan.number_of_files, len(plan.digests)) == (35, 345, 35)
    async with bench.open() as deliveries:
        delivered = await bench.deliver(deliveries, plan)
        again = await bench.deliver(deliveries, plan)
    assert (delivered.verdict, delivered.blocks_created) == ("created", 35)
    assert (again.verdict, again.blocks_found) == ("already_present", 35)
    bench.assert_once(plan)
    assert {block["chkAlg"] for block in bench.stand_in.store.origdatablocks(plan.pid)} == {"sha256"}
    assert "listed elsewhere" in plan.warnings


@pytest.mark.parametrize("mishap", ["lose answer", "500 but stored", "503"])
async def test_a_long_list_survives_a_mishap_in_its_middle(bench: Bench, mishap: str) -> None:
    """What is there is found page by page; the rest is posted."""
    bench.mishaps = {("POST", "origdatablocks"): {17: mishap}, ("GET", "origdatablocks"): {2: "503"}}
    plan = long_plan(bench)
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, plan)
    bench.assert_once(plan)


async def test_a_list_that_was_split_otherwise_before_gets_only_what_is_missing(bench: Bench) -> None:
    """A block of ours of which some files are there is posted without them."""
    bench.limits = {"max_block_files": 7}
    shorter = long_plan(bench, 101)
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, shorter)
    bench.limits = {"max_block_files": 10}
    plan = long_plan(bench)
    bench.clock.now += 3600
    async with bench.open() as deliveries:
        delivered = await bench.deliver(deliveries, plan)
    assert delivered.verdict == "completed"
    bench.assert_once(plan)


async def test_an_empty_list_of_a_dead_token_is_not_believed(bench: Bench) -> None:
    """v3 answers it with no blocks at all; then all would be posted again."""

    async def say_nothing(send: Send) -> WireAnswer:
        return httpx.Response(200, json=[])

    bench.scicat = {"api": "v3"}
    plan = long_plan(bench)
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, plan)
        bench.mishaps[("GET", "v3/origdatablocks")] = {1: say_nothing}
        assert (await bench.deliver(deliveries, plan)).verdict == "already_present"
    bench.assert_once(plan)
