"""Which letters are meant: filters, names, groups (pure)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from scicat_ingest.consume.position import Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from scicat_ingest.letters.book import Case
    from scicat_ingest.letters.letter import DeadLetter

GroupBy = Literal["reason", "problem", "class", "instrument", "day"]
"""A problem is a reason and a field, whichever item of a list it is in."""
SHORTEST_NAME = 6
"""Characters of an id that are enough to name a letter, if no other one begins with them."""
UNKNOWN = "(unknown)"
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """What a letter must be like; what is None or empty does not matter."""

    reasons: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    pids: frozenset[str] = frozenset()
    instruments: frozenset[str] = frozenset()
    """Compared without regard to upper and lower case."""
    since: datetime | None = None
    """Failed at this time or later."""
    until: datetime | None = None
    """Failed before this time."""
    partitions: frozenset[int] = frozenset()
    """Of the dead-letter topic."""

    @property
    def asks_nothing(self) -> bool:
        """Whether every letter passes."""
        return not any(getattr(self, field.name) for field in fields(self))

    def takes(self, letter: DeadLetter) -> bool:
        """Tell whether a letter passes."""
        instruments = {name.casefold() for name in self.instruments}
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.classes or letter.fault_class in self.classes)
            and (not self.pids or letter.pid in self.pids)
            and (not instruments or (letter.instrument or UNKNOWN).casefold() in instruments)
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
            and (not self.partitions or letter.at.partition in self.partitions)
        )


@dataclass(frozen=True, slots=True)
class Named:
    """What names have led to."""

    cases: tuple[Case, ...]
    """In the order of the names, each once."""
    wrong: tuple[str, ...]
    """Names that mean no letter, or several, with what is wrong."""


def find_named(cases: Sequence[Case], names: Iterable[str]) -> Named:
    """Find letters by id, by the beginning of an id, or by `topic/partition/offset` of letter or record."""
    found: dict[str, Case] = {}
    wrong = []
    for name in dict.fromkeys(names):
        meant = _meant(cases, name)
        if len(meant) == 1:
            found[meant[0].letter.id] = meant[0]
        elif meant:
            wrong.append(f"{name}: {len(meant)} letters begin with it")
        else:
            wrong.append(f"{name}: there is no such letter")
    return Named(tuple(found.values()), tuple(wrong))


def _meant(cases: Sequence[Case], name: str) -> list[Case]:
    exact = [case for case in cases if case.letter.id == name]
    if exact:
        return exact
    position = Position.parse(name)
    if position is not None:
        return [case for case in cases if position in (case.letter.at, case.letter.source)]
    if len(name) < SHORTEST_NAME:
        return []
    return [case for case in cases if case.letter.id.startswith(name.lower())]


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """Letters that have something in common."""

    name: str
    count: int
    example: DeadLetter
    """The one that failed last."""


def group_letters(letters: Iterable[DeadLetter], by: GroupBy) -> list[LetterGroup]:
    """Count letters; the largest group comes first, days in their order. `letters` are in the order of their time."""
    counts: Counter[str] = Counter()
    latest = {}
    for letter in letters:
        name = _name_of_group(letter, by)
        counts[name] += 1
        latest[name] = letter
    names = sorted(counts) if by == "day" else sorted(counts, key=lambda name: (-counts[name], name))
    return [LetterGroup(name, counts[name], latest[name]) for name in names]


def _name_of_group(letter: DeadLetter, by: GroupBy) -> str:
    match by:
        case "reason":
            return letter.reason
        case "problem":
            return f"{letter.reason} {_INDEX.sub('[]', letter.field or '')}".rstrip()
        case "class":
            return letter.fault_class
        case "instrument":
            return letter.instrument or UNKNOWN
        case "day":
            return letter.failed_at.date().isoformat()
