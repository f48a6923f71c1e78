"""`python -m scicat_ingest.testing.simulate`: many seeds on all cores, or one seed step by step."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from scicat_ingest.testing.simulate.scenario import draw_scenario
from scicat_ingest.testing.simulate.world import simulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scicat_ingest.testing.simulate.world import Run

EPILOG = """\
examples:
  python -m scicat_ingest.testing.simulate                    10 000 seeds
  python -m scicat_ingest.testing.simulate --seeds 200000     more
  python -m scicat_ingest.testing.simulate --replay 4711      what happened in one of them

exit codes: 0 all promises held, 1 at least one did not: its seeds are printed, 2 wrong usage
"""
_CHUNK = 100
_MOST_SHOWN = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scicat_ingest.testing.simulate",
        description="Run the engine through random rebalances, crashes, freezes and outages, in virtual time.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=10_000, metavar="N", help="how many; default: 10000")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first one; default: 0")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run this one alone and print all that happens")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    return _replay(options.replay) if options.replay is not None else _simulate_many(options.first, options.seeds)


def _replay(seed: int) -> int:
    logging.basicConfig(level=logging.DEBUG, format="%(message)s", stream=sys.stdout)
    sys.stdout.write(f"{draw_scenario(seed)}\n")
    run = simulate(seed)
    for step in run.trace:
        sys.stdout.write(" ".join(str(part) for part in step) + "\n")
    sys.stdout.write(f"seed {seed}, digest {run.digest}: {run.violation or 'all promises held'}\n")
    return 1 if run.violation else 0


def _simulate_many(first: int, count: int) -> int:
    began = time.monotonic()
    counts: Counter[str] = Counter()
    broken: list[int] = []
    virtual = 0.0
    done = 0
    for runs in _chunks(first, count):
        done += len(runs)
        for run in runs:
            counts += run.counts
            virtual += run.virtual_seconds
            if run.violation:
                broken.append(run.seed)
                if len(broken) <= _MOST_SHOWN:
                    sys.stdout.write(f"seed {run.seed}: {run.violation}\n")
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done} of {count} seeds, {len(broken)} broken")
    seconds = time.monotonic() - began
    hours = virtual / 3600
    sys.stdout.write(f"{count} seeds in {seconds:.0f} s ({hours:.0f} h of virtual time), {len(broken)} broken\n")
    sys.stdout.write(_table(counts))
    if broken:
        sys.stdout.write(f"replay one with: python -m scicat_ingest.testing.simulate --replay {broken[0]}\n")
    return 1 if broken else 0


def _chunks(first: int, count: int) -> Iterator[list[Run]]:
    numbers = iter(range(first, first + count))
    chunks = iter(lambda: list(islice(numbers, _CHUNK)), [])
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, -(-count // _CHUNK))) as pool:
        yield from pool.map(_simulate_chunk, chunks)


def _simulate_chunk(seeds: Iterable[int]) -> list[Run]:
    logging.disable(logging.CRITICAL)
    return [replace(simulate(seed), trace=()) for seed in seeds]


def _table(counts: Counter[str]) -> str:
    width = max(len(name) for name in counts)
    lines = ((name.lower().replace("_", " "), number) for name, number in sorted(counts.items()))
    return "".join(f"  {name:<{width}}  {number:>9}\n" for name, number in lines)


if __name__ == "__main__":
    sys.exit(main())
