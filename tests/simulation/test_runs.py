"""Acquisitions that are told in several records, through rebalances and crashes, in virtual time."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.unit.acquisition_events import rules

from scicat_ingest.deliver.delivered import Delivered, SoFar
from scicat_ingest.engine.assignment import Bounds
from scicat_ingest.engine.engine import Engine, Parts
from scicat_ingest.engine.observer import Observer
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.ports import Places
from scicat_ingest.faults import StreamFault
from scicat_ingest.report.outcome import DeadLettered, Ingested
from scicat_ingest.settings import JoinsSettings
from scicat_ingest.testing.facility import EmptyFacility
from scicat_ingest.testing.memory_kafka import MemoryKafka
from scicat_ingest.testing.simulate.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.testing.memory_kafka import MemoryStream
    from scicat_ingest.translate.context import Context

TOPIC, GROUP = "scicat.acquisitions", "group"
TTL = 3600.0


@dataclass(frozen=True)
class AsMetadata:
    """A mapping file that puts down what the run's document has."""

    name: str = "as-metadata"
    digest: str = "0"
    metadata_schema: None = None
    defaulted: frozenset[str] = frozenset()
    fields: dict[str, Any] = field(default_factory=dict)

    def choose(self, _: Context) -> AsMetadata:
        return self

    def source(self, *_: Any) -> None:
        return None

    def acquisition(self, context: Context, _: None) -> AsMetadata:
        document = context.event
        names = sorted(descriptor["name"] for descriptor in document["descriptors"])
        fields = {
            "acquisitionId": document["start"]["uid"],
            "source": {"folder": "/data/x"},
            "noFiles": True,
            "metadata": {"streams": names},
        }
        return replace(self, fields=fields)


class Catalogue:
    """Takes some time for every plan."""

    so_far = SoFar(1, dataset_created=False, block_ids=(), attachment_ids=())

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def begin(self, plan: Plan) -> Catalogue:
        assert plan.pid
        return self

    def look_up(self, *_: Any) -> Any:
        raise AssertionError("nothing is looked up here")

    async def attempt(self) -> Delivered:
        await anyio.sleep(self._dice.uniform(0, 5))
        return Delivered("created", 0, 0, 0, 0, (), (), 1, ())

    def abort_started(self) -> None:
        pass


@dataclass
class Stage:
    """One replica at a time between an in-memory Kafka and the catalogue."""

    partitions: int
    joins: dict[str, Any] = field(default_factory=dict)
    dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    kafka: MemoryKafka = field(init=False)
    stream: MemoryStream = field(init=False)
    engine: Engine = field(init=False)
    scope: anyio.CancelScope = field(init=False)
    stopped: bool = False
    starts: int = 0

    def send(self, partition: int, kind: str, run: str, **document: Any) -> None:
        """Put a bluesky document on the topic."""
        named = {"uid": run if kind == "start" else f"{run}-{kind}", **document}
        if kind != "start":
            named["run_start"] = run
        value = json.dumps([kind, named]).encode()
        at = int(anyio.current_time() * 1000)
        self.kafka.append(TOPIC, partition, value, key=run.encode(), timestamp_ms=at)

    async def live(self) -> None:
        """Start, and start again whenever it ends."""
        by = replace(rules(source={"formats": ["bluesky"]}, owner="x", contact_email="x@y.org"), mappings=AsMetadata())  # type: ignore[arg-type]
        while not self.stopped:
            self.starts += 1
            self.stream = self.kafka.member(f"replica.{self.starts}", [TOPIC], GROUP)
            joins = JoinsSettings(**{"ttl_seconds": TTL, **self.joins})
            pipeline = Pipeline({TOPIC: by}, Catalogue(self.dice), EmptyFacility(), joins, now)
            self.engine = Engine(
                Parts(self.stream, pipeline, self.stream.publisher(), Observer(), Places(4)),
                Bounds(records=40, partition_records=25),
            )
            with anyio.CancelScope() as self.scope:
                try:
                    await self.engine.run()
                except StreamFault:
                    await anyio.sleep(1)

    def crash(self) -> None:
        self.stream.crash()
        self.scope.cancel()

    def committed(self, partition: int) -> int | None:
        return self.kafka.group(GROUP).committed.get((TOPIC, partition))

    async def until_committed(self, within: float) -> None:
        """Wait until everything is committed."""
        with anyio.fail_after(within):
            while any(
                self.committed(partition) != self.kafka.logs[TOPIC, partition].end
                for partition in range(self.partitions)
                if self.kafka.logs[TOPIC, partition].end
            ):
                await self.kafka.something_happens(1.0)

    def run(self, plot: Callable[[Stage], Awaitable[None]]) -> None:
        async def main(_: object) -> None:
            async with MemoryKafka() as self.kafka, anyio.create_task_group() as tasks:
                self.kafka.create_topic(TOPIC, self.partitions)
                tasks.start_soon(self.live)
                await anyio.sleep(1)
                await plot(self)
                self.stopped = True
                await self.engine.stop()
                tasks.cancel_scope.cancel()

        run_in_virtual_time(main)

    def ingested(self) -> dict[str, list[list[str]]]:
        """Give the streams of each run, once for each outcome."""
        found: dict[str, list[list[str]]] = {}
        for published in self.kafka.published:
            if isinstance(published.outcome, Ingested):
                plan = published.outcome.plan
                found.setdefault(plan.acquisition_id, []).append(
                    plan.dataset.payload["scientificMetadata"].get("streams") or []
                )
        return found

    def dead(self) -> list[tuple[str, str]]:
        """Give key and reason of each dead letter."""
        outcomes = [published.outcome for published in self.kafka.published]
        return [
            ((outcome.record.key or b"").decode(), outcome.fault.code)
            for outcome in outcomes
            if isinstance(outcome, DeadLettered)
        ]


def now() -> datetime:
    return datetime.fromtimestamp(1_790_000_000 + anyio.current_time(), UTC)


@pytest.mark.parametrize("seed", range(40))
def test_every_run_is_whole_whatever_happens_on_the_way(seed: int) -> None:
    """Its records overlap with others' over 2 partitions; members crash and partitions move while runs are open."""
    dice = random.Random(seed)  # noqa: S311
    stage = Stage(partitions=2, dice=dice)
    runs = {f"run-{number}": [f"s{n}" for n in range(dice.randint(0, 4))] for number in range(25)}

    async def tell(run: str, partition: int) -> None:
        await anyio.sleep(dice.uniform(0, 200))
        stage.send(partition, "start", run, time=1.0)
        for stream in runs[run]:
            await anyio.sleep(dice.uniform(0, 20))
            stage.send(partition, "descriptor", run, name=stream, uid=f"{run}-{stream}", data_keys={})
        await anyio.sleep(dice.uniform(0, 60))
        stage.send(partition, "stop", run, exit_status="success", time=2.0)

    async def disturb() -> None:
        for _ in range(dice.randint(0, 5)):
            await anyio.sleep(dice.uniform(5, 60))
            if dice.random() < 0.5:
                stage.crash()
            else:
                stage.kafka.rebalance(GROUP)

    async def plot(_: Stage) -> None:
        async with anyio.create_task_group() as tasks:
            for run in runs:
                tasks.start_soon(tell, run, dice.randrange(2))
            tasks.start_soon(disturb)
        await stage.until_committed(within=600)

    stage.run(plot)
    assert stage.dead() == []
    ingested = stage.ingested()
    assert ingested.keys() == runs.keys()
    for run, found in ingested.items():
        assert all(streams == runs[run] for streams in found), (run, found)


def test_parts_in_another_partition_are_read_again_after_a_crash() -> None:
    """Unkeyed producers spread a run: each part's own offset is held open until the run is done."""
    stage = Stage(partitions=3)

    async def plot(_: Stage) -> None:
        stage.send(0, "start", "r")
        stage.send(1, "descriptor", "r", name="a", uid="a", data_keys={})
        await anyio.sleep(30)
        stage.crash()
        await anyio.sleep(60)
        stage.send(2, "stop", "r", exit_status="success")
        await stage.until_committed(within=100)

    stage.run(plot)
    assert stage.ingested() == {"r": [["a"]]}
    assert stage.dead() == []


def test_an_end_that_comes_before_its_start_waits_for_it() -> None:
    """Partitions are read in turns."""
    stage = Stage(partitions=2)

    async def plot(_: Stage) -> None:
        stage.send(0, "stop", "r", exit_status="success")
        await anyio.sleep(1000)
        stage.send(1, "start", "r")
        await stage.until_committed(within=100)

    stage.run(plot)
    assert list(stage.ingested()) == ["r"]


def test_a_run_that_never_ends_is_given_up_after_its_time_to_live() -> None:
    """And so is an end without a start; the runs around them are ingested meanwhile."""
    stage = Stage(partitions=1)

    async def plot(_: Stage) -> None:
        stage.send(0, "start", "endless")
        stage.send(0, "stop", "startless", exit_status="success")
        for number in range(100):
            stage.send(0, "start", f"r{number}")
            stage.send(0, "descriptor", f"r{number}", name="a", uid=f"{number}", data_keys={})
            stage.send(0, "stop", f"r{number}", exit_status="success")
        await anyio.sleep(TTL / 2)
        assert len(stage.ingested()) == 100, "more than the partition's window"
        assert stage.dead() == []
        assert stage.committed(0) == 0
        await stage.until_committed(within=TTL)

    stage.run(plot)
    assert sorted(stage.dead()) == [("endless", "run_incomplete"), ("startless", "run_incomplete")]


def test_too_many_unfinished_runs_give_up_the_oldest() -> None:
    """Memory is bounded, whatever a producer forgets to end."""
    stage = Stage(partitions=1, joins={"max_runs": 10})

    async def plot(_: Stage) -> None:
        for number in range(15):
            stage.send(0, "start", f"r{number}")
        await anyio.sleep(60)
        assert [key for key, _ in stage.dead()] == [f"r{number}" for number in range(5)]
        assert stage.engine.held_records == 0
        stage.send(0, "stop", "r14", exit_status="success")
        await anyio.sleep(60)

    stage.run(plot)
    assert list(stage.ingested()) == ["r14"]


def test_a_repeated_record_of_a_run_changes_nothing() -> None:
    """Producers retry."""
    stage = Stage(partitions=1)

    async def plot(__: Stage) -> None:
        for _ in range(2):
            stage.send(0, "start", "r")
        for _ in range(2):
            stage.send(0, "descriptor", "r", name="a", uid="a", data_keys={})
        for _ in range(2):
            stage.send(0, "stop", "r", exit_status="success")
        stage.send(0, "start", "r")
        await stage.until_committed(within=100)

    stage.run(plot)
    assert stage.ingested() == {"r": [["a"]]}
    assert stage.dead() == []
