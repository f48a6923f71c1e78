"""A dataset of a million files: from its manifest to the bodies of its blocks, in memory that does not grow with it.

python -m bench.file_lists                       1 000 000 files: 1 min
python -m bench.file_lists --files 100000 --json
python -m bench.file_lists --service             and delivered by the service, to the stand-in: 3 min

Beside it the floor: json.loads and json.dumps of the same lines, one after another, in the same process.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from bench.facility import Facility

from scicat_ingest.catalogue.entry import CatalogueEntry
from scicat_ingest.decode.decoded import Decoded
from scicat_ingest.decode.document import Document
from scicat_ingest.decode.native import accept_native
from scicat_ingest.mapping.acquisition import map_acquisition
from scicat_ingest.mapping.rules import rules_for
from scicat_ingest.plan.steps import plan_steps
from scicat_ingest.settings import FilesSettings, SourceSettings
from scicat_ingest.settings.example import example_settings
from scicat_ingest.storage.lists.checksums import Pace
from scicat_ingest.storage.lists.listed import Listing
from scicat_ingest.storage.lists.listing import list_files
from scicat_ingest.storage.roots import Roots
from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

MIB = 1024 * 1024


def write_manifest(path: Path, files: int) -> str:
    """Write a manifest as a detector would make it, and give its SHA-256."""
    made = hashlib.sha256()
    with path.open("wb") as file:
        for number in range(files):
            row = {
                "path": f"scan_{number // 10_000:04d}/frame_{number:08d}.cbf",
                "size": 6_224_001 + number % 997,
                "modifiedAt": f"2026-04-22T10:{number // 60 % 60:02d}:{number % 60:02d}.642Z",
                "checksum": hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest(),
            }
            line = json.dumps(row).encode() + b"\n"
            made.update(line)
            file.write(line)
    return made.hexdigest()


def floor(path: Path) -> float:
    """Give the seconds that parsing and serialising alone takes."""
    begun = time.perf_counter()
    with path.open("rb") as file:
        for line in file:
            json.dumps(json.loads(line))
    return time.perf_counter() - begun


def peak() -> float:
    """Give the most memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(files: int, folder: Path) -> dict[str, Any]:
    """List, plan, and make the bodies of all blocks."""
    digest = write_manifest(folder / "manifest.jsonl", files)
    with_few = run(folder, 1000, write_manifest(folder / "few.jsonl", 1000), "few.jsonl")
    before = peak()
    result = run(folder, files, digest, "manifest.jsonl")
    result["rss_growth_mib"] = round(peak() - before, 1)
    result["floor_seconds"] = round(floor(folder / "manifest.jsonl"), 1)
    result["ratio"] = round(result["seconds"] / result["floor_seconds"], 1)
    assert with_few["blocks"] == 1
    return result


def run(folder: Path, files: int, digest: str, name: str) -> dict[str, Any]:
    """Bring one manifest to bodies, and compare what comes out with what went in."""
    source = SourceSettings(roots=(str(folder),))
    settings = example_settings()
    settings = settings.model_copy(update={"files": FilesSettings(max_files=max(files, 1), stable_seconds=0)})
    rules = rules_for(source, settings)
    event = event_of(folder, files, digest, name)
    decoded = accept_native(Document("json", event, "bench"), source, rules.mapping, rules.limits)
    assert isinstance(decoded, Decoded)
    assert decoded.event.startedAt is not None
    begun = time.perf_counter()
    listing = Listing(
        str(folder),
        Roots((str(folder),)),
        rules.files,
        None,
        no_fetch,
        Pace(None, time.monotonic, time.sleep),
        time.time,
        lambda: None,
    )
    listed = list_files(decoded.event, listing, decoded.event.startedAt)
    listed_at = time.perf_counter()
    entry = map_acquisition(decoded, rules, -1, listed=listed)
    assert isinstance(entry, CatalogueEntry)
    plan = plan_steps(entry, 0)
    planned_at = time.perf_counter()
    paths = size = bodies = 0
    for block in plan.blocks:
        bodies += len(json.dumps(block.payload).encode())
        paths += len(block.payload["dataFileList"])
        size += block.payload["size"]
    done_at = time.perf_counter()
    assert paths == files == plan.number_of_files
    assert size == plan.size
    return {
        "files": files,
        "blocks": len(plan.blocks),
        "bodies_mib": round(bodies / MIB, 1),
        "list_seconds": round(listed_at - begun, 1),
        "plan_seconds": round(planned_at - listed_at, 1),
        "bodies_seconds": round(done_at - planned_at, 1),
        "seconds": round(done_at - begun, 1),
        "files_per_second": round(files / (done_at - begun)),
    }


async def deliver(files: int) -> dict[str, Any]:
    """Let the service deliver a short list and a long one, and give the growth of its peak memory."""
    with (
        EmbeddedKafka() as kafka,
        StandInThread() as stand_in,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        changes = {"files": {"max_files": files, "stable_seconds": 0}}
        facility = Facility(kafka.bootstrap_servers, stand_in.url, folder, 1, changes, roots=(name,))
        await facility.make_topics()
        service = facility.start("service")
        try:
            await ingest(facility, folder, 1000)
            before = service.peak_bytes
            begun = time.perf_counter()
            outcome = await ingest(facility, folder, files)
            seconds = time.perf_counter() - begun
            growth = service.peak_bytes - before
        finally:
            service.stop()
        stored = sum(len(block["dataFileList"]) for block in stand_in.store.origdatablocks())
        return {
            "files": files,
            "verdict": outcome["verdict"],
            "files_stored": stored - 1000,
            "service_seconds": round(seconds, 1),
            "service_growth_mib": round(growth / MIB, 1),
        }


async def ingest(facility: Facility, folder: Path, files: int) -> dict[str, Any]:
    """Send an event with so many files and give its outcome."""
    digest = write_manifest(folder / f"{files}.jsonl", files)
    event = event_of(folder, files, digest, f"{files}.jsonl") | {"acquisitionId": f"bench-{files}"}
    await facility.send([(b"bench", json.dumps(event).encode())])
    async for batch in facility.outcomes():
        for message in batch:
            outcome: dict[str, Any] = json.loads(message.value)
            if outcome.get("acquisitionId") == event["acquisitionId"]:
                return outcome
    raise AssertionError("outcomes never end")


def event_of(folder: Path, files: int, digest: str, name: str) -> dict[str, Any]:
    """Give the event of a manifest."""
    return {
        "acquisitionId": "bench",
        "owner": {"name": "Ada", "email": "ada@example.org"},
        "source": {"folder": str(folder)},
        "fileManifest": {"uri": name, "count": files, "sha256": digest},
        "checksumAlgorithm": "md5",
        "startedAt": "2026-04-22T10:00:00Z",
        "instrument": {"name": "bench"},
    }


def no_fetch(uri: str) -> AbstractContextManager[Iterator[bytes]]:
    """Refuse: the manifest is here."""
    raise AssertionError(uri)


def main() -> int:
    """Measure in a fresh process and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--service", action="store_true", help="let the whole service deliver it")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.here:
        command = [sys.executable, "-m", "bench.file_lists", "--here", *sys.argv[1:]]
        return subprocess.run(command, check=False).returncode  # noqa: S603 (ourselves)
    if options.service:
        result = anyio.run(deliver, options.files)
    else:
        with tempfile.TemporaryDirectory() as folder:
            result = measure(options.files, Path(folder))
    if options.json:
        print(json.dumps(result))
        return 0
    for name, value in result.items():
        print(f"{name:>18} {value:>12}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
