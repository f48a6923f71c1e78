"""What one dataset that takes a minute costs the others on the same partition.

    python -m bench.slow_pid                 5 000 events at 60 a second, with and without a slow one: 3 min
    python -m bench.slow_pid --events 500

Latency: from the record's timestamp to its outcome's. Only worth something on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import anyio
from bench.facility import TOPIC, Facility, events

from scicat_ingest.bootstrap import open_producer
from scicat_ingest.testing.failures import Delay, FailureScript, Rule
from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandIn

SLOW = b"run-slow"
REQUESTS = 2
"""The slow dataset and its block take half of the time each."""
WARM_UP = 200


def answer_late(seconds: float) -> FailureScript:
    """Give a script that carries out writes about the slow acquisition at once, and answers them late."""
    rule = Rule(route="POST *", body_contains=SLOW.decode(), action=Delay(seconds=seconds))
    return FailureScript(rules=(rule,))


async def measure(count: int, rate: float, slow_seconds: float) -> dict[str, float]:
    """Send at a steady rate; give the latencies' quantiles in milliseconds, the slow one excluded."""
    with EmbeddedKafka() as kafka, tempfile.TemporaryDirectory() as folder:
        async with StandIn(failures=answer_late(slow_seconds / REQUESTS)) as stand_in:
            facility = Facility(kafka.bootstrap_servers, stand_in.url, Path(folder), partitions=1)
            await facility.make_topics()
            service = facility.start("service")
            latencies: list[float] = []
            idle, began = _idle_seconds(), time.monotonic()
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_send, facility, count + WARM_UP, rate)
                    async for batch in facility.outcomes():
                        for message in batch:
                            body = json.loads(message.value)
                            if "slow" not in body["acquisitionId"]:
                                latencies.append(message.timestamp - body["source"]["timestamp"])
                        if len(latencies) >= count + WARM_UP:
                            break
            finally:
                service.kill()
    steady = latencies[WARM_UP:]
    cuts = statistics.quantiles(steady, n=100)
    busy = 1 - (_idle_seconds() - idle) / ((time.monotonic() - began) * (os.cpu_count() or 1))
    return {
        "slow_seconds": slow_seconds,
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
        "max_ms": max(steady),
        "machine_busy": round(busy, 2),
    }


def _idle_seconds() -> float:
    """Give the seconds that all cores together have been idle since the machine was started."""
    return float(Path("/proc/uptime").read_text(encoding="ascii").split()[1])


async def _send(facility: Facility, count: int, rate: float) -> None:
    """Send; the slow one comes right after the warm-up."""
    async with open_producer(facility.settings.kafka) as producer:
        began = time.monotonic()
        for number, (key, value) in enumerate(events(count)):
            if number == WARM_UP:
                await producer.send(TOPIC, key=SLOW, value=value.replace(key, SLOW))
            await producer.send(TOPIC, key=key, value=value)
            await anyio.sleep(max(0.0, began + number / rate - time.monotonic()))
        await producer.flush()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5000, help="default: 5000")
    parser.add_argument("--rate", type=float, default=60.0, help="events a second; default: 60")
    parser.add_argument("--slow", type=float, default=60.0, help="seconds that the slow one takes; default: 60")
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    options = parser.parse_args()
    results = [anyio.run(measure, options.events, options.rate, slow) for slow in (0.0, options.slow)]
    if options.json:
        print(json.dumps(results))
        return 0
    print(f"{'slow one':>10} {'p50 ms':>10} {'p99 ms':>10} {'max ms':>10} {'busy':>6}")
    for result in results:
        slow = f"{result['slow_seconds']:.0f} s"
        print(
            f"{slow:>10} {result['p50_ms']:>10.1f} {result['p99_ms']:>10.1f} {result['max_ms']:>10.1f}"
            f" {result['machine_busy']:>6.0%}"
        )
    print(f"p99 ratio: {results[1]['p99_ms'] / results[0]['p99_ms']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
