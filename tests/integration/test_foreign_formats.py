"""What other facilities send, through the whole service: runs told in several records, their files, plots."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from streaming_data_types import serialise_6s4t, serialise_pl72, serialise_wrdn, serialise_x5f2
from tests.integration.harness import at_least, committed_offsets, event, make_site, read_outcomes, running, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.harness import Site

    from scicat_ingest.testing.kafka import Broker
    from scicat_ingest.testing.stand_in import StandInThread

pytestmark = pytest.mark.anyio

OLD = 1_700_000_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make the folder that everybody writes to."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def site(kafka: Broker, stand_in: StandInThread, topic_names: Callable[[str], str], data: Path) -> Site:
    """Take messages of the ESS and of bluesky beside native events."""
    source = {
        "topic": topic_names("acquisitions"),
        "formats": ["json", "ess", "bluesky"],
        "roots": [str(data)],
    }
    mapping = {"shipped": ["ess-wrdn", "bluesky"], "owner_group": "{proposal.id}"}
    return make_site(kafka.bootstrap_servers, stand_in, topic_names, sources=[source], mapping=mapping)


def age(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (OLD, OLD))


def write_nexus(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["entry/title"] = "Fe3O4 at 5 K"
        file["entry/experiment_identifier"] = "p1001"
        file["entry/start_time"] = "2026-04-22T10:40:00+02:00"
        file["entry/user_1/name"] = "Ada Lovelace"
        file["entry/user_1/email"] = "ada@example.org"
        file["entry/counts"] = np.arange(100)


def ess_run(data: Path) -> list[bytes]:
    write_nexus(data / "job-1.nxs")
    return [
        serialise_pl72("job-1", "job-1.nxs", run_name="run 42", start_time=OLD * 1000, instrument_name="odin"),
        serialise_x5f2("writer", "1", "w", "host", 1, 1000, "{}"),
        serialise_6s4t("job-1", run_name="run 42", stop_time=OLD * 1000 + 60_000),
        serialise_wrdn("writer", "job-1", error_encountered=False, file_name=str(data / "job-1.nxs")),
    ]


def bluesky_run(data: Path) -> list[bytes]:
    (data / "det_1.h5").write_bytes(b"frames")
    start = {"uid": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10", "time": OLD, "plan_name": "scan", "scan_id": 7}
    documents: list[tuple[str, dict[str, Any]]] = [
        ("start", {**start, "data_session": "p1002", "beamline_id": "ID23"}),
        ("descriptor", {"uid": "d", "run_start": start["uid"], "name": "primary", "data_keys": {}, "time": OLD}),
        (
            "resource",
            {"uid": "r", "run_start": start["uid"], "root": str(data), "resource_path": "det_1.h5", "spec": "X"},
        ),
        ("event", {"uid": "e", "descriptor": "d", "data": {}, "timestamps": {}, "seq_num": 1, "time": OLD}),
        ("stop", {"uid": "s", "run_start": start["uid"], "exit_status": "success", "time": OLD + 60}),
    ]
    return [json.dumps({"name": name, "doc": document}).encode() for name, document in documents]


def manifest_event(data: Path) -> bytes:
    rows = [json.dumps({"path": f"raw/{number:05}", "size": number}) for number in range(5001)]
    (data / "list.jsonl").write_text("\n".join(rows))
    plot = {"caption": "Counts", "plot": {"file": "job-1.nxs", "data": "/entry/counts"}}
    return event(
        files=None,
        fileManifest={"uri": "list.jsonl", "count": 5001},
        source={"folder": str(data)},
        attachments=[plot],
    )


async def test_three_facilities_send_to_one_topic_and_the_service_is_restarted_in_the_middle(
    site: Site, data: Path
) -> None:
    """No message of a run is forgotten: what came before the restart counts after it."""
    ess, bluesky = ess_run(data), bluesky_run(data)
    native = manifest_event(data)
    age(data)
    async with running(site):
        await send(site, [(b"job-1", ess[0]), (b"job-1", ess[1]), *((b"bluesky", each) for each in bluesky[:3])])
        await send(site, [(b"run-1", native)])
        (first,) = await read_outcomes(site, at_least(1))
    assert json.loads(first.value)["acquisitionId"] == "run-1"
    async with running(site):
        rest = [*((b"job-1", each) for each in ess[2:]), *((b"bluesky", each) for each in bluesky[3:])]
        await send(site, rest)
        answers = await read_outcomes(site, at_least(3))
    assert all(dict(answer.headers)["ce_type"] == b"scicat.dataset.ingested.v1" for answer in answers)
    datasets = {each["scientificMetadata"]["ingest"]["acquisitionId"]: each for each in site.stand_in.store.datasets()}
    assert set(datasets) == {"run-1", "job-1", "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10"}
    from_ess = datasets["job-1"]
    assert (from_ess["datasetName"], from_ess["ownerGroup"], from_ess["owner"]) == (
        "Fe3O4 at 5 K",
        "p1001",
        "Ada Lovelace",
    )
    assert from_ess["numberOfFiles"] == 1
    from_bluesky = datasets["6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10"]
    assert (from_bluesky["ownerGroup"], from_bluesky["numberOfFiles"], from_bluesky["size"]) == ("p1002", 1, 6)
    with_manifest = datasets["run-1"]
    assert (with_manifest["numberOfFiles"], with_manifest["size"]) == (5001, sum(range(5001)))
    blocks = site.stand_in.store.origdatablocks(with_manifest["pid"])
    assert sorted(len(block["dataFileList"]) for block in blocks) == [1001, 2000, 2000]
    (attachment,) = site.stand_in.store.attachments(with_manifest["pid"])
    assert attachment["thumbnail"].startswith("data:image/")
    assert sum((await committed_offsets(site)).values()) == len(ess) + len(bluesky) + 1
