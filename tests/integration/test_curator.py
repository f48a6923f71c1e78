"""A curator's day: some events fail in ten ways, the causes are mended, the letters replayed, and nothing is missing.

CURATOR_EVENTS=5000 makes the day longer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.integration.harness import at_least, event, read_outcomes, running, send

from scicat_ingest.testing.stand_in.store import DATASETS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.harness import Site

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 900
EVENTS = int(os.environ.get("CURATOR_EVENTS", "300"))
BROKEN_OF_EACH_KIND = max(EVENTS * 6 // 100 // 10, 1)

CONFIGURED = {
    "limits": {"requests_per_second": None, "max_inline_files": 3, "max_event_bytes": 20_000},
    "mapping": {"contact_email": None, "unknown_fields": "reject"},
    "files": {"wait_seconds": 0, "stable_seconds": 0},
}
MENDED = {
    "limits": {"max_inline_files": 10, "max_event_bytes": 1_000_000},
    "mapping": {"contact_email": "data@example.org", "unknown_fields": "warn", "on_status": {"failed": "ingest"}},
}

REASONS = {
    "status": "acquisition_failed",
    "files": "too_many_files",
    "bytes": "too_large",
    "instrument": "forbidden_by_source",
    "public": "forbidden_by_source",
    "contact": "missing_field",
    "unknown": "unknown_field",
    "manifest": "file_not_there",
    "digest": "invalid_manifest",
    "taken": "pid_taken",
}
"""What is done to events, and the reason that a curator reads."""


def event_of(number: int, kind: str | None, data: Path) -> bytes:
    """Give an event that is good, or broken in one way."""
    name = f"run-{number:05}"
    fields: dict[str, Any] = {
        "acquisitionId": name,
        "runNumber": number,
        "source": {"folder": str(data / name)},
        "contactEmail": "ada@example.org",
        "attachments": None,
    }
    match kind:
        case "status":
            fields["status"] = "failed"
        case "files":
            fields["files"] = [{"path": f"{file}.nxs", "size": file} for file in range(5)]
        case "bytes":
            fields["description"] = "x" * 30_000
        case "instrument":
            fields["instrument"] = {"id": "NEW"}
        case "public":
            fields["dataset"] = {"isPublished": True}
        case "contact":
            fields["contactEmail"] = None
        case "unknown":
            fields["beamtimeCode"] = "b-7"
        case "manifest" | "digest":
            fields["files"] = fields["checksumAlgorithm"] = None
            fields["fileManifest"] = {"uri": "list.jsonl", "count": 1}
            if kind == "digest":
                (data / name).mkdir()
                (data / name / "list.jsonl").write_text("")
    return event(**fields)


def merge(site: Site, **groups: Any) -> None:
    for group, values in groups.items():
        site.document[group] = {**site.document.get(group, {}), **values}


def source(site: Site, **values: Any) -> None:
    site.document["sources"] = [{"topic": site.topic, "flood_guard": "off", **values}]


async def cli(site: Site, folder: Path, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "scicat_ingest", *arguments, "--config", str(site.write(folder))]
    with anyio.fail_after(PATIENCE_SECONDS):
        done = await anyio.run_process(command, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def take_pids(site: Site, kinds: dict[int, str]) -> Callable[[], None]:
    """Let somebody else's datasets have the pids of some acquisitions; gives what takes them away again."""
    store = site.stand_in.store
    taken = []
    for dataset in store.datasets():
        number = int(dataset["runNumber"])
        if kinds.get(number) == "taken":
            metadata = {**dataset["scientificMetadata"]}
            metadata["ingest"] = {**metadata["ingest"], "acquisitionId": "another one"}
            store.replace(DATASETS, dataset["pid"], {**dataset, "scientificMetadata": metadata})
            taken.append(dataset["pid"])

    def free() -> None:
        for pid in taken:
            for block in store.origdatablocks(pid):
                store.delete("OrigDatablock", block["_id"])
            store.delete(DATASETS, pid)

    return free


async def test_what_failed_is_understood_mended_replayed_and_all_is_there(site: Site, tmp_path: Path) -> None:
    """Every kind of fault is named by its reason; afterwards 0 letters are open and every dataset is in SciCat."""
    data = tmp_path / "data"
    data.mkdir()
    names = list(REASONS)
    step = EVENTS // (BROKEN_OF_EACH_KIND * len(names))
    kinds = {place * step: names[place % len(names)] for place in range(BROKEN_OF_EACH_KIND * len(names))}
    merge(site, **CONFIGURED)
    source(site, roots=[str(data)], instruments=["ODIN"])
    records = [(f"run-{number:05}".encode(), event_of(number, kinds.get(number), data)) for number in range(EVENTS)]
    early = [record for number, record in enumerate(records) if kinds.get(number) == "taken"]

    async with running(site):  # those whose pids are to be somebody else's
        await send(site, early)
        await read_outcomes(site, at_least(len(early)))
    free = take_pids(site, kinds)
    async with running(site):
        await send(site, records)
        await read_outcomes(site, lambda found: len(found) >= EVENTS + len(early))

    code, said, complained = await cli(site, tmp_path, "dlq", "list", "--json")
    assert code == 0, complained
    letters = [json.loads(line) for line in said.splitlines()]
    found = {letter["key"]: letter for letter in letters}
    assert len(letters) == len(found) == len(kinds)
    for number, kind in kinds.items():
        letter = found[f"run-{number:05}"]
        assert (letter["reason"], bool(letter["message"]), bool(letter["hint"])) == (REASONS[kind], True, True)
    if EVENTS >= 1000:
        sys.stdout.write((await cli(site, tmp_path, "dlq", "list", "--by", "reason"))[1])

    merge(site, **MENDED)
    source(site, roots=[str(data)], instruments=["ODIN", "NEW"], may_set=["isPublished"])
    for number, kind in kinds.items():
        if kind in ("manifest", "digest"):
            folder = data / f"run-{number:05}"
            folder.mkdir(exist_ok=True)
            (folder / "list.jsonl").write_text('{"path": "a.nxs", "size": 3}\n')
    free()
    async with running(site):
        code, said, complained = await cli(site, tmp_path, "dlq", "replay", "--everything")
        assert (code, said) == (0, f"{len(kinds)} replayed, 0 refused\n"), complained
        await read_outcomes(site, lambda found: len(found) >= EVENTS + len(early) + 2 * len(kinds))
    assert (await cli(site, tmp_path, "dlq", "list"))[1] == "0 open\n"
    code, said, complained = await cli(
        site, tmp_path, "report", "--since", "2020-01-01T00:00:00Z", "--verify", "--json", "--no-gaps"
    )
    report = json.loads(said)
    assert report["totals"] == {"ingested": EVENTS}, complained
    assert (code, report["not_in_scicat"]) == (0, {})
    assert len(site.stand_in.store.datasets()) == EVENTS
