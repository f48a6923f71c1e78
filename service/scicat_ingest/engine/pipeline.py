"""The way of one record: decode, map, plan; then deliver, in as many attempts as it takes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.native import decode_native
from scicat_ingest.deliver.delivered import TryAgain
from scicat_ingest.engine.ports import Prepared
from scicat_ingest.faults import ConfigurationFault, InternalError, RecordFault
from scicat_ingest.mapping.acquisition import map_acquisition
from scicat_ingest.plan.steps import Plan, plan_steps
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.deliver.delivered import Delivered
    from scicat_ingest.engine.ports import Lane
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.report.outcome import Outcome


_LOG = logging.getLogger(__name__)


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
        """Decode, map and plan; pure but for the clock."""
        rules = self._rules[record.topic]
        received_at = self._now()
        match plan_record(record, rules):
            case Plan() as plan:
                job = _Delivering(record, plan, self._catalogue.begin(plan), rules.digest, received_at, self._now)
                return Prepared(plan.pid, job)
            case Ignored() as ignored:
                return Prepared(_lane_of_key(record), _Known(Skipped(record, ignored)))
            case RecordFault() as fault:
                return Prepared(
                    _lane_of_key(record), _Known(DeadLettered(record, fault, None, received_at, self._now()))
                )

    def abort_started(self) -> None:
        """Give up the requests that are under way."""
        self._catalogue.abort_started()


@dataclass(frozen=True, slots=True)
class _Known:
    """A job that was over before it began."""

    outcome: Outcome

    async def attempt(self) -> Outcome:
        return self.outcome


@dataclass(frozen=True, slots=True)
class _Delivering:
    record: Record
    plan: Plan
    delivery: Delivers
    digest: str
    received_at: datetime
    now: Callable[[], datetime]

    async def attempt(self) -> Outcome | TryAgain:
        try:
            result = await self.delivery.attempt()
        except ConfigurationFault:
            raise
        except RecordFault as fault:
            return self._dead_letter(fault)
        except Exception as error:  # noqa: BLE001 (logged with its traceback; one record must not stop the others)
            _LOG.exception("%s cannot be delivered because of a fault in this service", self.record)
            return self._dead_letter(InternalError(f"{type(error).__name__}: {error}"))
        if isinstance(result, TryAgain):
            return result
        return Ingested(self.record, self.plan, result, self.digest, self.received_at, self.now())

    def _dead_letter(self, fault: RecordFault) -> DeadLettered:
        return DeadLettered(self.record, fault, self.plan.pid, self.received_at, self.now())


def _lane_of_key(record: Record) -> Lane:
    if record.key is not None:
        return ("key", record.key)
    return ("record", record.topic, record.partition, record.offset)


def plan_record(record: Record, rules: MappingRules) -> Plan | Ignored | RecordFault:
    """Say what a record asks for (pure)."""
    try:
        decoded = decode_native(record, rules.source, rules.mapping, rules.limits)
        if isinstance(decoded, Ignored):
            return decoded
        entry = map_acquisition(decoded, rules, record.timestamp_ms)
        return entry if isinstance(entry, Ignored) else plan_steps(entry, len(record.value or b""), record.timestamp_ms)
    except RecordFault as fault:
        return fault
    except Exception as error:  # noqa: BLE001 (logged with its traceback; one record must not stop the others)
        _LOG.exception("%s cannot be mapped because of a fault in this service", record)
        return InternalError(f"{type(error).__name__}: {error}")
