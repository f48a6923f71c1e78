"""How a report is written: table, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from scicat_ingest.audit.reckoning import State
from scicat_ingest.catalogue.times import write_time
from scicat_ingest.cli.dlq_text import harmless
from scicat_ingest.letters.selection import UNKNOWN

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from scicat_ingest.audit.expected import Expected, Gap
    from scicat_ingest.audit.reading import Coverage
    from scicat_ingest.audit.reckoning import Acquisition

_ORDER = ("ingested", "present", "dead-lettered", "purged", "ignored", "open", "unknown", "unaccounted")
_ALWAYS = ("ingested", "present", "dead-lettered", "open")
_MOST_LISTED = 20


@dataclass(slots=True)
class Reported:
    """All that a report says."""

    since: datetime
    until: datetime | None
    acquisitions: list[Acquisition]
    coverage: list[Coverage]
    parts_of_runs: int
    missing: list[Expected] | None = None
    """None: nobody said what is expected."""
    gaps: list[Gap] | None = None
    not_in_scicat: dict[str, str] | None = None
    """What is wrong, by pid. None: SciCat was not asked."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is missing, unaccounted for, or not in SciCat."""
        return not (self.missing or self.gaps or self.not_in_scicat or self.of(State.UNACCOUNTED))

    def of(self, state: State) -> list[Acquisition]:
        """Give those in a state."""
        return [each for each in self.acquisitions if each.state is state]

    @property
    def rows(self) -> dict[tuple[str, str], Counter[str]]:
        """Count by instrument and day."""
        rows: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for each in self.acquisitions:
            rows[each.instrument or UNKNOWN, str(each.day or UNKNOWN)][each.state.value] += 1
        return dict(sorted(rows.items()))

    @property
    def uncovered(self) -> list[Coverage]:
        """Topics whose records do not reach back to the beginning of the time."""
        return [each for each in self.coverage if each.since is not None and each.since > self.since]


def as_json(reported: Reported) -> str:
    """Write all of it as one object."""
    document: dict[str, Any] = {
        "since": write_time(reported.since),
        "until": None if reported.until is None else write_time(reported.until),
        "covers": {each.topic: None if each.since is None else write_time(each.since) for each in reported.coverage},
        "seen": len(reported.acquisitions),
        "totals": dict(Counter(each.state.value for each in reported.acquisitions)),
        "parts_of_runs": reported.parts_of_runs,
        "rows": [
            {"instrument": instrument, "day": day, "seen": counts.total(), **counts}
            for (instrument, day), counts in reported.rows.items()
        ],
        "dead_lettered": [_document(each) for each in reported.of(State.DEAD_LETTERED)],
        "open": [_document(each) for each in reported.of(State.OPEN)],
        "unaccounted": [_document(each) for each in reported.of(State.UNACCOUNTED)],
    }
    if reported.missing is not None:
        document["missing"] = [dict(each.known_by) for each in reported.missing]
    if reported.gaps is not None:
        document["gaps"] = [{"instrument": gap.instrument, "runs": str(gap)} for gap in reported.gaps]
    if reported.not_in_scicat is not None:
        document["not_in_scicat"] = reported.not_in_scicat
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace").decode() + "\n"


def _document(each: Acquisition) -> dict[str, Any]:
    found = {
        "record": str(each.at),
        "pid": each.pid,
        "acquisitionId": each.acquisition_id,
        "instrument": each.instrument,
        "runNumber": each.run,
        "reason": each.reason,
    }
    return {name: value for name, value in found.items() if value is not None}


def as_csv(reported: Reported) -> str:
    """Write the table; a cell that a spreadsheet would take for a formula is quoted with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["instrument", "day", "seen", *_ORDER])
    for (instrument, day), counts in reported.rows.items():
        name = f"'{instrument}" if instrument.startswith(("=", "+", "-", "@", "\t", "\r")) else instrument
        writer.writerow([name, day, counts.total(), *(counts[state] for state in _ORDER)])
    return text.getvalue().encode("utf-8", "backslashreplace").decode()


def as_text(reported: Reported, console: Console, *, table: bool) -> None:
    """Print it for people."""
    totals = Counter(each.state.value for each in reported.acquisitions)
    if table and reported.acquisitions:
        console.print(_table(reported, totals))
    said = [f"{totals[state]} {state}" for state in _ORDER if totals[state] or state in _ALWAYS]
    lines = [f"{len(reported.acquisitions)} acquisitions: {', '.join(said)}"]
    lines += _listed("unaccounted for: tell the developers", reported.of(State.UNACCOUNTED), str_of=_named)
    if reported.missing is not None:
        lines += _listed("missing, of those expected", reported.missing) or ["nothing of what is expected is missing"]
    lines += _gaps(reported)
    if reported.not_in_scicat is not None:
        wrong = [f"{pid}: {why}" for pid, why in reported.not_in_scicat.items()]
        lines += _listed("not in SciCat as it was ingested", wrong) or ["SciCat has all that was ingested"]
    for each in reported.uncovered:
        lines.append(f"{each.topic} holds all records only since {write_time(each.since or reported.since)}")
    if totals["dead-lettered"]:
        lines.append("dead letters: scicat-ingest dlq list")
    console.print("\n".join(map(harmless_line, lines)), highlight=False, markup=False, soft_wrap=True)


def harmless_line(text: str) -> str:
    """Give a line of text that can do a terminal no harm."""
    return harmless(text, lines=True)


def _listed(title: str, found: list[Any], str_of: Any = str) -> list[str]:
    if not found:
        return []
    more = [f"  and {len(found) - _MOST_LISTED} more: --json lists all"] if len(found) > _MOST_LISTED else []
    return [f"{title}: {len(found)}", *(f"  {str_of(each)}" for each in found[:_MOST_LISTED]), *more]


def _gaps(reported: Reported) -> list[str]:
    """Name the gaps of each instrument in a line, and what could be in them."""
    by_instrument: dict[str, list[Gap]] = defaultdict(list)
    for gap in reported.gaps or ():
        by_instrument[gap.instrument].append(gap)
    if not by_instrument:
        return []
    lines = [f"gaps in run numbers; runs missing: {sum(gap.runs for gap in reported.gaps or ())}"]
    for instrument, gaps in by_instrument.items():
        more = f" and {len(gaps) - _MOST_LISTED} more: --json lists all" if len(gaps) > _MOST_LISTED else ""
        lines.append(f"  {instrument}: {', '.join(map(str, gaps[:_MOST_LISTED]))}{more}")
    nameless = sum(each.run is None for each in reported.of(State.DEAD_LETTERED))
    if nameless:
        lines.append(f"  dead letters that do not tell their run number, and may be in these gaps: {nameless}")
    return lines


def _named(each: Acquisition) -> str:
    return f"{each.at} {each.name}"


def _table(reported: Reported, totals: Counter[str]) -> Table:
    states = [state for state in _ORDER if totals[state] or state in _ALWAYS]
    table = Table("instrument", "day", "seen", *states, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for (instrument, day), counts in reported.rows.items():
        cells = [Text(str(counts[state] or "·"), style=_style(state, counts[state])) for state in states]
        table.add_row(Text(harmless(instrument)), day, str(counts.total()), *cells)
    return table


def _style(state: str, number: int) -> str:
    if not number:
        return "dim"
    return {"dead-lettered": "yellow", "unaccounted": "bold red"}.get(state, "")
