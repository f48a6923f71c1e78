"""Several services against one SciCat: one rate for all of them, and each block once.

python -m bench.replicas rate        3 replicas, 50 requests/s in all, counted at the server: 2 min
python -m bench.replicas writers     two services with the same records, one stopped for 30 s in the middle: 4 min
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from bench.facility import Facility, events

from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandIn

if TYPE_CHECKING:
    from bench.facility import ServiceProcess

REPLICAS = 3
RATE = 50.0
WINDOW_SECONDS = 10
BLOCKS = 40
STOPPED_SECONDS = 30.0


async def rate(seconds: int = 60) -> dict[str, Any]:
    """Let the replicas work on a backlog; give the requests per second in windows of ten."""
    with EmbeddedKafka() as kafka, tempfile.TemporaryDirectory() as folder:
        async with StandIn() as stand_in:
            changes = {"limits": {"requests_per_second": RATE}}
            facility = Facility(kafka.bootstrap_servers, stand_in.url, Path(folder), partitions=6, changes=changes)
            await facility.make_topics()
            services = [facility.start(f"service-{number}") for number in range(REPLICAS)]
            await anyio.sleep(20)  # they join one after another
            await facility.send(events(int(RATE * seconds / 3 * 1.5)))
            await anyio.sleep(10)
            totals, began = [stand_in.requests.total()], time.monotonic()
            for second in range(1, seconds + 1):
                await anyio.sleep(began + second - time.monotonic())
                totals.append(stand_in.requests.total())
            for service in services:
                service.kill()
    later = totals[WINDOW_SECONDS:]
    windows = [(after - before) / WINDOW_SECONDS for before, after in zip(totals, later, strict=False)]
    return {"requests_per_second": {"least": min(windows), "most": max(windows)}, "windows": len(windows)}


async def writers(records: int = 20) -> dict[str, Any]:
    """Give two services of two groups the same records; stop one for a while as soon as it has begun."""
    with EmbeddedKafka() as kafka, tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        async with StandIn() as stand_in:
            services: list[ServiceProcess] = []
            facilities = []
            for folder, group in ((first, "one"), (second, "two")):
                changes: dict[str, dict[str, Any]] = {
                    "kafka": {"group_id": group},
                    "limits": {"max_block_files": 1, "requests_per_second": 100},
                }
                facilities.append(Facility(kafka.bootstrap_servers, stand_in.url, Path(folder), 1, changes))
            await facilities[0].make_topics()
            services = [facility.start("service") for facility in facilities]
            await anyio.sleep(15)
            await facilities[0].send(_with_blocks(records))
            while stand_in.requests["POST /api/v3/origdatablocks"] < BLOCKS // 2:  # noqa: ASYNC110 (counters only)
                await anyio.sleep(0.01)
            services[0].pause()
            await anyio.sleep(STOPPED_SECONDS)
            services[0].resume()
            outcomes = dead = 0
            async for batch in facilities[0].outcomes():
                outcomes += len(batch)
                dead += sum("ingest.dlq.reason" in dict(message.headers) for message in batch)
                if outcomes >= 2 * records:
                    break
            for service in services:
                service.kill()
            listed = Counter(
                (block["datasetId"], file["path"])
                for block in stand_in.store.origdatablocks()
                for file in block["dataFileList"]
            )
            return {
                "outcomes": outcomes,
                "dead_letters": dead,
                "datasets": len(stand_in.store.datasets()),
                "files_missing": records * BLOCKS - len(listed),
                "files_twice": listed.total() - len(listed),
            }


def _with_blocks(records: int) -> list[tuple[bytes, bytes]]:
    made = []
    for key, value in events(records):
        files = [{"path": f"{part}.nxs", "size": 1 + part} for part in range(BLOCKS)]
        made.append((key, json.dumps({**json.loads(value), "files": files}).encode()))
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rate", "writers"])
    found = anyio.run({"rate": rate, "writers": writers}[parser.parse_args().what])
    sys.stdout.write(f"{json.dumps(found)}\n")
