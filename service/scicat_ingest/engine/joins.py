"""Runs that are told in several records (pure): what is kept of them until they end.

After a crash, records are read again from the first open offset of their partition. So the offset of a run's start is
held open until the run's end is done, and with it everything after it in that partition; a part that comes before the
start, or in another partition, is held open itself.

What is done is not done again after a rebalance, but records between may come again: so the runs that are over are
passed on from one assignment to the next.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scicat_ingest.decode.runs import NEEDS_START, Run

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.decode.document import Document, Part
    from scicat_ingest.engine.ports import Key
    from scicat_ingest.settings import JoinsSettings

RunKey = tuple[str, str]
"""Format and run id."""
Place = tuple[str, int, int]
"""Topic, partition and offset."""


@dataclass(slots=True)
class _Known:
    run: Run
    since: float
    kept: list[Key] = field(default_factory=list)
    started_in: tuple[str, int] | None = None
    ended: bool = False
    record_bytes: int = 0

    @property
    def size(self) -> int:
        return self.run.size + self.record_bytes


@dataclass(slots=True)
class Joins:
    """The unfinished runs of one assignment; bounded in number, bytes and age, the oldest is given up first."""

    settings: JoinsSettings
    _runs: OrderedDict[RunKey, _Known] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _closed: set[RunKey] = field(default_factory=set)
    """Runs whose end is being worked on."""
    _over: OrderedDict[RunKey, Place] = field(default_factory=OrderedDict)
    """Runs that were ingested, with the place of their end."""

    @classmethod
    def after(cls, settings: JoinsSettings, previous: object) -> Joins:
        """Give the joins of a new assignment: of the `previous` one's, only what is over is known."""
        return cls(settings, _over=previous._over if isinstance(previous, Joins) else OrderedDict())  # noqa: SLF001

    def repeats(self, part: Part, record: Record) -> bool:
        """Tell whether a part says nothing new: its run is over, or has such a start or end.

        A start that comes after the end begins anew: somebody replays the run.
        """
        run = key_of(part)
        known = self._runs.get(run)
        if known is None:
            end = self._over.get(run)
            return run in self._closed or (end is not None and not (part.role == "start" and _is_after(record, end)))
        return (part.role == "start" and known.started_in is not None) or (part.role == "end" and known.ended)

    def take(self, part: Part, record: Record, now: float) -> list[Key]:
        """Take in a part that says something new; give what was kept of runs that have to be given up for it.

        `now` is in seconds.
        """
        key = key_of(part)
        known = self._runs.get(key)
        if known is None:
            known = self._runs[key] = _Known(Run(part.format), now)
        before = known.size
        known.run.add(part)
        if part.role == "start":
            known.started_in = record.topic, record.partition
        known.ended = known.ended or part.role == "end"
        self._bytes += known.size - before
        if known.size > self.settings.max_run_bytes:
            return self.forget(key)
        return self._give_up_old_ones(now)

    def keep(self, part: Part, record: Record) -> Key | None:
        """Name a part whose offset must be held open; None where that of the start, earlier, is enough."""
        known = self._runs.get(key_of(part))
        if known is None:
            return None
        if part.role == "middle" and known.started_in == (record.topic, record.partition):
            return None
        name = (part.role, key_of(part), record.topic, record.partition, record.offset)
        if part.role != "end":
            known.kept.append(name)
        size = len(record.value or b"")
        known.record_bytes += size
        self._bytes += size
        return name

    def kept(self, run: RunKey) -> list[Key]:
        """Give what is kept of a run, its end excluded; grows as more comes."""
        known = self._runs.get(run)
        return [] if known is None else known.kept

    def is_complete(self, run: RunKey) -> bool:
        """Tell whether the run has all that its document needs."""
        known = self._runs.get(run)
        return known is not None and known.ended and (known.started_in is not None or not NEEDS_START[run[0]])

    def close(self, run: RunKey) -> Document:
        """Give the run's document, and forget what it was made of. Raises RecordFault."""
        known = self._runs.pop(run)
        self._bytes -= known.size
        self._closed.add(run)
        return known.run.document()

    def done(self, run: RunKey, record: Record, *, ingested: bool) -> None:
        """Note that the outcome of a run's end is acknowledged; one that was not ingested may be told anew."""
        self._closed.discard(run)
        if ingested:
            self._over[run] = (record.topic, record.partition, record.offset)
            self._over.move_to_end(run)
            if len(self._over) > self.settings.max_runs:
                self._over.popitem(last=False)

    def forget(self, run: RunKey) -> list[Key]:
        """Give a run up; give what was kept of it."""
        known = self._runs.pop(run, None)
        if known is None:
            return []
        self._bytes -= known.size
        return known.kept

    def _give_up_old_ones(self, now: float) -> list[Key]:
        kept: list[Key] = []
        while len(self._runs) > 1:
            key, oldest = next(iter(self._runs.items()))
            too_old = now - oldest.since > self.settings.ttl_seconds
            if not too_old and len(self._runs) <= self.settings.max_runs and self._bytes <= self.settings.max_bytes:
                break
            kept += self.forget(key)
        return kept


def _is_after(record: Record, end: Place) -> bool:
    return (record.topic, record.partition) != end[:2] or record.offset > end[2]


def key_of(part: Part) -> RunKey:
    """Name the run of a part."""
    return part.format, part.run
