"""A delivery to the stand-in, with a clock of our own and mishaps on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpx
from tests.unit.acquisition_events import plan_record

from scicat_ingest.bootstrap import rules_by_topic
from scicat_ingest.consume.record import Record
from scicat_ingest.deliver.delivered import Delivered, TryAgain
from scicat_ingest.deliver.deliveries import Deliveries
from scicat_ingest.deliver.transport import open_connections
from scicat_ingest.deliver.wire import WireAnswer
from scicat_ingest.plan.steps import Plan
from scicat_ingest.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scicat_ingest.deliver.credentials import Credentials
    from scicat_ingest.deliver.delivery import Delivery
    from scicat_ingest.deliver.wire import Wire, WireRequest
    from scicat_ingest.testing.stand_in import StandInThread

PREFIX = "20.500.12345"


@dataclass
class Clock:
    """The server's clock and ours: sleeping lets hours pass in no time."""

    now: float = 1_790_000_000.0
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], Awaitable[None]] | None = None
    """What happens instead of time going by."""

    ticks: float = 0.0
    """Seconds that go by at each look at our clock."""

    def monotonic(self) -> float:
        self.now += self.ticks
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.on_sleep is not None:
            await self.on_sleep()
        else:
            self.now += seconds
            await anyio.lowlevel.checkpoint()

    def chance(self) -> float:
        return 0.5


Send = Callable[[], Awaitable[WireAnswer]]
Mishap = str | Callable[[Send], Awaitable[WireAnswer]]
"""The name of one that `Mishaps` knows, or what happens instead of the request, which it may send."""
ANSWERS: dict[str, Callable[[], httpx.Response]] = {
    "503": partial(httpx.Response, 503, json={"status": "error"}, headers={"retry-after": "7"}),
    "403": partial(
        httpx.Response, 403, json={"message": "Forbidden resource", "error": "Forbidden", "statusCode": 403}
    ),
    "empty": partial(httpx.Response, 200),
    "redirect": partial(httpx.Response, 302, headers={"location": "https://login.example.org"}),
}
"""Mishaps that never reach the server."""
PlannedMishaps = dict[tuple[str, str], dict[int, Mishap]]


class Mishaps:
    """Real connections, with a mishap at the nth request of a kind: `{("POST", "datasets"): {1: "lose answer"}}`."""

    def __init__(self, inner: Wire, planned: PlannedMishaps) -> None:
        self._inner = inner
        self._planned = planned
        self._seen: Counter[tuple[str, str]] = Counter()

    async def send(self, request: WireRequest) -> WireAnswer:
        send = partial(self._inner.send, request)
        mishap = self._due(request)
        if callable(mishap):
            return await mishap(send)
        match mishap:
            case "lose answer":
                await send()
                raise httpx.ReadError("the answer is lost")
            case "refuse connection":
                raise httpx.ConnectError("nobody listens")
            case "500 but stored":
                await send()
                return httpx.Response(500, content=b'"Internal server error"')
            case None:
                return await send()
        return ANSWERS[mishap]()

    def _due(self, request: WireRequest) -> Mishap | None:
        due = None
        for kind, mishaps in self._planned.items():
            method, word = kind
            if request.method == method and httpx.URL(request.url).path.endswith(word):
                self._seen[kind] += 1
                due = due or mishaps.get(self._seen[kind])
        return due


@dataclass
class Bench:
    """A delivery as one account, with its settings."""

    stand_in: StandInThread
    clock: Clock
    account: str = "admin"
    mishaps: PlannedMishaps = field(default_factory=dict)
    scicat: dict[str, Any] = field(default_factory=dict)
    mapping: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    retry: dict[str, Any] = field(default_factory=dict)
    lookups: dict[str, Any] = field(default_factory=dict)
    credentials: Credentials | None = None

    @property
    def settings(self) -> Settings:
        account = self.stand_in.account(self.account)
        identity = {} if "token" in self.scicat else {"username": account.username, "password": account.password}
        return Settings.model_validate(
            {
                "scicat": {"url": self.stand_in.url, **identity, **self.scicat},
                "mapping": {
                    "pid_prefix": PREFIX,
                    "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
                    "fallback_owner_group": "unassigned",
                    "owner": "Data Service",
                    "contact_email": "data@example.org",
                    **self.mapping,
                },
                "limits": {"requests_per_second": None, **self.limits},
                **({"retry": self.retry} if self.retry else {}),
                "lookups": self.lookups,
            }
        )

    def record(self, **event: Any) -> Record:
        """Give the record of an event; two files and a preview unless it says otherwise."""
        whole = {
            "acquisitionId": "run-1",
            "proposal": {"id": "p1001"},
            "source": {"folder": "/data/run-1"},
            "endedAt": "2026-04-22T10:54:53Z",
            "files": [{"path": "a", "size": 3}, {"path": "b", "size": 4}],
            "attachments": [{"caption": "preview", "thumbnail": "data:image/png;base64,AAAA"}],
        } | event
        topic = self.settings.sources[0].topic
        return Record(topic, 0, 0, int(self.clock.now * 1000), None, json.dumps(whole).encode())

    def plan(self, **event: Any) -> Plan:
        """Give the plan of such a record, without look-ups."""
        record = self.record(**event)
        plan = plan_record(record, rules_by_topic(self.settings)[record.topic])
        assert isinstance(plan, Plan), plan
        return plan

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Deliveries]:
        settings = self.settings
        async with open_connections(max_connections=8) as connections:
            deliveries = Deliveries.over(Mishaps(connections, self.mishaps), settings, self.clock)
            self.credentials = deliveries.parts.client._credentials
            yield deliveries

    async def finish(self, delivery: Delivery) -> Delivered:
        """Attempt until it is done, as the engine would; between two attempts the clock goes on."""
        while True:
            match await delivery.attempt():
                case TryAgain(seconds=seconds):
                    await self.clock.sleep(seconds)
                    await self._until_not_open(delivery)
                case Delivered() as delivered:
                    return delivered

    async def _until_not_open(self, delivery: Delivery) -> None:
        """Probe, as the engine's task would, until the circuit is no longer open."""
        traffic, probe = delivery._traffic, delivery._probe
        while traffic.is_open:
            await self.clock.sleep(traffic.probe_delay)
            await probe._probe()

    async def deliver(self, deliveries: Deliveries, plan: Plan) -> Delivered:
        """Begin a delivery and bring it to its end."""
        return await self.finish(deliveries.begin(plan))

    def posts(self) -> Counter[str]:
        return Counter({route: n for route, n in self.stand_in.requests.items() if route.startswith("POST")})

    def assert_once(self, plan: Plan) -> None:
        """Require the dataset once with right totals, each file in one block, each attachment once."""
        dataset = self.stand_in.store.dataset(plan.pid)
        assert dataset is not None
        blocks = self.stand_in.store.origdatablocks(plan.pid)
        files = Counter(file["path"] for block in blocks for file in block["dataFileList"])
        assert files == {file["path"]: 1 for block in plan.blocks for file in block.payload["dataFileList"]}
        assert (dataset["size"], dataset["numberOfFiles"]) == (plan.size, plan.number_of_files)
        captions = Counter(attachment["caption"] for attachment in self.stand_in.store.attachments(plan.pid))
        assert captions == {attachment.payload["caption"]: 1 for attachment in plan.attachments}
