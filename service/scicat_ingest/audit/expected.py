"""What should have been there: a list of acquisitions, and runs that are numbered without gaps (pure)."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scicat_ingest.audit.reckoning import Acquisition

NAMES = {"pid": "pid", "acquisitionId": "acquisition_id", "instrument": "instrument", "runNumber": "run"}
"""What an expected acquisition may be known by, and what it is called here."""
WIDEST = 1_000_000
"""Numbers further apart than this are no count of runs."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An acquisition that must be there: everything that is given must fit."""

    known_by: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Give it as people write it."""
        return ", ".join(f"{name} {value}" for name, value in self.known_by)


def read_expected(text: str, name: str) -> list[Expected]:
    """Read a list of expected acquisitions from the file `name`.

    JSON (an array, or one value a line): objects with pid, acquisitionId, instrument, runNumber, or plain
    acquisitionIds; CSV with such a header; else one acquisitionId a line. Raises InvalidSettings with the line.
    """
    stripped = text.lstrip("\ufeff \n\r\t")
    if stripped.startswith(("{", "[", '"')):
        return [_expected(item, f"{name}: item {number}") for number, item in _json(stripped, name)]
    lines = [line for line in stripped.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return []
    header = [column.strip() for column in next(csv.reader([lines[0]]))]
    if set(header) <= NAMES.keys():
        rows = csv.DictReader(io.StringIO("\n".join(["", *lines[1:]])[1:]), fieldnames=header)
        return [_expected(row, f"{name}: row {number}") for number, row in enumerate(rows, 1)]
    return [Expected((("acquisitionId", line.strip()),)) for line in lines]


def _json(text: str, name: str) -> Iterable[tuple[int, Any]]:
    try:
        if text.startswith("["):
            return list(enumerate(json.loads(text), 1))
        return [(number, json.loads(line)) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    except ValueError as error:
        raise InvalidSettings(f"{name} is no JSON: {error}") from None


def _expected(item: Any, where: str) -> Expected:
    if isinstance(item, str):
        item = {"acquisitionId": item}
    given = item if isinstance(item, dict) else {}
    known = tuple((name, str(given[name]).strip()) for name in NAMES if given.get(name) not in (None, ""))
    if not {"pid", "acquisitionId", "runNumber"} & {name for name, _ in known}:
        raise InvalidSettings(f"{where}: expected pid, acquisitionId, or runNumber (with instrument)")
    return Expected(known)


def find_missing(expected: Iterable[Expected], seen: Iterable[Acquisition]) -> list[Expected]:
    """Give what is expected and was not seen."""
    by_shape: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    seen, missing = list(seen), []
    for each in expected:
        shape = tuple(name for name, _ in each.known_by)
        if shape not in by_shape:
            by_shape[shape] = {tuple(_fold(getattr(one, NAMES[name])) for name in shape) for one in seen}
        if tuple(_fold(value) for _, value in each.known_by) not in by_shape[shape]:
            missing.append(each)
    return missing


def _fold(value: str | None) -> str:
    return (value or "").casefold()


@dataclass(frozen=True, slots=True)
class Gap:
    """Runs of an instrument that nothing was seen of: from the first to the last of them."""

    instrument: str
    first: int
    last: int

    @property
    def runs(self) -> int:
        """How many."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        """Give it as people write it."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def find_gaps(seen: Iterable[Acquisition]) -> list[Gap]:
    """Find what is missing between the smallest and the largest run number of each instrument.

    Run numbers that are no whole numbers, or too far apart to be a count, are left out.
    """
    numbers: dict[str, set[int]] = defaultdict(set)
    for each in seen:
        if each.instrument is not None and each.run is not None and each.run.isascii() and each.run.isdigit():
            numbers[each.instrument].add(int(each.run[:19]))
    gaps = []
    for instrument, found in sorted(numbers.items()):
        ordered = sorted(found)
        if ordered[-1] - ordered[0] > WIDEST:
            continue
        gaps += [Gap(instrument, before + 1, after - 1) for before, after in pairwise(ordered) if after - before > 1]
    return gaps
