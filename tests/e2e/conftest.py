"""A dataset with real files on disk, ingested by the service, for other people's clients to read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.contract.service.bench import Bench, Clock

from scicat_ingest.testing.sample_events import sample_events
from scicat_ingest.testing.stand_in import Account, StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scicat_ingest.plan.steps import Plan

CONTENTS = {"run.nxs": b"neutrons" * 100, "frames/0001.tif": b"\x00\x01" * 50, "empty.log": b""}


@dataclass(frozen=True)
class Ingested:
    """What a reader needs to know."""

    url: str
    account: Account
    plan: Plan
    derived: Plan
    folder: Path
    event: dict[str, Any]


@pytest.fixture(params=["admin", "ingestor"])
def ingested(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ingested]:
    """Ingest a raw and a derived dataset: as an admin by the v4 routes, as a privileged account by v3's."""
    folder = tmp_path / "source"
    for name, content in CONTENTS.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    pictures = [event for event in sample_events(6) if b"data:image/png" in event.value]
    thumbnail = pictures[0].value.decode().split('"thumbnail": "')[1].split('"')[0]
    event = {
        "acquisitionId": "odin-000042",
        "title": "Fe3O4 at 5 K",
        "instrument": {"id": "ODIN", "location": "/ESS/ODIN"},
        "proposal": {"id": "p1001", "principalInvestigators": ["Ada Lovelace"]},
        "sample": {"id": "sample-17", "name": "Fe3O4"},
        "source": {"folder": str(folder)},
        "files": [
            {"path": name, "size": len(content), "checksum": hashlib.sha256(content).hexdigest()}
            for name, content in CONTENTS.items()
        ],
        "checksumAlgorithm": "sha256",
        "attachments": [
            {"caption": "first frame", "thumbnail": thumbnail},
            {"caption": "last frame", "thumbnail": thumbnail},
        ],
        "metadata": {"temperature": {"value": 5, "unit": "K"}, "operator": "Lise"},
        "techniques": [{"pid": "http://purl.org/pan-science/PaNET/PaNET01207", "name": "x-ray tomography"}],
    }
    reduced = {
        "acquisitionId": "odin-000042-reduced",
        "type": "derived",
        "inputDatasets": [{"instrument": "ODIN", "acquisitionId": "odin-000042"}],
        "usedSoftware": ["https://github.com/scipp/scipp@24.1"],
        "attachments": [],
    }
    with StandInThread() as stand_in:
        bench = Bench(stand_in, Clock(), account=request.param, scicat={"read_back_group": request.param})
        plan, derived = bench.plan(**event), bench.plan(**(event | reduced))

        async def deliver() -> None:
            async with bench.open() as delivery:
                assert (await delivery.deliver(plan)).verdict == "created"
                assert (await delivery.deliver(derived)).verdict == "created"

        anyio.run(deliver)
        yield Ingested(stand_in.url, stand_in.account(request.param), plan, derived, folder, event)
