"""The whole service in virtual time, from records to documents in the stand-in; the catalogue does as it is told."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from scicat_ingest.bootstrap import rules_by_topic
from scicat_ingest.deliver.deliveries import Deliveries
from scicat_ingest.engine.assignment import Bounds
from scicat_ingest.engine.engine import Engine, Parts
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.observe.ops import Ops
from scicat_ingest.report.outcome import DeadLettered, Ingested
from scicat_ingest.settings import Settings
from scicat_ingest.testing.facility import EmptyFacility
from scicat_ingest.testing.httpx_wire import HttpxWire
from scicat_ingest.testing.memory_kafka import MemoryKafka
from scicat_ingest.testing.simulate.virtual_time import run_in_virtual_time
from scicat_ingest.testing.stand_in import StandIn
from scicat_ingest.testing.stand_in.exchange import NO_BODY
from scicat_ingest.testing.stand_in.json_text import write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

EPOCH = 1_790_000_000.0
TOPIC = "scicat.acquisitions"
GROUP = "group"
URL = "http://scicat.simulated"


@dataclass
class Catalogue(httpx.AsyncBaseTransport):
    """A stand-in, the way to it, and what goes wrong there. Requests take `latency` seconds."""

    latency: float = 0.02
    up: bool = True
    on_request: Callable[[httpx.Request, bytes], None] | None = None
    """Called before a request is carried out; what it raises is what the client gets."""
    times: list[float] = field(default_factory=list)
    """When requests arrived."""
    noise: float = 0.0
    """Chance of each: a request is lost, an answer is lost, a write is answered with 500 though it was carried out."""
    dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    token_life: int = 3600
    answer_next: httpx.Response | None = None
    """Given instead of carrying out the request that comes now."""

    downs: list[float] = field(default_factory=list)
    """When it went down by itself; somebody starts it again at `up_again_at`."""
    up_again_at: float = math.inf
    _clock: Callable[[], float] = field(default=lambda: 0.0)
    _day: int = -1

    def __post_init__(self) -> None:
        clock = lambda: EPOCH + 86400 * self._day + self._clock()  # noqa: E731
        self.stand_in = StandIn(clock=clock, token_life=self.token_life)

    def open(self) -> None:
        """Take the time from the loop that runs now; each one is on the next day."""
        self._clock = anyio.current_time
        self._day += 1

    def go_down(self, seconds: float) -> None:
        """Die, for so many seconds."""
        self.up = False
        self.downs.append(anyio.current_time())
        self.up_again_at = anyio.current_time() + seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        await anyio.sleep(self.latency / 2)
        if anyio.current_time() >= self.up_again_at:
            self.up, self.up_again_at = True, math.inf
        if not self.up:
            raise httpx.ConnectError("nobody listens")
        self.times.append(anyio.current_time())
        if self.on_request is not None:
            self.on_request(request, content)
        if (planned := self.answer_next) is not None:
            self.answer_next = None
            return planned
        if self.dice.random() < self.noise:
            raise httpx.ReadError("reset")
        answer = self.stand_in.answer(request.method, request.url.raw_path.decode(), dict(request.headers), content)
        await anyio.sleep(self.latency / 2)
        if self.dice.random() < self.noise:
            raise httpx.ReadError("the answer is lost")
        if request.method == "POST" and self.dice.random() < self.noise:
            return httpx.Response(500, json="Internal server error", request=request)
        headers = {"content-type": "application/json", "date": format_datetime(now(), usegmt=True)}
        body = b"" if answer.body is NO_BODY else write(answer.body)
        return httpx.Response(answer.status, content=body, headers=headers, request=request)

    def most_within(self, seconds: float) -> int:
        """Give the most requests in any window of so many seconds."""
        times, most, first = sorted(self.times), 0, 0
        for last, time in enumerate(times):
            while times[first] <= time - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


class Line(httpx.AsyncBaseTransport):
    """The way of one replica to the catalogue; while the replica is stopped, nothing is sent and nothing is heard."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._going = anyio.Event()
        self._going.set()

    async def stop(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT some time later."""
        self._going = anyio.Event()
        await anyio.sleep(seconds)
        self._going.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._going.wait()
        response = await self._catalogue.handle_async_request(request)
        await self._going.wait()
        return response


@dataclass(frozen=True)
class Clock:
    """Virtual time, and dice of its own for each replica."""

    dice: random.Random

    def monotonic(self) -> float:
        return anyio.current_time()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    def chance(self) -> float:
        return self.dice.random()


def now() -> datetime:
    return datetime.fromtimestamp(EPOCH + anyio.current_time(), UTC)


@dataclass
class Play:
    """Records, replicas, a catalogue."""

    catalogue: Catalogue
    replicas: int = 1
    partitions: int = 1
    account: str = "ingestor"
    scicat: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    kafka: MemoryKafka = field(init=False)
    deliveries: list[Deliveries] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    seed: int = 0
    ops: list[Ops] = field(default_factory=list)
    """What is shown of each replica; its heart beats only if a test lets it."""
    own_groups: bool = False
    """Each replica is a service of its own, and gets every record."""
    sent: int = 0
    guarded: bool = False
    """Whether the flood guard is on."""

    def settings(self) -> Settings:
        account = self.catalogue.stand_in.account(self.account)
        return Settings.model_validate(
            {
                "scicat": {
                    "url": URL,
                    "username": account.username,
                    "password": account.password,
                    "read_back_group": account.groups[0],
                    **self.scicat,
                },
                "sources": [{"topic": TOPIC}],
                "limits": self.limits,
                "mapping": {
                    "pid_prefix": "20.500.12345",
                    "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
                    "fallback_owner_group": "unassigned",
                    "owner": "Data Service",
                    "contact_email": "data@example.org",
                },
            }
        )

    def send(self, name: str, **event: Any) -> None:
        """Put an event on the topic; partitions take turns."""
        whole = {
            "acquisitionId": name,
            "proposal": {"id": "p1001"},
            "endedAt": "2026-04-22T10:54:53Z",
            "source": {"folder": f"/data/{name}"},
            "files": [{"path": "a.nxs", "size": 3}],
            **event,
        }
        at = int((EPOCH + anyio.current_time()) * 1000)
        value = json.dumps(whole).encode()
        self.kafka.append(TOPIC, self.sent % self.partitions, value, key=name.encode(), timestamp_ms=at)
        self.sent += 1

    async def until_done(self, number: int | None = None, within: float = 3600.0) -> None:
        """Wait until so many outcomes are there, or one for each record."""
        with anyio.fail_after(within):
            while len(self.kafka.published) < (self.sent if number is None else number):
                await self.kafka.something_happens(1.0)

    def run(self, plot: Callable[[Play], Awaitable[None]]) -> None:
        """Start the replicas, let it happen, stop them."""

        async def main(_: object) -> None:
            self.catalogue.open()
            async with MemoryKafka() as self.kafka, anyio.create_task_group() as tasks:
                self.kafka.create_topic(TOPIC, self.partitions)
                engines = [self._engine(number) for number in range(self.replicas)]
                for engine in engines:
                    tasks.start_soon(engine.run)
                await plot(self)
                for engine in engines:
                    await engine.stop()

        run_in_virtual_time(main)

    def _engine(self, number: int) -> Engine:
        settings = self.settings()
        self.lines.append(Line(self.catalogue))
        dice = random.Random(f"{self.seed} {number}")  # noqa: S311
        ops = Ops(settings, lambda: EPOCH + anyio.current_time(), anyio.current_time)
        self.ops.append(ops)
        deliveries = Deliveries.over(HttpxWire(self.lines[-1]), settings, Clock(dice), ops.requested)
        self.deliveries.append(deliveries)
        group = f"{GROUP}-{number}" if self.own_groups else GROUP
        stream = self.kafka.member(f"replica-{number}", [TOPIC], group)
        pipeline = Pipeline(rules_by_topic(settings), deliveries, EmptyFacility(), settings.joins, now)
        limits = settings.limits
        bounds = Bounds(limits.held_records, limits.held_bytes, limits.partition_records)
        guarded = [source.topic for source in settings.sources if source.flood_guard == "on"] if self.guarded else []
        parts = Parts(stream, pipeline, stream.publisher(), ops.observer, deliveries)
        ops.sights.deliveries, ops.sights.engine = deliveries, Engine(parts, bounds, guarded=guarded)
        return ops.sights.engine

    # What became of it

    @property
    def ingested(self) -> dict[str, Ingested]:
        """By acquisition."""
        outcomes = [published.outcome for published in self.kafka.published]
        return {outcome.plan.acquisition_id: outcome for outcome in outcomes if isinstance(outcome, Ingested)}

    @property
    def dead(self) -> Counter[str]:
        """Dead letters by reason."""
        return Counter(
            outcome.outcome.fault.code for outcome in self.kafka.published if isinstance(outcome.outcome, DeadLettered)
        )

    def delays(self) -> dict[str, float]:
        """Seconds from a record to its outcome, by acquisition."""
        return {
            name: outcome.done_at.timestamp() - outcome.record.timestamp_ms / 1000
            for name, outcome in self.ingested.items()
        }

    def assert_once(self) -> None:
        """Require each ingested dataset with each of its files once, and nothing else."""
        store = self.catalogue.stand_in.store
        names = Counter(str(dataset["datasetName"]) for dataset in store.datasets())
        assert names == Counter(self.ingested.keys())
        listed = Counter(
            (str(block["datasetId"]), file["path"])
            for block in store.origdatablocks()
            for file in block["dataFileList"]
        )
        plans = [outcome.plan for outcome in self.ingested.values()]
        assert listed == Counter((plan.pid, path) for plan in plans for block in plan.blocks for path in block.paths)
        for plan in plans:
            dataset = store.dataset(plan.pid)
            assert dataset is not None
            assert (dataset["size"], dataset["numberOfFiles"]) == (plan.size, plan.number_of_files)
