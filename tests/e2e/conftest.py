"""A dataset with real files on disk, ingested by the service, for other people's clients to read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.contract.service.bench import Bench, Clock
from tests.e2e.acquisition import derived_event, raw_event, write_files

from scicat_ingest.testing.stand_in import Account, StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scicat_ingest.plan.steps import Plan


@dataclass(frozen=True)
class Way:
    """Who ingests, and by which routes."""

    account: str
    api: str
    routes: frozenset[str]


DATASET, BLOCK, ATTACHMENT = "POST /api/v4/datasets", "POST /api/v4/origdatablocks", "POST /api/v4/attachments"
DATASET_V3, BLOCK_V3 = "POST /api/v3/datasets", "POST /api/v3/origdatablocks"
ATTACHMENT_V3 = "POST /api/v3/datasets/{pid}/attachments"

WAYS = (
    pytest.param(Way("admin", "auto", frozenset({DATASET, BLOCK, ATTACHMENT})), id="admin-v4"),
    pytest.param(Way("ingestor", "auto", frozenset({DATASET, BLOCK_V3, ATTACHMENT_V3})), id="ingestor-v3-parts"),
    pytest.param(Way("ingestor", "v3", frozenset({DATASET_V3, BLOCK_V3, ATTACHMENT_V3})), id="ingestor-v3"),
)


@dataclass(frozen=True)
class Ingested:
    """What a reader needs to know."""

    stand_in: StandInThread
    account: Account
    way: Way
    plan: Plan
    derived: Plan
    folder: Path

    @property
    def url(self) -> str:
        return self.stand_in.url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a source folder with its files in it."""
    source = tmp_path / "source"
    write_files(source)
    return source


@pytest.fixture
def stand_in() -> Iterator[StandInThread]:
    with StandInThread() as started:
        yield started


@pytest.fixture(params=WAYS)
def ingested(request: pytest.FixtureRequest, stand_in: StandInThread, folder: Path) -> Ingested:
    """Ingest a raw and a derived dataset: as an admin by v4's routes, as a privileged account by v3's."""
    way: Way = request.param
    bench = Bench(
        stand_in,
        Clock(now=time.time()),  # the clients look at the token's expiry with the real clock
        account=way.account,
        scicat={"read_back_group": way.account, "api": way.api},
    )
    plan, derived = bench.plan(**raw_event(folder)), bench.plan(**derived_event(folder))

    async def deliver() -> None:
        async with bench.open() as deliveries:
            assert (await bench.deliver(deliveries, plan)).verdict == "created"
            assert (await bench.deliver(deliveries, derived)).verdict == "created"

    anyio.run(deliver)
    return Ingested(stand_in, stand_in.account(way.account), way, plan, derived, folder)
