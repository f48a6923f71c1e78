"""What came of a range of records, one by one and in all (pure)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from scicat_ingest.consume.position import Position
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped
from scicat_ingest.reprocess.comparison import Compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.preview.difference import AgainstCatalogue
    from scicat_ingest.report.outcome import Outcome

Result = Literal[
    "same", "would_create", "would_change", "left_alone", "created", "already_present", "completed", "updated",
    "fault", "ignored",
]  # fmt: skip
"""`left_alone`: it differs only in what somebody else has set."""


@dataclass(frozen=True, slots=True)
class Item:
    """What came, or would come, of one record."""

    at: Position
    result: Result
    pid: str | None = None
    old_pid: str | None = None
    """The dataset that this record was ingested as, where that is another one. It is not touched."""
    against: AgainstCatalogue | None = None
    reason: str | None = None
    message: str | None = None

    def document(self) -> dict[str, Any]:
        """Give it as JSON."""
        found: dict[str, Any] = {"record": str(self.at), "result": self.result, "pid": self.pid}
        found |= {"old_pid": self.old_pid, "reason": self.reason, "message": self.message}
        if self.against is not None:
            found |= {
                "fields": {
                    each.field: {"there": each.there, "now": each.here, "would_change": each.would_change}
                    for each in self.against.fields
                },
                "missing_blocks": self.against.missing_blocks,
                "missing_attachments": self.against.missing_attachments,
                "remarks": list(self.against.remarks),
            }
        return {name: value for name, value in found.items() if value is not None}


@dataclass(slots=True)
class Tally:
    """Counts; and the pids that records were ingested as before, by where the records are."""

    old_pids: Mapping[Position, str] = field(default_factory=dict)
    results: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    """Of datasets that would change, how many in which field."""
    moved: dict[str, str] = field(default_factory=dict)
    """The new pid by the old one."""

    @property
    def records(self) -> int:
        """How many had an outcome."""
        return self.results.total()

    def take(self, outcome: Outcome) -> Item:
        """Count an outcome and tell what it is."""
        item = self._item(outcome)
        self.results[item.result] += 1
        if item.against is not None:
            self.fields.update(each.field for each in item.against.fields if each.would_change)
        if item.old_pid is not None and item.pid is not None:
            self.moved[item.old_pid] = item.pid
        return item

    def _item(self, outcome: Outcome) -> Item:
        record = outcome.record
        at = Position(record.topic, record.partition, record.offset)
        match outcome:
            case Ingested(plan=plan, delivered=delivered):
                old = self.old_pids.get(at)
                old = None if old == plan.pid else old
                if isinstance(delivered, Compared):
                    return Item(at, _would(delivered.against), plan.pid, old, delivered.against)
                return Item(at, delivered.verdict, plan.pid, old)
            case DeadLettered(fault=fault, pid=pid):
                return Item(at, "fault", pid, reason=fault.code, message=str(fault))
            case Skipped(ignored=ignored):
                return Item(at, "ignored", reason=ignored.reason)


def _would(against: AgainstCatalogue | None) -> Result:
    if against is None:
        return "would_create"
    if against.missing_blocks or against.missing_attachments or any(each.would_change for each in against.fields):
        return "would_change"
    return "same" if against.nothing else "left_alone"
