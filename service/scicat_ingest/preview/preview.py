"""What the service would make of records: its own pipeline, with a catalogue that takes all and keeps nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.deliver.delivered import Delivered, SoFar, TryAgain
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.ports import Absorbed, Aside
from scicat_ingest.engine.reading import Accepted, plan_accepted
from scicat_ingest.faults import RecordFault, RegistryUnavailable
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP, LookedUp
from scicat_ingest.plan.steps import Plan
from scicat_ingest.report.outcome import DeadLettered, Ingested

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.consume.record import Record
    from scicat_ingest.engine.ports import Job
    from scicat_ingest.engine.way import Facility
    from scicat_ingest.mapping.lookups import Wanted
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.settings import JoinsSettings

PART_OF_A_RUN = Ignored("part_of_a_run")
"""What a record gives whose run is told in several: the last one gives the plan."""

_DELIVERED = Delivered("created", 0, 0, 0, 0, (), (), 1, ())


@dataclass(frozen=True, slots=True)
class Previewed:
    """What would be made of one record."""

    result: Plan | Ignored | RecordFault
    accepted: Accepted | None = None
    """The event that a plan was made of."""


async def preview(
    records: Iterable[Record], rules: Mapping[str, MappingRules], facility: Facility, joins: JoinsSettings
) -> AsyncIterator[Previewed]:
    """Say of each record what would be posted, why nothing would be, or what is wrong; nothing is waited for.

    Raises RegistryUnavailable, ConfigurationFault.
    """
    catalogue, planning = _Catalogue(), _Planning()
    pipeline = Pipeline(without_waiting(rules), catalogue, facility, joins, lambda: datetime.now(UTC), plans=planning)
    known = pipeline.begin_joins()
    for record in records:
        prepared = pipeline.prepare(record, known)
        if isinstance(prepared, Absorbed) or prepared.keep is not None:
            yield Previewed(PART_OF_A_RUN)
            continue
        result = await _run(prepared.job)
        if isinstance(result, Plan):
            result = replace(result, warnings=(*catalogue.take_warnings(), *result.warnings))
        yield Previewed(result, planning.accepted if isinstance(result, Plan) else None)


def without_waiting(rules: Mapping[str, MappingRules]) -> dict[str, MappingRules]:
    """Give rules by which files that are not there, or still grow, are not waited for."""
    at_once = {"wait_seconds": 0, "stable_seconds": 0}
    return {topic: replace(each, files=each.files.model_copy(update=at_once)) for topic, each in rules.items()}


@dataclass(slots=True)
class _Planning:
    """Plans as the service does, and remembers the event."""

    accepted: Accepted | None = None

    def __call__(
        self, record: Record, accepted: Accepted, looked_up: LookedUp, listed: FileList | None, /
    ) -> Plan | Ignored | RecordFault:
        self.accepted = accepted
        return plan_accepted(record, accepted, looked_up, listed)


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

    def take_warnings(self) -> list[str]:
        """Say what the last record would have looked up."""
        unknown = [
            f"{wanted.field}: {wanted} was not looked up: `map` asks no catalogue" for wanted in self.not_looked_up
        ]
        self.not_looked_up.clear()
        return unknown


class _Delivery:
    so_far = SoFar(0, False, (), ())  # noqa: FBT003 (nothing is ever done)

    async def attempt(self) -> Delivered:
        return _DELIVERED


class _LooksUp:
    async def attempt(self) -> LookedUp:
        return NOTHING_LOOKED_UP


async def _run(job: Job) -> Plan | Ignored | RecordFault:
    while True:
        match await job.attempt():
            case Aside() as aside:
                await aside.work()
            case TryAgain() as again:
                raise RegistryUnavailable(again.why)
            case Ingested() as outcome:
                return outcome.plan
            case DeadLettered() as outcome:
                return outcome.fault
            case outcome:
                return outcome.ignored
