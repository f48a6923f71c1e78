"""Runs that are told in several records (pure): what is kept of them until they end."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scicat_ingest.decode.runs import NEEDS_START, Run

if TYPE_CHECKING:
    from scicat_ingest.decode.document import Document, Part
    from scicat_ingest.settings import JoinsSettings

RunKey = tuple[str, str]
"""Format and run id."""


@dataclass(slots=True)
class _Open:
    run: Run
    since: float
    started: bool = False
    ended: bool = False
    record_bytes: int = 0
    """Of the records that are kept whole, because their offsets are held."""

    @property
    def size(self) -> int:
        return self.run.size + self.record_bytes


@dataclass(slots=True)
class Joins:
    """The unfinished runs of one assignment; bounded in number and bytes, the oldest is given up first."""

    settings: JoinsSettings
    _runs: OrderedDict[RunKey, _Open] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _over: OrderedDict[RunKey, None] = field(default_factory=OrderedDict)
    """Runs that have ended, so that a repeated end is known as one."""

    def take(self, part: Part, record_bytes: int, now: float) -> list[RunKey]:
        """Take in a part; give the runs that have to be given up for it. `now` is in seconds."""
        key = key_of(part)
        known = self._runs.get(key)
        if known is None:
            known = self._runs[key] = _Open(Run(part.format, part.run), now)
        before = known.size
        known.run.add(part)
        known.started = known.started or part.role == "start"
        known.ended = known.ended or part.role == "end"
        if part.role != "middle":
            known.record_bytes += record_bytes
        self._bytes += known.size - before
        given_up = [key for key in (key,) if known.size > self.settings.max_run_bytes]
        for each in given_up:
            self.forget(each)
        return given_up + self._too_many(now)

    def repeats(self, part: Part) -> bool:
        """Tell whether a part says nothing new: its run is over, or has such a start or end."""
        key = key_of(part)
        known = self._runs.get(key)
        if known is None:
            return key in self._over
        return (part.role == "start" and known.started) or (part.role == "end" and known.ended)

    def is_complete(self, key: RunKey) -> bool:
        """Tell whether the run has all that its document needs."""
        known = self._runs.get(key)
        return known is not None and known.ended and (known.started or not NEEDS_START[key[0]])

    def close(self, key: RunKey) -> Document:
        """Give the run's document, and forget what was kept of it."""
        known = self._runs.pop(key)
        self._bytes -= known.size
        self._over[key] = None
        if len(self._over) > self.settings.max_runs:
            self._over.popitem(last=False)
        return known.run.document()

    def forget(self, key: RunKey) -> None:
        """Give it up."""
        known = self._runs.pop(key, None)
        if known is not None:
            self._bytes -= known.size

    def _too_many(self, now: float) -> list[RunKey]:
        given_up = []
        while self._runs:
            key, oldest = next(iter(self._runs.items()))
            too_old = now - oldest.since > self.settings.ttl_seconds
            too_many = len(self._runs) > self.settings.max_runs or self._bytes > self.settings.max_bytes
            if not (too_old or (too_many and len(self._runs) > 1)):
                break
            self.forget(key)
            given_up.append(key)
        return given_up


def key_of(part: Part) -> RunKey:
    """Name the run of a part."""
    return part.format, part.run
