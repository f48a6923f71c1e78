"""What should have been there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.audit.expected import find_gaps, find_missing, read_expected
from scicat_ingest.audit.reckoning import Acquisition, State
from scicat_ingest.audit.verification import AT_ONCE, verify
from scicat_ingest.consume.position import Position
from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Collection

AT = Position("in", 0, 0)


def seen(run: str | None, instrument: str | None = "ODIN", name: str | None = None) -> Acquisition:
    return Acquisition(State.INGESTED, AT, 0, acquisition_id=name or f"run-{run}", instrument=instrument, run=run)


SEEN = [seen("1"), seen("2"), seen("5"), seen("9", "LOKI")]


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("run-1\nrun-2\n# a remark\nrun-3\n", ["acquisitionId run-3"]),
        ("instrument,runNumber\nODIN,5\nLOKI,5\n", ["instrument LOKI, runNumber 5"]),
        ('\ufeff[{"acquisitionId": "run-9", "instrument": "loki"}, "run-7"]', ["acquisitionId run-7"]),
        ('{"pid": "p/1"}\n{"runNumber": 2, "instrument": "ODIN"}\n', ["pid p/1"]),
        ("", []),
    ],
)
def test_a_list_says_what_must_be_there(text: str, missing: list[str]) -> None:
    """Lines, CSV, JSON, JSON lines; instruments in any case."""
    assert [str(each) for each in find_missing(read_expected(text, "list"), SEEN)] == missing


@pytest.mark.parametrize("text", ["[1, 2]", "{", '[{"instrument": "ODIN"}]', "instrument,runNumber\nODIN,\n"])
def test_a_list_that_says_nothing_is_refused_with_its_place(text: str) -> None:
    """An instrument alone is no acquisition."""
    with pytest.raises(InvalidSettings, match="list"):
        read_expected(text, "list")


def test_gaps_are_found_per_instrument() -> None:
    """Between the smallest and the largest; names of runs that are no numbers are left out."""
    others = [seen("42a"), seen(None), seen("3", None), seen("1", "TEST"), seen(str(10**15), "TEST")]
    assert [(gap.instrument, str(gap), gap.runs) for gap in find_gaps([*SEEN, *others])] == [("ODIN", "3-4", 2)]


@given(st.sets(st.integers(0, 200), min_size=1))
def test_gaps_and_runs_together_are_a_count_without_holes(runs: set[int]) -> None:
    """Nothing twice, nothing left out."""
    gaps = find_gaps(seen(str(run)) for run in runs)
    missing = [run for gap in gaps for run in range(gap.first, gap.last + 1)]
    assert sorted([*runs, *missing]) == list(range(min(runs), max(runs) + 1))
    assert len(missing) == sum(gap.runs for gap in gaps)


@pytest.mark.anyio
async def test_verification_names_what_is_not_whole_in_scicat() -> None:
    """Some pids at a time; more files than the event had are no fault."""
    acquisitions = [
        Acquisition(State.INGESTED, AT, 0, pid=f"p/{number}", files=2, bytes=20) for number in range(AT_ONCE + 3)
    ]
    asked = []

    class Reads:
        async def find_totals(self, pids: Collection[str]) -> dict[str, tuple[int, int]]:
            asked.append(len(pids))
            totals = {"p/1": (1, 20), "p/2": (5, 50)}
            return {pid: totals.get(pid, (2, 20)) for pid in pids if pid != "p/0"}

    dead = Acquisition(State.DEAD_LETTERED, AT, 0, pid="p/dead")
    wrong = await verify([*acquisitions, dead], Reads())
    assert asked == [AT_ONCE, 3]
    assert set(wrong) == {"p/0", "p/1"}
    assert json.dumps(wrong["p/1"]) == '"it has 1 files of 20 bytes, not 2 of 20"'
