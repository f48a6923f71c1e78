"""What can be told of a record at once, without files, look-ups and the other records of its run (pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Document, Part
from scicat_ingest.engine.reading import Accepted, guess_pid, read, understand
from scicat_ingest.faults import RecordFault
from scicat_ingest.mapping.pid import instrument_name
from scicat_ingest.storage.needs_file import NeedsFile

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.mapping.rules import MappingRules


_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Who a record is of; None is not known."""

    pid: str | None = None
    acquisition_id: str | None = None
    instrument: str | None = None
    run: str | None = None
    is_ignored: bool = False
    """Whether there is nothing to ingest: no outcome is published."""
    is_part: bool = False
    """Whether it tells a part of a run: the run's last record has the outcome."""


def glimpse(record: Record, rules: MappingRules) -> Glimpse:
    """Look at a record."""
    found = read(record, rules)
    match understand(found, record, rules) if isinstance(found, Document) else found:
        case Accepted() as accepted:
            event = accepted.decoded.event
            run = None if event.runNumber is None else str(event.runNumber)
            ignored = accepted.rules.policy_for(event.status) == "ignore"
            return Glimpse(accepted.pid, event.acquisitionId, instrument_name(event), run, ignored)
        case NeedsFile(pid=pid):
            return Glimpse(pid)
        case Ignored():
            return Glimpse(is_ignored=True)
        case Part():
            return Glimpse(is_part=True)
        case RecordFault() if isinstance(found, Document):
            return replace(_guess(found.content), pid=guess_pid(found, record, rules))
        case _:
            return Glimpse()


def _guess(content: Any) -> Glimpse:
    """Say what an event that is not valid seems to be of: by the names of native events."""
    event = content if isinstance(content, dict) else {}
    instrument = event.get("instrument")
    names = (instrument.get("id"), instrument.get("name")) if isinstance(instrument, dict) else (instrument,)
    return Glimpse(
        acquisition_id=_text(event.get("acquisitionId")),
        instrument=next(filter(None, map(_text, names)), None),
        run=_text(event.get("runNumber")),
    )


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value) if isinstance(value, str) or abs(value) < 10**18 else ""
    return text[:_LONGEST] or None
