"""What the service would make of records: its own pipeline, with a catalogue that takes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.deliver.delivered import Delivered, TryAgain
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.ports import Absorbed, Aside
from scicat_ingest.faults import RecordFault
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP, LookedUp
from scicat_ingest.plan.steps import Plan
from scicat_ingest.report.outcome import DeadLettered, Ingested

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.engine.ports import Job
    from scicat_ingest.engine.way import Facility
    from scicat_ingest.mapping.lookups import Wanted
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.settings import JoinsSettings

Previewed = Plan | Ignored | RecordFault

_DELIVERED = Delivered("created", 0, 0, 0, 0, (), (), 1, ())


@dataclass(slots=True)
class _Catalogue:
    """Takes every plan and does nothing with it."""

    not_looked_up: list[Wanted] = field(default_factory=list)

    def begin(self, plan: Plan) -> _Delivery:  # noqa: ARG002 (a Catalogue)
        return _Delivery()

    def look_up(self, pid: str, wanted: tuple[Wanted, ...]) -> _LooksUp:  # noqa: ARG002 (a Catalogue)
        self.not_looked_up += wanted
        return _LooksUp()

    def abort_started(self) -> None:
        pass


class _Delivery:
    async def attempt(self) -> Delivered:
        return _DELIVERED


class _LooksUp:
    async def attempt(self) -> LookedUp:
        return NOTHING_LOOKED_UP


async def preview(
    records: Iterable[Record], rules: Mapping[str, MappingRules], facility: Facility, joins: JoinsSettings
) -> AsyncIterator[Previewed]:
    """Say of each record what would be posted, why nothing would be, or what is wrong; nothing is waited for."""
    patient = {
        topic: replace(each, files=each.files.model_copy(update={"wait_seconds": 0})) for topic, each in rules.items()
    }
    catalogue = _Catalogue()
    pipeline = Pipeline(patient, catalogue, facility, joins, lambda: datetime.now(UTC))
    known = pipeline.begin_joins()
    for record in records:
        prepared = pipeline.prepare(record, known)
        if isinstance(prepared, Absorbed) or prepared.keep is not None:
            yield Ignored("part_of_a_run")
            continue
        planned = await _run(prepared.job)
        if isinstance(planned, Plan):
            unknown = (
                f"{wanted.field}: {wanted} was not looked up: `map` asks no catalogue"
                for wanted in catalogue.not_looked_up
            )
            planned = replace(planned, warnings=(*unknown, *planned.warnings))
        catalogue.not_looked_up.clear()
        yield planned


async def _run(job: Job) -> Previewed:
    while True:
        match await job.attempt():
            case Aside() as aside:
                await aside.work()
            case TryAgain() as again:
                raise SystemExit(f"scicat-ingest: cannot say now: {again.why}")
            case Ingested() as outcome:
                return outcome.plan
            case DeadLettered() as outcome:
                return outcome.fault
            case outcome:
                return outcome.ignored
