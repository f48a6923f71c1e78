"""A simulated replica: the real engine between an in-memory Kafka and a catalogue that is only its behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.deliver.delivered import Delivered, TryAgain
from scicat_ingest.engine.engine import Engine, Parts
from scicat_ingest.engine.observer import Observer
from scicat_ingest.engine.ports import Absorbed, Aside, Places, Prepared
from scicat_ingest.faults import ConfigurationFault, CredentialsRejected, RejectedByCatalogue, StreamFault
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped
from scicat_ingest.testing.simulate.checks import coordinates
from scicat_ingest.testing.simulate.scenario import TOPIC, Kind, Trouble
from scicat_ingest.testing.simulate.whole import pipeline_of

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.engine.pipeline import Pipeline
    from scicat_ingest.engine.ports import Admits, Job
    from scicat_ingest.faults import RecordFault
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.testing.memory_kafka import MemoryStream
    from scicat_ingest.testing.simulate.scenario import SentRecord
    from scicat_ingest.testing.simulate.world import World

GROUP = "scicat-ingest"
RESTART_SECONDS = 2.0
"""What Kubernetes takes to start a container again."""
SLOW_SECONDS = 25.0
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_DELIVERED = Delivered("created", 1, 0, 0, 0, (), (), 1, ())
_NO_PLAN: Plan = None  # type: ignore[assignment]  # outcomes are only counted here


class SimulatedProcess(Observer):
    """One replica, through all its starts."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self._starts = 0
        self._wanted = True
        self._scope = anyio.CancelScope()
        self._pipeline: Pipeline | None = None
        self.engine: Engine | None = None
        self.stream: MemoryStream | None = None

    # Its life

    async def live(self) -> None:
        """Start, and start again whenever it ends, until `retire`."""
        while self._wanted:
            self._starts += 1
            self.stream = self.world.kafka.member(f"{self.name}.{self._starts}", [TOPIC], GROUP)
            admits: Admits = Places(self.world.scenario.places)
            if self.world.catalogue is not None:
                self._pipeline, admits = pipeline_of(self.world, self.world.catalogue, self.stream.process)
            parts = Parts(self.stream, self, self.stream.publisher(), self, admits)
            self.engine = Engine(parts, self.world.scenario.bounds)
            with anyio.CancelScope() as self._scope:
                try:
                    await self.engine.run()
                except (StreamFault, ConfigurationFault) as fault:
                    self.world.checks.counts[f"ended by {fault.code}"] += 1
            if self._wanted:
                await anyio.sleep(RESTART_SECONDS)

    def crash(self) -> None:
        """Kill -9."""
        if self.stream is not None and not self.stream.process.dead:
            self.world.checks.counts["crashes"] += 1
            self.stream.crash()
            self._scope.cancel()

    async def terminate(self) -> None:
        """SIGTERM."""
        if self.engine is not None:
            await self.engine.stop()

    async def retire(self) -> None:
        """SIGTERM, and not started again."""
        self._wanted = False
        await self.terminate()

    # What the engine asks of it

    def begin_joins(self, previous: object) -> object:
        """Nothing is joined here."""
        return None if self._pipeline is None else self._pipeline.begin_joins(previous)

    def prepare(self, record: Record, joins: object) -> Prepared:
        """Give the job that the scenario has for the record."""
        sent = self.world.checks.sent[coordinates(record)]
        if self.engine is not None:
            self.world.checks.held(self.engine)
        if self._pipeline is None:
            return Prepared(sent.lane, _Checked(self, record, _SimulatedJob(self, record, sent)))
        prepared = self._pipeline.prepare(record, joins)
        if isinstance(prepared, Absorbed):
            raise TypeError("the scenarios have no runs of several records")
        return Prepared(prepared.lane, _Checked(self, record, prepared.job))

    def abort_started(self) -> None:
        """Give up the requests that are under way; a job that is only simulated has none."""
        if self._pipeline is not None:
            self._pipeline.abort_started()

    def published(self, outcome: Outcome) -> None:
        """Tell the checks."""
        if isinstance(outcome, Skipped):
            self.world.checks.published(outcome)


@dataclass(slots=True)
class _Checked:
    """A job whose attempts are looked at."""

    process: SimulatedProcess
    record: Record
    job: Job

    async def attempt(self) -> Outcome | TryAgain | Aside:
        checks, stream = self.process.world.checks, self.process.stream
        if stream is None or self.process.engine is None:
            raise RuntimeError("nothing is attempted before the process has started")
        checks.began(stream.name, self.record, self.process.engine)
        try:
            return await self.job.attempt()
        finally:
            checks.ended(stream.name, self.record)


@dataclass(slots=True)
class _SimulatedJob:
    process: SimulatedProcess
    record: Record
    sent: SentRecord
    attempts: int = 0

    async def attempt(self) -> Outcome | TryAgain:
        self.attempts += 1
        if self.process.stream is not None:
            seconds = SLOW_SECONDS if self.sent.kind is Kind.SLOW else self.process.world.pace()
            await self.process.stream.process.spend(seconds)
        return self._result()

    def _result(self) -> Outcome | TryAgain:
        world = self.process.world
        if world.outages[Trouble.CREDENTIALS_WRONG]:
            raise CredentialsRejected("the simulated credentials are wrong for a while")
        if world.outages[Trouble.CATALOGUE_AWAY]:
            return TryAgain(world.draw(0.5, 20.0), "the simulated catalogue is away")
        if self.attempts <= self.sent.failures:
            return TryAgain(world.draw(0.1, 10.0), "a simulated failure")
        match self.sent.kind:
            case Kind.SKIPPED:
                return Skipped(self.record, Ignored("simulated"), _NOW)
            case Kind.POISON | Kind.REJECTED:
                fault: RecordFault = RejectedByCatalogue("simulated")
                return DeadLettered(self.record, fault, None, _NOW, _NOW)
            case _:
                return Ingested(self.record, _NO_PLAN, _DELIVERED, _NOW, _NOW)
