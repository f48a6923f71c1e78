"""The service beside what people would use instead, on the same records, the same Kafka and the same sink.

    python -m bench                              everything, 3 rounds: 20 min
    python -m bench --only instant latency       some scenarios
    python -m bench --quick                      a tenth of the events, 1 round: does it run?

Needs Go for the sink. All run on this machine and share its cores, so absolute figures mean little: look at the ratios,
which are made within a round, and at their spread. docs/performance.md says what is measured and how.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.scenarios import SCENARIOS, Size
from bench.sink_process import running_sink
from bench.stage import Stage
from bench.tables import draw, markdown_of, table_of, write_json
from rich.console import Console

from scicat_ingest.testing.kafka import EmbeddedKafka

if TYPE_CHECKING:
    from bench.scenarios import Result

QUICK = Size(rounds=1, share=0.1)


async def measure(names: list[str], size: Size, concurrency: int, console: Console) -> list[Result]:
    """Run scenarios, each on a stage of its own, and show each as soon as it is done."""
    results = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder, running_sink(Path(folder)) as sink, EmbeddedKafka() as kafka:
            stage = Stage(kafka.bootstrap_servers, sink, Path(folder), concurrency)
            result = await SCENARIOS[name](stage, size)
        results.append(result)
        console.print(table_of(result))
    return results


def main() -> None:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), metavar="SCENARIO",
                        help=f"some of: {', '.join(SCENARIOS)}")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3, help="how often each is repeated (default 3)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the events, 1 round")
    parser.add_argument("--concurrency", type=int, default=64, help="events in flight, for all (default 64)")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), metavar="FOLDER",
                        help="for bench.json, bench.md, bench.png (default build/bench)")  # fmt: skip
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else Size(arguments.rounds, 1.0)
    console = Console(width=150)
    results = asyncio.run(measure(arguments.only, size, arguments.concurrency, console))
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_json(results, arguments.out / "bench.json")
    (arguments.out / "bench.md").write_text("\n".join(map(markdown_of, results)))
    draw(results, arguments.out / "bench.png")
    console.print(f"{arguments.out}: bench.json, bench.md, bench.png")


if __name__ == "__main__":
    main()
