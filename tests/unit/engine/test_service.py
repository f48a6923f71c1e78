"""The loop: outcomes before offsets, order per lane, a clean stop."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
import pytest

from scicat_ingest.consume.record import Record
from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.engine.pipeline import Prepared
from scicat_ingest.engine.service import Service
from scicat_ingest.faults import CredentialsRejected, KafkaUnavailable
from scicat_ingest.report.outcome import Outcome, Skipped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scicat_ingest.consume.stream import Partition

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def record(offset: int, key: str | None = None, partition: int = 0) -> Record:
    return Record("t", partition, offset, 0, key.encode() if key else None, b"{}")


@dataclass
class Scene:
    """A stream of given batches, with a journal of everything that happens in the order in which it happens."""

    batches: list[list[Record]]
    journal: list[tuple[str, object]] = field(default_factory=list)
    work: Callable[[Record], Awaitable[None]] | None = None
    publishing: Callable[[Outcome], Awaitable[None]] | None = None
    service: Service | None = None

    # the stream
    async def fetch(self, most: int) -> list[Record]:
        assert most > 0
        await anyio.lowlevel.checkpoint()
        if self.batches:
            return self.batches.pop(0)
        assert self.service is not None
        await self.service.stop()
        return []

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        await anyio.lowlevel.checkpoint()
        self.journal.append(("commit", dict(offsets)))

    # the pipeline
    def prepare(self, given: Record) -> Prepared:
        return Prepared(given, Ignored("test"), datetime.now(UTC))

    async def finish(self, prepared: Prepared) -> Outcome:
        self.journal.append(("begin", prepared.record.offset))
        if self.work is not None:
            await self.work(prepared.record)
        else:
            await anyio.lowlevel.checkpoint()
        self.journal.append(("end", prepared.record.offset))
        return Skipped(prepared.record, Ignored("test"))

    # the publisher
    async def publish(self, outcome: Outcome) -> None:
        if self.publishing is not None:
            await self.publishing(outcome)
        await anyio.lowlevel.checkpoint()
        self.journal.append(("published", outcome.record.offset))

    # the observer
    def ready(self) -> None:
        self.journal.append(("ready", None))

    def published(self, outcome: Outcome) -> None:
        self.journal.append(("observed", outcome.record.offset))

    def build(self) -> Service:
        self.service = Service(self, self, self, self, max_concurrency=2)  # type: ignore[arg-type]
        return self.service

    def of(self, kind: str) -> list[object]:
        return [what for name, what in self.journal if name == kind]


async def test_an_offset_is_committed_only_after_every_outcome_before_it_is_published() -> None:
    """At each commit, all records below the committed offset have been published."""
    scene = Scene([[record(n) for n in range(start, start + 5)] for start in (10, 15, 20)])
    await scene.build().run()
    published: set[object] = set()
    for kind, what in scene.journal:
        if kind == "published":
            published.add(what)
        if kind == "commit":
            assert isinstance(what, dict)
            assert set(range(10, what["t", 0])) <= published
    assert scene.of("commit")[-1] == {("t", 0): 25}


async def test_two_records_of_one_key_never_run_at_once_and_keep_their_order() -> None:
    """A lane is worked off one record after another; other lanes go on meanwhile."""
    running: defaultdict[bytes | None, int] = defaultdict(int)
    most_at_once = 0

    async def work(given: Record) -> None:
        nonlocal most_at_once
        running[given.key] += 1
        assert running[given.key] == 1
        most_at_once = max(most_at_once, sum(running.values()))
        for _ in range(given.offset % 3 + 1):
            await anyio.lowlevel.checkpoint()
        running[given.key] -= 1

    scene = Scene([[record(n, key=f"k{n % 4}") for n in range(40)]], work=work)
    await scene.build().run()
    for lane in range(4):
        mine = [offset for offset in scene.of("published") if isinstance(offset, int) and offset % 4 == lane]
        assert mine == sorted(mine)
    assert most_at_once > 1


async def test_stopping_finishes_what_is_started_and_starts_nothing_more() -> None:
    """What is under way at SIGTERM is finished, published and committed; the rest is left for the next start."""
    both_started = anyio.Event()
    go_on = anyio.Event()
    started: list[int] = []

    async def work(given: Record) -> None:
        started.append(given.offset)
        if len(started) == 8:
            both_started.set()
        await go_on.wait()

    scene = Scene([[record(n) for n in range(20)]], work=work)
    service = scene.build()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(service.run)
        await both_started.wait()
        tasks.start_soon(service.stop)
        await anyio.wait_all_tasks_blocked()
        go_on.set()
    assert scene.of("begin") == list(range(8))
    assert scene.of("published") == list(range(8))
    assert scene.of("commit") == [{("t", 0): 8}]


async def test_a_revoke_waits_until_the_started_records_are_committed_and_drops_the_others() -> None:
    """The next owner of the partition begins where we ended."""
    begun = anyio.Event()
    go_on = anyio.Event()

    async def work(given: Record) -> None:
        if given.offset == 3:
            begun.set()
            await go_on.wait()

    scene = Scene([[record(n, key="one lane") for n in range(3, 9)]], work=work)
    service = scene.build()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(service.run)
        await begun.wait()

        async def revoke() -> None:
            await service.before_revoke()
            scene.journal.append(("revoked", None))

        tasks.start_soon(revoke)
        await anyio.wait_all_tasks_blocked()
        assert ("revoked", None) not in scene.journal
        go_on.set()
    assert scene.of("begin") == [3]
    kinds = [kind for kind, _ in scene.journal]
    assert kinds.index("commit") < kinds.index("revoked")
    assert scene.of("commit") == [{("t", 0): 4}]


async def test_a_configuration_fault_stops_the_service_and_commits_only_what_was_done() -> None:
    """The record that met the fault, and all after it in its partition, come again."""

    async def work(given: Record) -> None:
        await anyio.lowlevel.checkpoint()
        if given.offset == 2:
            raise CredentialsRejected("no")

    scene = Scene([[record(n, key="one lane") for n in range(5)]], work=work)
    with pytest.raises(CredentialsRejected):
        await scene.build().run()
    assert scene.of("commit") == [{("t", 0): 2}]


async def test_an_outcome_that_kafka_does_not_take_is_not_committed() -> None:
    """Nothing counts as done without the acknowledgement."""

    async def publishing(outcome: Outcome) -> None:
        await anyio.lowlevel.checkpoint()
        if outcome.record.offset == 0:
            raise KafkaUnavailable("no acknowledgement")

    scene = Scene([[record(0)]], publishing=publishing)
    with pytest.raises(KafkaUnavailable):
        await scene.build().run()
    assert scene.of("commit") == [{}]
    assert scene.of("observed") == []
