"""How one record ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.decode.decoded import Ignored
    from scicat_ingest.deliver.delivered import Delivered, SoFar
    from scicat_ingest.faults import RecordFault
    from scicat_ingest.plan.steps import Plan


@dataclass(frozen=True, slots=True)
class Ingested:
    """The dataset and all its parts are in SciCat."""

    record: Record
    plan: Plan
    delivered: Delivered
    received_at: datetime
    done_at: datetime
    first_attempt_at: datetime | None = None
    """When its delivery was begun."""


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The record can never be ingested as it is."""

    record: Record
    fault: RecordFault
    pid: str | None
    """The dataset's pid, if the record was good enough to tell."""
    received_at: datetime
    done_at: datetime
    first_attempt_at: datetime | None = None
    so_far: SoFar | None = None
    """What its delivery had come to; None if there was none."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """There was nothing to ingest, and nothing wrong; nothing is published."""

    record: Record
    ignored: Ignored
    received_at: datetime


Outcome = Ingested | DeadLettered | Skipped
