"""The engine under fire: service processes killed every few seconds, a broker killed once; nothing lost, nothing twice.

    python -m bench.endurance                      20 000 events, 3 processes, a kill -9 every 5 s for a minute: 4 min
    python -m bench.endurance --events 2000 --kills 3
    python -m bench.endurance --json

Exit code 1 if a record has no outcome, a document is there twice or missing, an outcome id is not
distinct, or a process ended by itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from bench.facility import Facility, documents_twice, events, source_of

from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from bench.facility import ServiceProcess

PATIENCE_SECONDS = 300.0
BROKER = 2


@dataclass
class Result:
    """What came of it."""

    events: int
    processes: int
    process_kills: int
    broker_kills: int
    processes_ended_by_themselves: int
    seconds: float
    events_per_second: float
    lost: int
    datasets_twice: int
    origdatablocks_twice: int
    attachments_twice: int
    missing_documents: int
    repeated_outcomes: int
    outcome_ids_not_distinct: int
    longest_silence_seconds: float
    peak_mib: float

    @property
    def good(self) -> bool:
        """Whether all promises held."""
        return not (
            self.lost
            or self.datasets_twice
            or self.origdatablocks_twice
            or self.attachments_twice
            or self.missing_documents
            or self.processes_ended_by_themselves
            or self.outcome_ids_not_distinct
        )


class Fire:
    """The service processes, and what befalls them."""

    def __init__(self, facility: Facility, kafka: EmbeddedKafka, options: argparse.Namespace) -> None:
        self._facility = facility
        self._kafka = kafka
        self._options = options
        self._processes: list[ServiceProcess] = []
        self.kills = 0
        self.ended = 0
        self.peak = 0

    def start(self) -> None:
        """Start all processes."""
        self._processes = [self._facility.start(f"replica-{n}") for n in range(self._options.processes)]

    async def burn(self) -> None:
        """Kill one process after the other, each time starting it again; one broker in the middle, until the end."""
        if not self._options.kills:
            return
        turns = cycle(range(self._options.processes))
        for number in range(self._options.kills):
            await anyio.sleep(self._options.every)
            self.look()
            victim = next(turns)
            self._processes[victim].kill()
            self.kills += 1
            self._processes[victim] = self._facility.start(f"replica-{victim}")
            if number == self._options.kills // 2:
                self._kafka.kill(BROKER)
        await anyio.to_thread.run_sync(self._kafka.restart, BROKER)

    def look(self) -> None:
        """Note the memory that the processes take, and that they live."""
        self.peak = max([self.peak, *(process.peak_bytes for process in self._processes)])
        for number, process in enumerate(self._processes):
            if not process.alive:
                self.ended += 1
                sys.stderr.write(f"\nreplica-{number} ended by itself, {process.last_words}\n")
                self._processes[number] = self._facility.start(f"replica-{number}")

    def stop(self) -> None:
        """Stop all processes."""
        for process in self._processes:
            process.stop()


async def measure(options: argparse.Namespace) -> Result:
    """Let it happen."""
    with EmbeddedKafka(nodes=3) as kafka, StandInThread() as stand_in, tempfile.TemporaryDirectory() as folder:
        facility = Facility(kafka.bootstrap_servers, stand_in.url, Path(folder))
        await facility.make_topics()
        sent = await facility.send(events(options.events))
        fire = Fire(facility, kafka, options)
        began = time.monotonic()
        fire.start()
        ids: dict[tuple[int, int], set[str]] = {}
        outcomes = 0
        longest, last = 0.0, began
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fire.burn)
                async for batch in facility.outcomes():
                    now = time.monotonic()
                    if batch:
                        longest, last = max(longest, now - last), now
                    for message in batch:
                        ids.setdefault(source_of(message), set()).add(dict(message.headers)["ce_id"].decode())
                    outcomes += len(batch)
                    fire.look()
                    if sys.stderr.isatty():
                        sys.stderr.write(f"\r{len(ids)} of {sent} records have an outcome, {fire.kills} kills ")
                    if len(ids) == sent and fire.kills == options.kills and not batch:
                        break
                    if now - last > PATIENCE_SECONDS:
                        tasks.cancel_scope.cancel()
                        break
            seconds = last - began
        finally:
            fire.stop()
        twice = documents_twice(stand_in.store)
        return Result(
            events=sent,
            processes=options.processes,
            process_kills=fire.kills,
            broker_kills=1 if options.kills else 0,
            processes_ended_by_themselves=fire.ended,
            seconds=round(seconds, 1),
            events_per_second=round(sent / seconds, 1),
            lost=sent - len(ids),
            datasets_twice=twice["datasets"],
            origdatablocks_twice=twice["origdatablocks"],
            attachments_twice=twice["attachments"],
            missing_documents=3 * sent
            - len(stand_in.store.datasets())
            - len(stand_in.store.origdatablocks())
            - sum(len(stand_in.store.attachments(str(one["pid"]))) for one in stand_in.store.datasets())
            + sum(twice.values()),
            repeated_outcomes=outcomes - len(ids),
            outcome_ids_not_distinct=sum(len(names) > 1 for names in ids.values())
            + len(ids)
            - len(set().union(*ids.values())),
            longest_silence_seconds=round(longest, 1),
            peak_mib=round(fire.peak / 2**20, 1),
        )


def main() -> int:
    """Measure, print, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000, help="default: 20000")
    parser.add_argument("--processes", type=int, default=3, help="service processes; default: 3")
    parser.add_argument("--kills", type=int, default=12, help="kill -9 of service processes; default: 12")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between them; default: 5")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    result = anyio.run(measure, options)
    if options.json:
        print(json.dumps(asdict(result)))
    else:
        for name, value in asdict(result).items():
            print(f"{name.replace('_', ' '):28} {value:>10}")
    return 0 if result.good else 1


if __name__ == "__main__":
    sys.exit(main())
