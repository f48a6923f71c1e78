"""The way of one record: decode, map, plan; then deliver."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.native import decode_native
from scicat_ingest.faults import InternalError, RecordFault
from scicat_ingest.mapping.acquisition import map_acquisition
from scicat_ingest.plan.steps import Plan, plan_steps
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.deliver.delivered import Delivered
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.report.outcome import Outcome


_LOG = logging.getLogger(__name__)


class Delivers(Protocol):
    """What the pipeline needs of the catalogue."""

    async def deliver(self, plan: Plan) -> Delivered:
        """Put everything of the plan into the catalogue. Raises RecordFault or ConfigurationFault."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record with its plan, or with the reason why there is none."""

    record: Record
    plan: Plan | Ignored | RecordFault
    received_at: datetime

    @property
    def lane(self) -> object:
        """Records of one lane are delivered one after another: the pid, else the key, else the record itself."""
        if isinstance(self.plan, Plan):
            return self.plan.pid
        if self.record.key is not None:
            return self.record.key
        return (self.record.topic, self.record.partition, self.record.offset)


class Pipeline:
    """Takes records of the topics in `rules`."""

    def __init__(self, rules: Mapping[str, MappingRules], delivery: Delivers, now: Callable[[], datetime]) -> None:
        self._rules = rules
        self._delivery = delivery
        self._now = now

    def prepare(self, record: Record) -> Prepared:
        """Decode, map and plan; pure but for the clock."""
        return Prepared(record, plan_record(record, self._rules[record.topic]), received_at=self._now())

    async def finish(self, prepared: Prepared) -> Outcome:
        """Deliver. Raises ConfigurationFault (halt)."""
        record, plan = prepared.record, prepared.plan
        match plan:
            case Ignored():
                return Skipped(record, plan)
            case RecordFault():
                return DeadLettered(record, plan, None, prepared.received_at, self._now())
        try:
            delivered = await self._delivery.deliver(plan)
        except RecordFault as fault:
            return DeadLettered(record, fault, plan.pid, prepared.received_at, self._now())
        digest = self._rules[record.topic].digest
        return Ingested(record, plan, delivered, digest, prepared.received_at, self._now())


def plan_record(record: Record, rules: MappingRules) -> Plan | Ignored | RecordFault:
    """Say what a record asks for (pure)."""
    try:
        decoded = decode_native(record, rules.source, rules.mapping, rules.limits)
        if isinstance(decoded, Ignored):
            return decoded
        entry = map_acquisition(decoded, rules, record.timestamp_ms)
        return entry if isinstance(entry, Ignored) else plan_steps(entry)
    except RecordFault as fault:
        return fault
    except Exception as error:  # noqa: BLE001 (logged with its traceback; one record must not stop the others)
        _LOG.exception("%s cannot be mapped because of a fault in this service", record)
        return InternalError(f"{type(error).__name__}: {error}")
