"""What `report` says to people."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console

from scicat_ingest.audit.expected import find_gaps
from scicat_ingest.audit.reckoning import Acquisition, State
from scicat_ingest.cli.report_text import Reported, as_text
from scicat_ingest.consume.position import Position

AT = Position("in", 0, 0)


def said(*acquisitions: Acquisition) -> list[str]:
    reported = Reported(
        datetime(2026, 4, 22, tzinfo=UTC), None, list(acquisitions), [], 0, gaps=find_gaps(acquisitions)
    )
    text = io.StringIO()
    as_text(reported, Console(file=text, width=160), table=False)
    return text.getvalue().splitlines()


def ran(run: int | None, instrument: str = "ODIN", state: State = State.INGESTED) -> Acquisition:
    return Acquisition(state, AT, 0, instrument=instrument, run=None if run is None else str(run))


def test_the_gaps_of_an_instrument_stand_in_a_line() -> None:
    """Ranges as people write them, and how many runs they are; of many the first ones."""
    lines = said(ran(1), ran(3), ran(9), ran(5, "LOKI"), ran(7, "LOKI"), *(ran(n, "DREAM") for n in range(1, 99, 2)))
    assert "gaps in run numbers; runs missing: 55" in lines
    assert "  ODIN: 2, 4-8" in lines
    assert "  LOKI: 6" in lines
    [many] = [line for line in lines if line.startswith("  DREAM: 2, 4, 6")]
    assert many.endswith(" and 28 more: --json lists all")


def test_dead_letters_without_a_run_number_may_be_the_gaps() -> None:
    """An event that cannot be read has none."""
    unread = ran(None, state=State.DEAD_LETTERED)
    assert said(ran(1), ran(3), unread)[-2].endswith("may be in these gaps: 1")
    assert not any("gaps" in line for line in said(ran(1), ran(2), unread))
