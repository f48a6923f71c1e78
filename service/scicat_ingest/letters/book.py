"""Which letters are open, from the records of the dead-letter topic in any order of its partitions (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.letters.letter import read_letter
from scicat_ingest.letters.resolution import Resolved, is_resolution, read_resolution

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.letters.answer import Answer
    from scicat_ingest.letters.letter import DeadLetter

NOT_CURED_BY_ITS_PID = frozenset({"pid_taken", "earlier_failed"})
"""Reasons of letters of which a later ingestion of their pid says nothing: the pid is another acquisition's, or the
record only waits for an earlier one, which it does not repeat."""


@dataclass(frozen=True, slots=True)
class Case:
    """A letter and what became of it."""

    letter: DeadLetter
    resolved: Resolved | None
    """None: it is open."""

    @property
    def is_open(self) -> bool:
        """Whether there is something left to do."""
        return self.resolved is None


class LetterBook:
    """Takes in letters, resolutions and later ingestions, and tells which letters are open.

    A record that was dead-lettered twice is one letter, the later one. A resolution closes what had failed up to the
    letter that it names; a letter of the same record that failed later is open again. Holds about 1 kB for each open
    letter, and for each one that was not resolved; those that are resolved are let go unless `keep_resolved`.
    """

    def __init__(self, *, keep_resolved: bool = False) -> None:
        self._keep_resolved = keep_resolved
        self._letters: dict[str, DeadLetter] = {}
        self._resolutions: dict[str, tuple[datetime, Resolved]] = {}
        """By letter: what it was failed at, how it was resolved."""
        self._waiting: dict[str, list[DeadLetter]] = {}
        """By pid: those that a later ingestion would close."""
        self._ingested: dict[str, datetime] = {}
        """By letter."""
        self.unreadable = 0
        """Resolutions that could not be read."""

    def take(self, record: Record) -> None:
        """Take in a record of the dead-letter topic."""
        if is_resolution(record):
            self._resolve(record)
            return
        if record.value is None and not record.headers:
            return  # a tombstone
        letter = read_letter(record)
        known = self._letters.get(letter.id)
        if known is not None and (known.failed_at, known.at) > (letter.failed_at, letter.at):
            return
        self._letters[letter.id] = letter
        self._let_go(letter.id)

    def take_ingested(self, answer: Answer, done_at: datetime) -> None:
        """Take in that a dataset was ingested, after `watch_pids`: it closes the letters that it makes up for."""
        for letter in self._waiting.get(answer.pid, ()):
            if done_at > letter.failed_at and makes_up_for(answer, letter):
                self._ingested[letter.id] = max(done_at, self._ingested.get(letter.id, done_at))

    def watch_pids(self) -> dict[str, datetime]:
        """Give the pids of open letters that a later ingestion would close, with the first time they failed at.

        From now on `take_ingested` listens to these.
        """
        self._waiting, self._ingested = {}, {}
        for case in self.cases():
            letter = case.letter
            if case.is_open and letter.pid is not None and letter.reason not in NOT_CURED_BY_ITS_PID:
                self._waiting.setdefault(letter.pid, []).append(letter)
        return {pid: min(letter.failed_at for letter in letters) for pid, letters in self._waiting.items()}

    def cases(self) -> list[Case]:
        """Give every letter, those that failed last at the end."""
        letters = sorted(self._letters.values(), key=lambda letter: (letter.failed_at, letter.at))
        return [Case(letter, self._how(letter)) for letter in letters]

    def _resolve(self, record: Record) -> None:
        resolution = read_resolution(record)
        if resolution is None:
            self.unreadable += 1
            return
        known = self._resolutions.get(resolution.letter)
        if known is not None and (known[0], known[1].at) > (resolution.letterFailedAt, resolution.at):
            return
        how = Resolved(resolution.kind, resolution.at, resolution.by, resolution.why, resolution.to)
        self._resolutions[resolution.letter] = (resolution.letterFailedAt, how)
        self._let_go(resolution.letter)

    def _let_go(self, name: str) -> None:
        letter = self._letters.get(name)
        if not self._keep_resolved and letter is not None and self._by_record(letter) is not None:
            del self._letters[name]

    def _by_record(self, letter: DeadLetter) -> Resolved | None:
        failed_at, how = self._resolutions.get(letter.id, (None, None))
        return how if failed_at is not None and letter.failed_at <= failed_at else None

    def _how(self, letter: DeadLetter) -> Resolved | None:
        how, done_at = self._by_record(letter), self._ingested.get(letter.id)
        return Resolved("ingested", done_at) if how is None and done_at is not None else how


def makes_up_for(answer: Answer, letter: DeadLetter) -> bool:
    """Tell whether what was ingested leaves nothing to do about a letter of the same pid.

    An earlier record that comes again, in a replay or with `reprocess`, says nothing of a later one that failed; nor do
    files that came on top of others.
    """
    here, failed = answer.first, letter.first
    if here == failed:
        return True
    is_earlier = (
        failed is not None and (here.topic, here.partition) == (failed.topic, failed.partition) and here < failed
    )
    return answer.is_whole and not is_earlier
