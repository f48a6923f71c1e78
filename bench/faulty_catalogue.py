"""Whether every document is there once, after a catalogue that loses answers, lies, hangs up and goes away.

    python -m bench.faulty_catalogue                 5 000 events, with and without faults: 20 min
    python -m bench.faulty_catalogue --events 300

Each event has 1 to 40 origdatablocks and an attachment. With faults: each answer is lost, each write answered with 500
but stored, and each connection reset with p = 0.05 each; tokens live 10 s; in the middle nobody listens for a minute.
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
from bench.facility import Facility, source_of

from scicat_ingest.testing.failures import Crash, Cut, FailureScript, Refuse, Rule
from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

P = 0.05
OUTAGE_SECONDS = 60.0
BLOCKS = 40
PARTITIONS = 6
CHANGES: dict[str, dict[str, Any]] = {
    "scicat": {"settle_seconds": 2.0},
    "limits": {"max_block_files": 1, "requests_per_second": None},
}


def events(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Give events with 1 to 40 files, each of which becomes a block."""
    for number in range(count):
        name = f"run-{number}"
        event = {
            "acquisitionId": name,
            "proposal": {"id": "p1001"},
            "endedAt": "2026-04-22T10:54:53+02:00",
            "source": {"folder": f"/data/{name}"},
            "files": [{"path": f"{part}.nxs", "size": 1000 + part} for part in range(number % BLOCKS + 1)],
            "attachments": [{"caption": "preview", "thumbnail": "data:image/png;base64,AAAA"}],
        }
        yield name.encode(), json.dumps(event).encode()


def faults(count: int, seed: int) -> FailureScript:
    """Give the script; the outage begins when half of the datasets are there."""
    crash = Rule(route="POST */datasets", nth=(count // 2,), action=Crash(restart_after=OUTAGE_SECONDS))
    lost = Rule(probability=P, action=Cut(do="lose_answer"))
    lie = Rule(route="POST *", probability=P, action=Refuse(do="answer_500_but_stored"))
    reset = Rule(probability=P, action=Cut(do="reset"))
    return FailureScript(seed=seed, rules=(crash, lost, lie, reset))


async def measure(count: int, script: FailureScript | None) -> dict[str, Any]:
    """Ingest all events; give how long it took, and everything that is not as it must be."""
    with EmbeddedKafka() as kafka, tempfile.TemporaryDirectory() as folder:
        life = 10 if script else 3600
        async with StandIn(failures=script, token_life=life) as stand_in:
            facility = Facility(kafka.bootstrap_servers, stand_in.url, Path(folder), PARTITIONS, CHANGES)
            await facility.make_topics()
            await facility.send(events(count))
            began = time.monotonic()
            service = facility.start("service")
            done: set[tuple[int, int]] = set()
            reasons: Counter[str] = Counter()
            try:
                async for batch in facility.outcomes():
                    for message in batch:
                        done.add(source_of(message))
                        reason = dict(message.headers).get("ingest.dlq.reason")
                        if reason is not None:
                            reasons[reason.decode()] += 1
                    sys.stderr.write(f"\r{len(done)} of {count} ")
                    if len(done) >= count or not service.alive:
                        break
                seconds = time.monotonic() - began
            finally:
                code = service.stop()
            return {
                "events": len(done),
                "seconds": round(seconds, 1),
                "requests": stand_in.requests.total(),
                "logins": stand_in.requests["POST /api/v3/auth/login"],
                "faults": stand_in.failures.done,
                "dead_letters": dict(reasons),
                "exit_code": code,
                **judge(stand_in.store, count),
            }


def judge(store: Any, count: int) -> dict[str, int]:
    """Count datasets, blocks and attachments that are missing or too many, and totals that are wrong."""
    datasets = {dataset["datasetName"]: dataset for dataset in store.datasets()}
    wrong: Counter[str] = Counter(datasets_missing=count - len(datasets))
    wrong["datasets_twice"] = len(store.datasets()) - len(datasets)
    for number in range(count):
        dataset = datasets.get(f"run-{number}")
        if dataset is None:
            continue
        expected = Counter(f"{part}.nxs" for part in range(number % BLOCKS + 1))
        found = Counter(
            file["path"] for block in store.origdatablocks(dataset["pid"]) for file in block["dataFileList"]
        )
        wrong["blocks_missing"] += (expected - found).total()
        wrong["blocks_twice"] += (found - expected).total()
        wrong["attachments_wrong"] += abs(len(store.attachments(dataset["pid"])) - 1)
        totals = (expected.total(), sum(1000 + part for part in range(number % BLOCKS + 1)))
        wrong["totals_wrong"] += (dataset["numberOfFiles"], dataset["size"]) != totals
    return dict(wrong)


async def _main(count: int, seed: int) -> int:
    plain = await measure(count, None)
    sys.stdout.write(f"without faults: {json.dumps(plain)}\n")
    faulty = await measure(count, faults(count, seed))
    sys.stdout.write(f"with faults:    {json.dumps(faulty, default=str)}\n")
    ratio = (faulty["seconds"] - OUTAGE_SECONDS) / plain["seconds"]
    sys.stdout.write(f"time without the outage over time without faults: {ratio:.2f}\n")
    wrong = sum(number for name, number in faulty.items() if name.endswith(("_missing", "_twice", "_wrong")))
    return 0 if not wrong and not faulty["dead_letters"] and faulty["events"] == count else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(anyio.run(_main, options.events, options.seed))
