"""Joins records, answers and dead letters into acquisitions, each in one state (pure)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from scicat_ingest.catalogue.times import from_epoch_ms
from scicat_ingest.consume.position import Position
from scicat_ingest.letters.letter import first_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from scicat_ingest.consume.record import Record
    from scicat_ingest.letters.answer import Answer
    from scicat_ingest.letters.book import Case
    from scicat_ingest.preview.glimpse import Glimpse


class State(Enum):
    """What became of an acquisition; of several records the first of these that any is in."""

    UNACCOUNTED = "unaccounted"
    """The service has committed it, and there is no outcome of it: this must never be."""
    DEAD_LETTERED = "dead-lettered"
    """Its dead letter is open."""
    OPEN = "open"
    """It waits, or is being worked on; or was replayed and has no outcome yet."""
    UNKNOWN = "unknown"
    """It is older than what the outcome topics still hold."""
    INGESTED = "ingested"
    PRESENT = "present"
    """All of it was there already."""
    PURGED = "purged"
    """Its dead letter was marked as done without a replay."""
    IGNORED = "ignored"


_WORST_FIRST = list(State)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """One acquisition, by its first record. None is not known."""

    state: State
    at: Position
    timestamp_ms: int
    """Of its first record; -1: it has none."""
    pid: str | None = None
    acquisition_id: str | None = None
    instrument: str | None = None
    run: str | None = None
    reason: str | None = None
    """Of its dead letter."""
    files: int = 0
    bytes: int = 0

    @property
    def day(self) -> date | None:
        """The day of its first record, UTC."""
        try:
            return from_epoch_ms(self.timestamp_ms).date() if self.timestamp_ms >= 0 else None
        except ValueError:
            return None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.pid or self.acquisition_id or str(self.at)


class Reckoning:
    """Takes in answers and letters, then records, in this order; holds some hundred bytes of each.

    `is_committed` tells whether the service has committed a record, as it was *before* the outcomes were read;
    `is_covered` whether the outcome topics still hold what was said of a record of this time.
    """

    def __init__(self, is_committed: Callable[[Position], bool], is_covered: Callable[[int], bool]) -> None:
        self._is_committed = is_committed
        self._is_covered = is_covered
        self._answers: dict[Position, Answer] = {}
        self._letters: dict[Position, Case] = {}
        self._seen: list[tuple[Position, Acquisition]] = []
        """With where each record was before any replay."""
        self.parts = 0
        """Records that tell a part of a run; the run's outcome is that of its last record."""

    def take_answer(self, answer: Answer) -> None:
        """Take in what was ingested; of several answers one that says that something was written counts."""
        known = self._answers.get(answer.at)
        if known is None or answer.is_news or not known.is_news:
            self._answers[answer.at] = answer

    def take_letters(self, cases: Iterable[Case]) -> None:
        """Take in dead letters, resolved ones too."""
        self._letters = {case.letter.source: case for case in cases if case.letter.source is not None}

    def take_record(self, record: Record, look: Callable[[Record], Glimpse]) -> None:
        """Take in an input record; `look` is asked only if nothing is said of it."""
        at = Position(record.topic, record.partition, record.offset)
        before = first_source(record)
        first = Position(before.topic, before.partition, before.offset)
        answer, case = self._answers.get(at), self._letters.get(at)
        if answer is not None:
            state = State.INGESTED if answer.is_news else State.PRESENT
            found = Acquisition(state, at, record.timestamp_ms, answer.pid, answer.acquisition_id, answer.instrument)
            found = replace(found, run=answer.run, files=answer.files, bytes=answer.bytes)
        elif case is not None:
            letter, seen = case.letter, look(record)
            found = Acquisition(_of_letter(case), at, record.timestamp_ms, letter.pid or seen.pid, seen.acquisition_id)
            found = replace(found, instrument=seen.instrument or letter.instrument, run=seen.run, reason=letter.reason)
        else:
            seen = look(record)
            if seen.is_part:
                self.parts += 1
                return
            state = State.IGNORED if seen.is_ignored else self._without_outcome(at, record.timestamp_ms)
            found = Acquisition(state, at, record.timestamp_ms, seen.pid, seen.acquisition_id, seen.instrument)
            found = replace(found, run=seen.run)
        self._seen.append((first, found))

    def _without_outcome(self, at: Position, timestamp_ms: int) -> State:
        if not self._is_committed(at):
            return State.OPEN
        return State.UNACCOUNTED if self._is_covered(timestamp_ms) else State.UNKNOWN

    def acquisitions(self) -> list[Acquisition]:
        """Give every acquisition once, in the order of their first records' times."""
        pids = {first: found.pid for first, found in self._seen if found.pid is not None}
        groups: dict[str | Position, list[Acquisition]] = defaultdict(list)
        for first, found in self._seen:
            groups[found.pid or pids.get(first) or first].append(found)
        return sorted(map(_fold, groups.values()), key=lambda each: (each.timestamp_ms, each.at))


def _of_letter(case: Case) -> State:
    if case.resolved is None:
        return State.DEAD_LETTERED
    return {"replayed": State.OPEN, "purged": State.PURGED, "ingested": State.INGESTED}[case.resolved.kind]


def _fold(records: list[Acquisition]) -> Acquisition:
    """Make one of several records: a replay's outcome stands for what it replayed."""
    records = sorted(records, key=lambda each: (each.timestamp_ms, each.at.topic, each.at.offset))
    others = [each for each in records if not (each.state is State.OPEN and each.reason is not None)]
    worst = min(others or records, key=lambda each: _WORST_FIRST.index(each.state))

    def known(name: str) -> str | None:
        return next((value for each in (worst, *records) if (value := getattr(each, name)) is not None), None)

    return replace(
        worst,
        at=records[0].at,
        timestamp_ms=records[0].timestamp_ms,
        pid=known("pid"),
        acquisition_id=known("acquisition_id"),
        instrument=known("instrument"),
        run=known("run"),
        reason=worst.reason if worst.state in (State.DEAD_LETTERED, State.OPEN, State.PURGED) else None,
    )
