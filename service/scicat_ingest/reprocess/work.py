"""The engine's work on a range, until there is nothing left to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.engine.observer import Observer
from scicat_ingest.engine.reading import plan_accepted
from scicat_ingest.plan.steps import Plan
from scicat_ingest.preview.glimpse import glimpse
from scicat_ingest.report.outcome import Ingested

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.consume.record import Record
    from scicat_ingest.engine.engine import Engine
    from scicat_ingest.engine.ports import Publishes
    from scicat_ingest.engine.reading import Accepted
    from scicat_ingest.faults import ConfigurationFault, RecordFault
    from scicat_ingest.mapping.lookups import LookedUp
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.reprocess.record_range import RecordRange

LOOK_SECONDS = 0.1
OTHER_INSTRUMENT = Ignored("other_instrument")


class Halted(Observer):
    """Remembers why the engine has halted: somebody is waiting, and nobody will mend it meanwhile."""

    def __init__(self) -> None:
        self.fault: ConfigurationFault | None = None

    def halted(self, fault: ConfigurationFault) -> None:
        """Remember the first one."""
        self.fault = self.fault or fault


@dataclass(frozen=True, slots=True)
class RangeJob:
    """What is to be worked on, and who is told."""

    records: RecordRange
    instruments: Instruments
    tell: Callable[[Outcome], None]
    halted: Halted = field(default_factory=Halted)


async def work_through(engine: Engine, job: RangeJob) -> None:
    """Return when every record has its outcome, but for parts of runs that the range has only in part.

    Raises ConfigurationFault, and what reading raises.
    """
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine.run)
        while job.halted.fault is None and not (job.records.exhausted and engine.held_records == 0):  # noqa: ASYNC110 (counters)
            await anyio.sleep(LOOK_SECONDS)
        await engine.stop()
    if job.halted.fault is not None:
        raise job.halted.fault


class Answers:
    """Tells of every outcome; what was written in SciCat is published too, dead letters never. Obeys `Publishes`."""

    def __init__(self, tell: Callable[[Outcome], None], publisher: Publishes | None) -> None:
        self._tell = tell
        self._publisher = publisher

    async def publish(self, outcome: Outcome) -> None:
        """Publish, then tell."""
        written = isinstance(outcome, Ingested) and outcome.delivered.verdict != "already_present"
        if written and self._publisher is not None:
            await self._publisher.publish(outcome)
        self._tell(outcome)


class Instruments:
    """Which instruments are meant, by id or name in any case; none named: all."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(name.casefold() for name in names)

    def take(self, instrument: str | None) -> bool:
        """Tell whether this one is meant."""
        return not self._names or (instrument or "").casefold() in self._names

    def may_take(self, record: Record, rules: Mapping[str, MappingRules]) -> bool:
        """Tell whether a record may be of one, as far as can be told at once."""
        if not self._names:
            return True
        seen = glimpse(record, rules[record.topic])
        return not seen.is_ignored and (seen.instrument is None or self.take(seen.instrument))

    def plan(
        self, record: Record, accepted: Accepted, looked_up: LookedUp, listed: FileList | None, /
    ) -> Plan | Ignored | RecordFault:
        """Plan as the service does what is of one of them."""
        planned = plan_accepted(record, accepted, looked_up, listed)
        return OTHER_INSTRUMENT if isinstance(planned, Plan) and not self.take(planned.instrument) else planned
