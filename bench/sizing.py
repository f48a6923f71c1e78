"""What one replica needs: CPU time an event and peak memory, by its size. For docs/kubernetes.md.

python -m bench.sizing                3 min
python -m bench.sizing --json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from bench.facility import Facility

from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPES = ((0, 3000), (10, 3000), (100, 1000), (1000, 150), (2000, 80))
"""Files in an event, and how many such events are worked on."""
PATIENCE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Need:
    """Of one process."""

    files: int
    events: int
    event_kb: float
    cpu_ms: float
    """An event, user and system time, the start of the process not counted."""
    peak_mib: float
    seconds: float


def events(files: int, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Give native events with so many files and a preview of 20 kB."""
    preview = "data:image/png;base64," + "A" * 20_000
    for number in range(count):
        event: dict[str, Any] = {
            "acquisitionId": f"run-{number}",
            "instrument": {"id": "ODIN"},
            "proposal": {"id": "p1001", "principalInvestigators": ["Ada Lovelace"]},
            "endedAt": "2026-04-22T10:54:53+02:00",
            "source": {"folder": f"/data/odin/run-{number}"},
            "files": [
                {
                    "path": f"frames/{part:06}.nxs",
                    "size": part,
                    "modifiedAt": "2026-04-22T10:54:53Z",
                    "checksum": "0" * 64,
                }
                for part in range(files)
            ],
            "attachments": [{"caption": "preview", "thumbnail": preview}],
        }
        if not files:
            del event["files"]
            event["noFiles"] = True
        yield f"run-{number}".encode(), json.dumps(event).encode()


async def measure(files: int, count: int) -> Need:
    """Let one process work on so many events."""
    with EmbeddedKafka() as kafka, StandInThread() as stand_in, tempfile.TemporaryDirectory() as folder:
        facility = Facility(kafka.bootstrap_servers, stand_in.url, Path(folder))
        await facility.make_topics()
        service = facility.start("service")
        try:
            await facility.send(events(files, 1))  # when it is in SciCat, the service has started
            await _until(stand_in, 1)
            before, started = service.cpu_seconds, time.monotonic()
            await facility.send(events(files, count))
            await _until(stand_in, count)
            cpu, seconds, peak = service.cpu_seconds - before, time.monotonic() - started, service.peak_bytes
        finally:
            service.stop()
    [(_, sample)] = events(files, 1)
    size = len(sample) / 1000
    return Need(files, count, round(size, 1), round(1000 * cpu / count, 2), round(peak / 2**20), round(seconds, 1))


async def _until(stand_in: StandInThread, count: int) -> None:
    with anyio.fail_after(PATIENCE_SECONDS):
        while len(stand_in.store.datasets()) < count:  # noqa: ASYNC110 (another process works)
            await anyio.sleep(0.1)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    options = parser.parse_args()
    needs = [anyio.run(measure, files, count) for files, count in SHAPES]
    if options.json:
        print(json.dumps([asdict(need) for need in needs]))
        return 0
    print(f"{'files':>6} {'event kB':>9} {'CPU ms':>7} {'peak MiB':>9} {'events/s':>9}")
    for need in needs:
        rate = need.events / need.seconds
        print(f"{need.files:>6} {need.event_kb:>9} {need.cpu_ms:>7} {need.peak_mib:>9} {rate:>9.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
