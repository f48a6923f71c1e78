"""One simulated run: the scenario's records and troubles, the processes, the checks."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.faults import IngestFault, KafkaForbidden, first_cause
from scicat_ingest.testing.memory_kafka import Answer, MemoryKafka, Timings
from scicat_ingest.testing.simulate.checks import Checks, Violation
from scicat_ingest.testing.simulate.process import GROUP, SimulatedProcess
from scicat_ingest.testing.simulate.scenario import TOPIC, Trouble, draw_scenario
from scicat_ingest.testing.simulate.virtual_time import VirtualTimeLoop, run_in_virtual_time
from scicat_ingest.testing.simulate.whole import SimulatedCatalogue, event_of

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from scicat_ingest.testing.memory_kafka import Operation
    from scicat_ingest.testing.simulate.scenario import Event, Scenario, SentRecord

PATIENCE_SECONDS = 3000.0
"""Virtual time after the last trouble within which everything must be done: halts ask again every 5 min."""
LOSSY_SECONDS = 300.0
LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Run:
    """How a run went."""

    seed: int
    violation: str
    """Empty if all promises held."""
    counts: Counter[str]
    trace: tuple[tuple[object, ...], ...]
    virtual_seconds: float

    @property
    def digest(self) -> str:
        """The same for the same run."""
        return hashlib.sha256(repr(self.trace).encode()).hexdigest()[:16]


class World:
    """What all processes share."""

    def __init__(self, scenario: Scenario, loop: VirtualTimeLoop) -> None:
        self.scenario = scenario
        self.checks = Checks(scenario)
        self.catalogue = SimulatedCatalogue() if scenario.whole else None
        self.outages: Counter[Trouble] = Counter()
        """How many of each kind are under way."""
        self._loop = loop
        self._chance = Random(scenario.seed + 1)  # noqa: S311 (a repeatable choice, no secret)
        self.kafka = MemoryKafka(
            latency=self._latency,
            answers=self._answer,
            timings=Timings(session_timeout=6.0, rebalance_timeout=30.0),
            on_commit=self.checks.committed,
            on_acknowledged=self.checks.published,
        )
        self._processes = [SimulatedProcess(self, f"replica-{number}") for number in range(scenario.processes)]
        self._tasks: TaskGroup

    def draw(self, low: float, high: float) -> float:
        """Give a number in a range."""
        return self._chance.uniform(low, high)

    def loses(self) -> bool:
        """Tell whether this request or answer gets lost; some time after the last trouble, none does any more."""
        lossy = anyio.current_time() < self.scenario.quiet_from + LOSSY_SECONDS
        return lossy and self.draw(0.0, 1.0) < self.scenario.lost_answers

    def pace(self) -> float:
        """Give the seconds that a request to the catalogue takes."""
        return self.scenario.pace * self.draw(0.2, 2.0)

    def _latency(self, operation: Operation) -> float:
        return 0.0 if operation == "fetch" else self.draw(0.0, 0.05)

    def _answer(self, operation: Operation, member: str) -> Answer | IngestFault:  # noqa: ARG002 (an Answers)
        if operation == "publish" and self.outages[Trouble.TOPIC_FORBIDDEN]:
            return KafkaForbidden("the simulated topic may not be written to for a while")
        if operation in ("publish", "commit") and self.loses():
            return Answer.LOST if self._chance.random() < 0.5 else Answer.UNREACHABLE
        return Answer.GIVEN

    async def run(self) -> None:
        """Let everything happen, then wait until all is done. Raises Violation."""
        async with self.kafka, anyio.create_task_group() as self._tasks:
            self.kafka.create_topic(TOPIC, self.scenario.partitions)
            for process in self._processes:
                self._tasks.start_soon(process.live)
            self._tasks.start_soon(self._send)
            for event in self.scenario.events:
                self._tasks.start_soon(self._befall, event)
            await self._until_done()
            self._loop.forget_steps()
            for process in self._processes:
                await process.retire()
            self.checks.finished(self.kafka)
            if self.catalogue is not None:
                self.catalogue.check(list(self.checks.sent.values()))
            self._tasks.cancel_scope.cancel()

    async def _send(self) -> None:
        for number, record in enumerate(sorted(self.scenario.records, key=lambda record: record.at)):
            await anyio.sleep(max(record.at - anyio.current_time(), 0.0))
            self._append(record, number)

    def _append(self, record: SentRecord, number: int) -> None:
        if record.gap:
            self.kafka.skip(TOPIC, record.partition, record.gap)
        offset = self.kafka.logs[TOPIC, record.partition].end
        self.checks.sent[record.partition, offset] = record
        value = event_of(record) if self.scenario.whole else b"." * record.size
        self.kafka.append(TOPIC, record.partition, value, key=record.lane.encode(), timestamp_ms=number)

    async def _until_done(self) -> None:
        missing = "not all records are sent"
        end = max(self.scenario.quiet_from, 60.0) + PATIENCE_SECONDS
        while anyio.current_time() < end:
            await anyio.sleep(LOOK_SECONDS)
            if len(self.checks.sent) == len(self.scenario.records):
                missing = self.checks.missing(self.kafka, GROUP)
                if not missing and anyio.current_time() > self.scenario.quiet_from:
                    return
        raise Violation(f"after {anyio.current_time():.0f} s of virtual time: {missing}")

    async def _befall(self, event: Event) -> None:
        process = self._processes[event.process]
        if event.trouble is Trouble.CRASH_AT_STEP:
            self._loop.at_step(event.step, process.crash)
            return
        await anyio.sleep(event.at)
        self.checks.counts[event.trouble.name] += 1
        match event.trouble:
            case Trouble.CRASH:
                process.crash()
            case Trouble.RESTART:
                await process.terminate()
            case Trouble.REBALANCE:
                self.kafka.rebalance(GROUP)
            case Trouble.JOIN:
                guest = SimulatedProcess(self, f"guest-{event.at:.3f}")
                self._tasks.start_soon(guest.live)
                await anyio.sleep(event.seconds)
                await guest.retire()
            case Trouble.FREEZE | Trouble.CUT_OFF:
                await self._silence(process, event)
            case outage:
                self.outages[outage] += 1
                self.kafka.reachable = not self.outages[Trouble.BROKERS_AWAY]
                await anyio.sleep(event.seconds)
                self.outages[outage] -= 1
                self.kafka.reachable = not self.outages[Trouble.BROKERS_AWAY]

    async def _silence(self, process: SimulatedProcess, event: Event) -> None:
        stream = process.stream
        if stream is None:
            return
        if event.trouble is Trouble.FREEZE:
            stream.freeze()
            await anyio.sleep(event.seconds)
            stream.thaw()
        else:
            stream.cut_off()
            await anyio.sleep(event.seconds)
            stream.reconnect()


def simulate(seed: int) -> Run:
    """Run the scenario of a seed; the same seed gives the same run, step by step."""
    worlds: list[tuple[World, VirtualTimeLoop]] = []

    async def main(loop: VirtualTimeLoop) -> None:
        worlds.append((World(draw_scenario(seed), loop), loop))
        await worlds[0][0].run()

    violation = ""
    try:
        run_in_virtual_time(main)
    except Exception as found:  # noqa: BLE001 (whatever comes out of a run is a finding, and told with its seed)
        violation = _describe(found)
    ((world, loop),) = worlds
    checks = world.checks
    return Run(seed, violation, checks.counts, tuple(checks.trace), loop.time())


def _describe(found: BaseException) -> str:
    cause = first_cause(found)
    return f"{type(cause).__name__}: {cause}"
