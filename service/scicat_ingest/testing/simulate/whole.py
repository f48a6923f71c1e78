"""The whole service in a simulated process: real decoding, mapping and delivery, to a stand-in without a network.

Some seeds are such runs (`WHOLE_EVERY`). On the way to the stand-in, requests are lost before or after they are done;
at the end every document must be there once (P3).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import anyio
import httpx

from scicat_ingest.deliver.deliveries import Deliveries
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.mapping.rules import rules_for
from scicat_ingest.settings import Settings
from scicat_ingest.testing.facility import EmptyFacility
from scicat_ingest.testing.httpx_wire import HttpxWire
from scicat_ingest.testing.simulate.checks import Violation
from scicat_ingest.testing.simulate.scenario import TOPIC, Kind, Trouble
from scicat_ingest.testing.stand_in import StandIn, StandInConfig
from scicat_ingest.testing.stand_in.exchange import NO_BODY
from scicat_ingest.testing.stand_in.json_text import write

if TYPE_CHECKING:
    from scicat_ingest.testing.memory_kafka.process import Process
    from scicat_ingest.testing.simulate.scenario import SentRecord
    from scicat_ingest.testing.simulate.world import World

_EPOCH = 1_790_000_000.0
_URL = "http://scicat.simulated"
_CONCURRENCY = 4


def now() -> datetime:
    """Give the simulated date."""
    return datetime.fromtimestamp(_EPOCH + anyio.current_time(), UTC)


@lru_cache
def _settings(username: str) -> Settings:
    account = StandInConfig().account(username)
    return Settings.model_validate(
        {
            "scicat": {
                "url": _URL,
                "username": account.username,
                "password": account.password,
                "read_back_group": account.groups[0],
            },
            "sources": [{"topic": TOPIC}],
            "limits": {"max_concurrency": _CONCURRENCY},
            "mapping": {
                "pid_prefix": "20.500.12345",
                "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
                "fallback_owner_group": "unassigned",
                "owner": "Data Service",
                "contact_email": "data@example.org",
            },
        }
    )


def event_of(sent: SentRecord) -> bytes:
    """Give the value of a record; records of one lane are the same acquisition."""
    if sent.kind is Kind.POISON:
        return b"{"
    event = {
        "acquisitionId": sent.lane,
        "proposal": {"id": "p1001"},
        "endedAt": "2026-04-22T10:54:53Z",
        "source": {"folder": f"/data/{sent.lane}"},
        "files": [{"path": "a.nxs", "size": 3}, {"path": "b.nxs", "size": 4}],
        "attachments": [{"caption": "preview", "thumbnail": "data:image/png;base64,AAAA"}],
        "status": "cancelled" if sent.kind is Kind.SKIPPED else "completed",
    }
    return json.dumps(event).encode()


class SimulatedCatalogue:
    """The stand-in of a run, and what must be in it at the end."""

    def __init__(self) -> None:
        self.stand_in = StandIn(clock=lambda: _EPOCH + anyio.current_time())

    def answer(self, request: httpx.Request, content: bytes) -> httpx.Response:
        """Carry a request out."""
        answer = self.stand_in.answer(request.method, request.url.raw_path.decode(), dict(request.headers), content)
        headers = {"content-type": "application/json", "date": format_datetime(now(), usegmt=True)}
        body = b"" if answer.body is NO_BODY else write(answer.body)
        return httpx.Response(answer.status, content=body, headers=headers, request=request)

    def check(self, sent: list[SentRecord]) -> None:
        """Require each acquisition's dataset, block and attachment once. Raises Violation."""
        expected = {record.lane: 1 for record in sent if record.kind is Kind.GOOD}
        store = self.stand_in.store
        pids = {str(dataset["datasetName"]): str(dataset["pid"]) for dataset in store.datasets()}
        names = Counter(str(dataset["datasetName"]) for dataset in store.datasets())
        blocks = {name: len(store.origdatablocks(pid)) for name, pid in pids.items()}
        attachments = {name: len(store.attachments(pid)) for name, pid in pids.items()}
        for what, found in (("datasets", dict(names)), ("origdatablocks", blocks), ("attachments", attachments)):
            if found != expected:
                raise Violation(f"{what} are missing or too many: {found}, expected {expected}")

    def close(self) -> None:
        """Free the store."""
        self.stand_in.store.close()


@dataclass(frozen=True, slots=True)
class _Clock:
    world: World

    def monotonic(self) -> float:
        return anyio.current_time()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    def chance(self) -> float:
        return self.world.draw(0.0, 1.0)


def pipeline_of(world: World, catalogue: SimulatedCatalogue, process: Process) -> tuple[Pipeline, Deliveries]:
    """Give a process its way of a record, from bytes to the stand-in."""
    settings = _settings("pidUser" if world.scenario.claims else "ingestor")
    deliveries = Deliveries.over(HttpxWire(_Line(world, catalogue, process)), settings, _Clock(world))
    rules = {TOPIC: rules_for(settings.sources[0], settings)}
    return Pipeline(rules, deliveries, EmptyFacility(), settings.joins, now), deliveries


class _Line(httpx.AsyncBaseTransport):
    """The way to the stand-in and back. A process that is frozen or dead neither sends nor hears."""

    def __init__(self, world: World, catalogue: SimulatedCatalogue, process: Process) -> None:
        self._world = world
        self._catalogue = catalogue
        self._process = process

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        world = self._world
        content = await request.aread()
        await self._process.spend(world.pace() / 2)
        if world.outages[Trouble.CATALOGUE_AWAY]:
            raise httpx.ConnectError("the simulated catalogue is away")
        if world.loses():
            world.checks.counts["requests lost"] += 1
            raise httpx.ReadError("the request is lost, for all that the client knows")
        answer = self._catalogue.answer(request, content)
        await self._process.spend(world.pace() / 2)
        if world.loses():
            world.checks.counts["answers lost"] += 1
            raise httpx.ReadError("the answer is lost")
        return answer
