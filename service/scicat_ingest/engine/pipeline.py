"""The way of one record: decode, map, plan; then deliver, in as many attempts as it takes.

Where the rules want to know something from the catalogue, mapping and planning come after that, in the first attempts.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import anyio.to_thread

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.native import decode_native
from scicat_ingest.deliver.delivered import TryAgain
from scicat_ingest.engine.ports import LARGE_RECORD_BYTES, Prepared
from scicat_ingest.faults import ConfigurationFault, InternalError, RecordFault
from scicat_ingest.mapping.acquisition import identify, map_acquisition
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP, what_to_look_up
from scicat_ingest.plan.steps import Plan, plan_steps
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.decode.decoded import Decoded
    from scicat_ingest.deliver.delivered import Delivered
    from scicat_ingest.engine.ports import Lane
    from scicat_ingest.mapping.lookups import LookedUp, Wanted
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.report.outcome import Outcome


_LOG = logging.getLogger(__name__)
Result = TypeVar("Result")


class LooksUp(Protocol):
    """What one record wants to know from the catalogue."""

    async def attempt(self) -> LookedUp | TryAgain:
        """Try to find everything. Raises RecordFault or ConfigurationFault."""
        ...


class Delivers(Protocol):
    """One plan on its way into the catalogue."""

    async def attempt(self) -> Delivered | TryAgain:
        """Try to put everything of the plan there. Raises RecordFault or ConfigurationFault."""
        ...


class Catalogue(Protocol):
    """What the pipeline needs of the catalogue."""

    def begin(self, plan: Plan) -> Delivers:
        """Begin a delivery; nothing is requested yet."""
        ...

    def look_up(self, pid: str, wanted: tuple[Wanted, ...]) -> LooksUp:
        """Begin the look-ups of a record; nothing is requested yet."""
        ...

    def abort_started(self) -> None:
        """Give up the requests that are under way."""
        ...


class Pipeline:
    """Prepares records of the topics in `rules`."""

    def __init__(self, rules: Mapping[str, MappingRules], catalogue: Catalogue, now: Callable[[], datetime]) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._now = now

    def prepare(self, record: Record) -> Prepared:
        """Decode, map and plan, or find out what must be known first; pure but for the clock."""
        rules = self._rules[record.topic]
        circumstances = _Circumstances(record, rules, self._catalogue, self._now(), self._now)
        match read_record(record, rules):
            case Plan() as plan:
                return Prepared(plan.pid, circumstances.deliver(plan))
            case Unmapped() as unmapped:
                looks_up = self._catalogue.look_up(unmapped.pid, unmapped.wanted)
                return Prepared(unmapped.pid, _LookingUp(circumstances, unmapped, looks_up))
            case (Ignored() | RecordFault()) as end:
                return Prepared(_lane_of_key(record), _Known(circumstances.end(end, None)))

    def abort_started(self) -> None:
        """Give up the requests that are under way."""
        self._catalogue.abort_started()


@dataclass(frozen=True, slots=True)
class _Circumstances:
    """What stays the same for all attempts of a record."""

    record: Record
    rules: MappingRules
    catalogue: Catalogue
    received_at: datetime
    now: Callable[[], datetime]

    def deliver(self, plan: Plan) -> _Delivering:
        return _Delivering(self, plan, self.catalogue.begin(plan))

    def end(self, end: Ignored | RecordFault, pid: str | None) -> Outcome:
        if isinstance(end, Ignored):
            return Skipped(self.record, end)
        return DeadLettered(self.record, end, pid, self.received_at, self.now())

    async def guard(self, attempt: Callable[[], Awaitable[Result]]) -> Result | RecordFault:
        """Give what the attempt gives, or the record's fault. Raises ConfigurationFault."""
        try:
            return await attempt()
        except ConfigurationFault:
            raise
        except RecordFault as fault:
            return fault
        except Exception as error:  # noqa: BLE001 (logged with its traceback; one record must not stop the others)
            _LOG.exception("%s cannot be delivered because of a fault in this service", self.record)
            return InternalError(f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class _Known:
    """A job that was over before it began."""

    outcome: Outcome

    async def attempt(self) -> Outcome:
        return self.outcome


@dataclass(frozen=True, slots=True)
class _Delivering:
    circumstances: _Circumstances
    plan: Plan
    delivery: Delivers

    async def attempt(self) -> Outcome | TryAgain:
        given = self.circumstances
        result = await given.guard(self.delivery.attempt)
        match result:
            case TryAgain():
                return result
            case RecordFault():
                return given.end(result, self.plan.pid)
            case _:
                return Ingested(given.record, self.plan, result, given.rules.digest, given.received_at, given.now())


@dataclass(slots=True)
class _LookingUp:
    """Looks up, then maps and plans, then delivers: what has been come to is not done again."""

    circumstances: _Circumstances
    stage: Unmapped | _Delivering
    looks_up: LooksUp

    async def attempt(self) -> Outcome | TryAgain:
        if isinstance(self.stage, _Delivering):
            return await self.stage.attempt()
        unmapped = self.stage
        looked_up = await self.circumstances.guard(self.looks_up.attempt)
        if isinstance(looked_up, TryAgain):
            return looked_up
        if isinstance(looked_up, RecordFault):
            return self.circumstances.end(looked_up, unmapped.pid)
        planned = await self._plan(unmapped.decoded, looked_up)
        if not isinstance(planned, Plan):
            return self.circumstances.end(planned, unmapped.pid)
        self.stage = self.circumstances.deliver(planned)
        return await self.stage.attempt()

    async def _plan(self, decoded: Decoded, looked_up: LookedUp) -> Plan | Ignored | RecordFault:
        record, rules = self.circumstances.record, self.circumstances.rules
        if len(record.value or b"") > LARGE_RECORD_BYTES:
            return await anyio.to_thread.run_sync(plan_decoded, record, decoded, rules, looked_up)
        return plan_decoded(record, decoded, rules, looked_up)


def _lane_of_key(record: Record) -> Lane:
    if record.key is not None:
        return ("key", record.key)
    return ("record", record.topic, record.partition, record.offset)


@dataclass(frozen=True, slots=True)
class Unmapped:
    """An event that is mapped when something is known."""

    decoded: Decoded
    pid: str
    wanted: tuple[Wanted, ...]


def read_record(record: Record, rules: MappingRules) -> Plan | Unmapped | Ignored | RecordFault:
    """Say what a record asks for, or what must be known first (pure)."""
    decoded = _faults_as_values(record, lambda: decode_native(record, rules.source, rules.mapping, rules.limits))
    if isinstance(decoded, Ignored | RecordFault):
        return decoded
    wanted = _faults_as_values(record, lambda: what_to_look_up(decoded.event, rules))
    if isinstance(wanted, RecordFault):
        return wanted
    if not wanted:
        return plan_decoded(record, decoded, rules, NOTHING_LOOKED_UP)
    pid = _faults_as_values(record, lambda: identify(decoded.event, rules))
    return pid if isinstance(pid, RecordFault) else Unmapped(decoded, pid, wanted)


def plan_record(
    record: Record, rules: MappingRules, looked_up: LookedUp = NOTHING_LOOKED_UP
) -> Plan | Ignored | RecordFault:
    """Say what a record asks for, if this is what was looked up for it (pure)."""
    decoded = _faults_as_values(record, lambda: decode_native(record, rules.source, rules.mapping, rules.limits))
    if isinstance(decoded, Ignored | RecordFault):
        return decoded
    return plan_decoded(record, decoded, rules, looked_up)


def plan_decoded(
    record: Record, decoded: Decoded, rules: MappingRules, looked_up: LookedUp
) -> Plan | Ignored | RecordFault:
    """Say what an event asks for (pure)."""

    def plan() -> Plan | Ignored:
        entry = map_acquisition(decoded, rules, record.timestamp_ms, looked_up)
        return entry if isinstance(entry, Ignored) else plan_steps(entry, len(record.value or b""), record.timestamp_ms)

    return _faults_as_values(record, plan)


def _faults_as_values(record: Record, work: Callable[[], Result]) -> Result | RecordFault:
    try:
        return work()
    except RecordFault as fault:
        return fault
    except Exception as error:  # noqa: BLE001 (logged with its traceback; one record must not stop the others)
        _LOG.exception("%s cannot be mapped because of a fault in this service", record)
        return InternalError(f"{type(error).__name__}: {error}")
