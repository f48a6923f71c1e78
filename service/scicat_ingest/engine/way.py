"""The way of one record, stage by stage: what must be waited for, then the delivery, in as many attempts as it takes.

Each stage ends in the next one, in an outcome, or in a wait. What takes long and needs no place at the catalogue
(reading files, listing a folder) is done aside.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import anyio.to_thread

from scicat_ingest.decode.decoded import Decoded, Ignored
from scicat_ingest.deliver.delivered import TryAgain
from scicat_ingest.engine.ports import LARGE_RECORD_BYTES, Aside
from scicat_ingest.engine.reading import Accepted, guess_pid, plan_accepted, understand, understand_with_file
from scicat_ingest.faults import (
    ConfigurationFault,
    FileNotThere,
    InternalError,
    NotThereYet,
    RecordFault,
    RegistryUnavailable,
)
from scicat_ingest.mapping.dataset import creation_time, verbatim_fields
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP, LookedUp
from scicat_ingest.plan.steps import Plan
from scicat_ingest.report.outcome import DeadLettered, Ingested, Outcome, Skipped
from scicat_ingest.storage.needs_file import NeedsFile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import Any

    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.consume.record import Record
    from scicat_ingest.decode.document import Document, NeedsSchema
    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.deliver.delivered import Delivered, SoFar
    from scicat_ingest.mapping.lookups import Wanted
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.translate.mapping_file import Acquisition

_LOG = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
"""Between two looks for something that is not there yet."""

Result = TypeVar("Result")


class Plans(Protocol):
    """How an event is planned: `plan_accepted`, or something around it."""

    def __call__(
        self, record: Record, accepted: Accepted, looked_up: LookedUp, listed: FileList | None, /
    ) -> Plan | Ignored | RecordFault:
        """Say what an event asks for, with all that had to be known."""
        ...


class LooksUp(Protocol):
    """What one record wants to know from the catalogue."""

    async def attempt(self) -> LookedUp | TryAgain:
        """Try to find everything. Raises RecordFault or ConfigurationFault."""
        ...


class Delivers(Protocol):
    """One plan on its way into the catalogue."""

    @property
    def so_far(self) -> SoFar:
        """What was done by now."""
        ...

    async def attempt(self) -> Delivered | TryAgain:
        """Try to put everything of the plan there. Raises RecordFault or ConfigurationFault."""
        ...


class Catalogue(Protocol):
    """What is needed of the catalogue."""

    def begin(self, plan: Plan) -> Delivers:
        """Begin a delivery; nothing is requested yet."""
        ...

    def look_up(self, pid: str, wanted: tuple[Wanted, ...]) -> LooksUp:
        """Begin the look-ups of a record; nothing is requested yet."""
        ...

    def abort_started(self) -> None:
        """Give up the requests that are under way."""
        ...


class Facility(Protocol):
    """What is needed of file systems and registries. Each raises NotThereYet or RegistryUnavailable: ask again."""

    async def read_schema(self, reference: int | str) -> Any:
        """Give a schema as the registry has it. Raises CorruptRecord, ConfigurationFault."""
        ...

    async def read_values(self, needs: NeedsFile) -> Acquisition:
        """Make the acquisition of a document with the values of its file. Raises RecordFault."""
        ...

    async def list_files(self, event: AcquisitionCompleted, rules: MappingRules, created: datetime) -> FileList:
        """Give the files of an event that has a manifest or asks for a scan. Raises RecordFault.

        `created` stands for the time of a file that has none of its own.
        """
        ...

    async def make_pictures(self, decoded: Decoded, rules: MappingRules, *, waited: bool = False) -> Decoded:
        """Give the event with thumbnails for attachments that are files; those that cannot be made are warnings.

        Once it was `waited` for long enough, so are those whose file is not there. Raises RecordFault.
        """
        ...


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What stays the same for all attempts of a record."""

    record: Record
    rules: MappingRules
    catalogue: Catalogue
    facility: Facility
    received_at: datetime
    now: Callable[[], datetime]
    plans: Plans = plan_accepted

    def end(self, end: Ignored | RecordFault, pid: str | None) -> Outcome:
        """Give the outcome of a record that is not delivered."""
        if isinstance(end, Ignored):
            return Skipped(self.record, end, self.received_at)
        return DeadLettered(self.record, end, pid, self.received_at, self.now())

    def over(self, end: Ignored | RecordFault, pid: str | None) -> Known:
        """Give the last stage of a record that is not delivered."""
        return Known(self.end(end, pid))

    async def guard(self, attempt: Callable[[], Awaitable[Result]]) -> Result | RecordFault:
        """Give what the attempt gives, or the record's fault. Raises ConfigurationFault, InputFault."""
        try:
            return await attempt()
        except (ConfigurationFault, NotThereYet, RegistryUnavailable):
            raise
        except RecordFault as fault:
            return fault
        except Exception as error:  # noqa: BLE001 (logged with its traceback; one record must not stop the others)
            _LOG.exception("%s cannot be delivered because of a fault in this service, please report it", self.record)
            return InternalError(f"{type(error).__name__}: {error}")

    async def compute(self, work: Callable[[], Result]) -> Result:
        """Do what is pure: in a thread for a large record."""
        if len(self.record.value or b"") > LARGE_RECORD_BYTES:
            return await anyio.to_thread.run_sync(work)
        return work()


class Stage(Protocol):
    """Where a record is on its way."""

    async def attempt(self) -> Stage | Outcome | TryAgain | Aside:
        """Try to get to the next stage. Raises ConfigurationFault."""
        ...


@dataclass(slots=True)
class Way:
    """A record's job: it goes from stage to stage, and what has been come to is not done again."""

    stage: Stage

    async def attempt(self) -> Outcome | TryAgain | Aside:
        """Go as far as possible."""
        while True:
            result = await self.stage.attempt()
            if isinstance(result, Outcome | TryAgain | Aside):
                return result
            self.stage = result


@dataclass(frozen=True, slots=True)
class Known:
    """A way that was over before it began."""

    outcome: Outcome

    async def attempt(self) -> Outcome:
        """Give the outcome."""
        return self.outcome


@dataclass(slots=True)
class Fetched(Generic[Result]):
    """Something that is fetched aside, and asked for again while it is not there."""

    circumstances: Circumstances
    fetch: Callable[[], Awaitable[Result]]
    then: Callable[[Result | RecordFault], Awaitable[Stage]]
    _found: list[Result | RecordFault] = field(default_factory=list)
    _missing: NotThereYet | RegistryUnavailable | ConfigurationFault | None = None
    _looks: int = 0

    async def attempt(self) -> Stage | TryAgain | Aside:
        """Fetch it, or go on with it."""
        if self._found:
            return await self.then(self._found[0])
        match self._missing:
            case None:
                return Aside(self._fetch)
            case ConfigurationFault() as fault:
                self._missing = None
                raise fault
            case NotThereYet() as fault if self._has_waited:
                waited = f"waited {self.circumstances.rules.files.wait_seconds:.0f} s for it"
                return await self.then(FileNotThere(f"{fault.message}; {waited}", field=fault.field))
            case fault:
                self._missing = None
                wait = min(FIRST_WAIT_SECONDS * 2**self._looks, LONGEST_WAIT_SECONDS)
                self._looks += 1
                _LOG.info("%s: %s; looking again in %.0f s", self.circumstances.record, fault, wait)
                return TryAgain(wait, str(fault))

    async def _fetch(self) -> None:
        try:
            self._found.append(await self.circumstances.guard(self.fetch))
        except (NotThereYet, RegistryUnavailable, ConfigurationFault) as fault:
            self._missing = fault

    @property
    def _has_waited(self) -> bool:
        given = self.circumstances
        return (given.now() - given.received_at).total_seconds() >= given.rules.files.wait_seconds


def begin_with_schema(given: Circumstances, needs: NeedsSchema) -> Stage:
    """Fetch the schema of a record, then read it."""

    async def then(schema: Any) -> Stage:
        if isinstance(schema, RecordFault):
            return given.over(schema, None)
        document = await given.guard(lambda: given.compute(lambda: needs.read(schema)))
        if isinstance(document, Ignored | RecordFault):
            return given.over(document, None)
        understood = await given.compute(lambda: understand(document, given.record, given.rules))
        return begin(given, understood, document)

    return Fetched(given, lambda: given.facility.read_schema(needs.reference), then)


def begin(given: Circumstances, understood: Accepted | NeedsFile | Ignored | RecordFault, document: Document) -> Stage:
    """Give the first stage of a document."""
    match understood:
        case Accepted():
            return gather(given, understood)
        case NeedsFile():
            return _with_file(given, understood)
        case Ignored():
            return given.over(understood, None)
        case fault:
            return given.over(fault, guess_pid(document, given.record, given.rules))


def gather(
    given: Circumstances, accepted: Accepted, looked_up: LookedUp | None = None, listed: FileList | None = None
) -> Stage:
    """Give the next stage of an event: what must still be known, else its planning and delivery."""
    if not accepted.is_complete:
        if accepted.wanted and looked_up is None:
            return _LookingUp(given, accepted, given.catalogue.look_up(accepted.pid, accepted.wanted))
        if accepted.lists_files_elsewhere and listed is None:
            return _with_list(given, accepted, looked_up)
        if accepted.needs_pictures:
            return _with_pictures(given, accepted, looked_up, listed)
    return _Planning(given, accepted, looked_up or NOTHING_LOOKED_UP, listed)


def _with_list(given: Circumstances, accepted: Accepted, looked_up: LookedUp | None) -> Stage:
    event, rules = accepted.decoded.event, accepted.rules

    async def list_them() -> FileList:
        created = creation_time(event, verbatim_fields(event, rules), given.record.timestamp_ms)
        return await given.facility.list_files(event, rules, created)

    async def then(found: FileList | RecordFault) -> Stage:
        if isinstance(found, RecordFault):
            return given.over(found, accepted.pid)
        return gather(given, accepted, looked_up, found)

    return Fetched(given, list_them, then)


def _with_pictures(
    given: Circumstances, accepted: Accepted, looked_up: LookedUp | None, listed: FileList | None
) -> Stage:
    make = partial(given.facility.make_pictures, accepted.decoded, accepted.rules)

    async def then(found: Decoded | RecordFault) -> Stage:
        if isinstance(found, FileNotThere):
            return Fetched(given, partial(make, waited=True), then)
        if isinstance(found, RecordFault):
            return given.over(found, accepted.pid)
        return gather(given, replace(accepted, decoded=found), looked_up, listed)

    return Fetched(given, make, then)


def _with_file(given: Circumstances, needs: NeedsFile) -> Stage:
    async def then(acquisition: Acquisition | RecordFault) -> Stage:
        if isinstance(acquisition, RecordFault):
            return given.over(acquisition, needs.pid)
        understood = understand_with_file(needs, acquisition, given.record, given.rules)
        return given.over(understood, needs.pid) if isinstance(understood, RecordFault) else gather(given, understood)

    return Fetched(given, lambda: given.facility.read_values(needs), then)


@dataclass(frozen=True, slots=True)
class _LookingUp:
    circumstances: Circumstances
    accepted: Accepted
    looks_up: LooksUp

    async def attempt(self) -> Stage | TryAgain:
        given = self.circumstances
        looked_up = await given.guard(self.looks_up.attempt)
        match looked_up:
            case TryAgain():
                return looked_up
            case RecordFault():
                return given.over(looked_up, self.accepted.pid)
            case _:
                return gather(given, self.accepted, looked_up)


@dataclass(frozen=True, slots=True)
class _Planning:
    circumstances: Circumstances
    accepted: Accepted
    looked_up: LookedUp
    listed: FileList | None

    def plan(self) -> Plan | Ignored | RecordFault:
        given = self.circumstances
        return given.plans(given.record, self.accepted, self.looked_up, self.listed)

    async def attempt(self) -> Stage:
        given = self.circumstances
        if self.listed is not None:
            planned = await anyio.to_thread.run_sync(self.plan)
        else:
            planned = await given.compute(self.plan)
        return deliver(given, planned, self.accepted.pid)


def deliver(given: Circumstances, planned: Plan | Ignored | RecordFault, pid: str | None) -> Stage:
    """Give the last stage."""
    if isinstance(planned, Plan):
        return Delivering(given, planned, given.catalogue.begin(planned))
    return given.over(planned, pid)


@dataclass(slots=True)
class Delivering:
    """The plan is on its way into the catalogue."""

    circumstances: Circumstances
    plan: Plan
    delivery: Delivers
    _begun_at: datetime | None = None

    async def attempt(self) -> Outcome | TryAgain:
        """Try to deliver it."""
        given = self.circumstances
        self._begun_at = self._begun_at or given.now()
        result = await given.guard(self.delivery.attempt)
        match result:
            case TryAgain():
                return result
            case RecordFault():
                so_far = self.delivery.so_far
                times = (given.received_at, given.now(), self._begun_at)
                return DeadLettered(given.record, result, self.plan.pid, *times, so_far)
            case _:
                return Ingested(given.record, self.plan, result, given.received_at, given.now(), self._begun_at)
