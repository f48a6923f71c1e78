"""Peak memory of the service with a short and with a long backlog: it must not depend on the backlog.

python -m bench.backlog_memory                           20 000 and 200 000 events, 60 s each: 3 min
python -m bench.backlog_memory --backlogs 1000 10000 --seconds 20
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import anyio
from bench.facility import Facility, events

from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandInThread


async def measure(backlog: int, seconds: float) -> dict[str, float]:
    """Work on a backlog for so long, or until it is done, and give the peak."""
    with EmbeddedKafka() as kafka, StandInThread() as stand_in, tempfile.TemporaryDirectory() as folder:
        facility = Facility(kafka.bootstrap_servers, stand_in.url, Path(folder))
        await facility.make_topics()
        await facility.send(events(backlog))
        service = facility.start("service")
        try:
            await anyio.sleep(seconds)
            peak = service.peak_bytes
        finally:
            service.stop()
        return {"backlog": backlog, "done": len(stand_in.store.datasets()), "peak_mib": round(peak / 2**20, 1)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backlogs", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to work on each; default: 60")
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    options = parser.parse_args()
    results = [anyio.run(measure, backlog, options.seconds) for backlog in options.backlogs]
    if options.json:
        print(json.dumps(results))
        return 0
    print(f"{'backlog':>10} {'done':>10} {'peak MiB':>10} {'ratio':>8}")
    for result in results:
        ratio = result["peak_mib"] / results[0]["peak_mib"]
        print(f"{result['backlog']:>10} {result['done']:>10} {result['peak_mib']:>10} {ratio:>8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
