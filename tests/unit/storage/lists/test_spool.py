"""File lists of any length."""

from __future__ import annotations

import gc
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.storage.lists.listings import DEFAULT_TIME

from scicat_ingest.faults import DuplicatePath, InvalidField, InvalidManifest, NoSpace
from scicat_ingest.storage.lists import duplicates
from scicat_ingest.storage.lists.duplicates import Seen
from scicat_ingest.storage.lists.listed import Listed
from scicat_ingest.storage.lists.spool import FEW, Spool

TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
LISTED = st.builds(
    Listed,
    path=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    size=st.integers(0, 2**40),
    time=st.none() | st.datetimes(timezones=st.just(UTC)),
    chk=TEXTS,
    uid=TEXTS,
    gid=TEXTS,
    perm=TEXTS,
    type=TEXTS,
)


def many(count: int, *, repeat: int | None = None) -> list[Listed]:
    files = [Listed(f"raw/{number:07}", number, DEFAULT_TIME + timedelta(seconds=number)) for number in range(count)]
    return files if repeat is None else [*files, files[repeat]]


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def spool(files: list[Listed]) -> Spool:
    return Spool(files, default_time=DEFAULT_TIME)


@given(st.lists(LISTED, unique_by=lambda file: file.path, max_size=5))
def test_what_goes_in_comes_out(files: list[Listed]) -> None:
    """To the microsecond, in order; a file without a time has the default."""
    out = spool(files)
    assert [(f.path, f.size, f.chk, f.uid, f.gid, f.perm, f.type) for f in out] == [
        (f.path, f.size, f.chk, f.uid, f.gid, f.perm, f.type) for f in files
    ]
    assert [file.time for file in out] == [file.time or DEFAULT_TIME for file in files]
    assert (out.count, out.size) == (len(files), sum(file.size or 0 for file in files))


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, 3 * FEW, 3 * FEW + 1])
def test_long_lists_come_out_as_often_as_asked_for(count: int) -> None:
    """Also by two readers at once."""
    out = spool(many(count))
    names = [file.path for file in many(count)]
    first, second = iter(out), iter(out)
    assert [file.path for pair in zip(first, second, strict=True) for file in pair][::2] == names
    assert [file.path for file in out] == names


def test_a_long_list_leaves_no_file_behind(tmp_path: Path) -> None:
    """It has no name from the start, and its descriptor is closed when nobody needs it any more."""
    before = count_descriptors()
    out = Spool(many(FEW + 1), default_time=DEFAULT_TIME, folder=str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert count_descriptors() == before + 1
    del out
    gc.collect()
    assert count_descriptors() == before


def test_a_full_disk_halts_the_service() -> None:
    """No record is to blame."""
    with pytest.raises(NoSpace, match="No space left on device"):
        _write_to_full_disk()


def _write_to_full_disk() -> None:
    class Full(Spool):
        def _write(self, folder: str | None) -> None:  # noqa: ARG002 (a Spool)
            descriptor = os.open("/dev/full", os.O_WRONLY)
            try:
                os.write(descriptor, b"".join(self._rows))
            finally:
                os.close(descriptor)

    Full(many(FEW + 1), default_time=DEFAULT_TIME)


def test_a_missing_temporary_folder_halts_the_service(tmp_path: Path) -> None:
    """And says where it looked."""
    with pytest.raises(NoSpace, match="not-there"):
        Spool(many(FEW + 1), default_time=DEFAULT_TIME, folder=str(tmp_path / "not-there"))


@pytest.mark.parametrize(("count", "repeat"), [(1, 0), (10, 3), (FEW + 10, 0), (FEW + 10, FEW + 9)])
def test_a_path_that_comes_twice_is_refused(count: int, repeat: int) -> None:
    """Wherever in the list."""
    with pytest.raises(DuplicatePath, match=f"'raw/{repeat:07}' is listed twice"):
        spool(many(count, repeat=repeat))


def test_paths_whose_hashes_meet_are_two_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that comes twice is only a reason to look closer."""
    monkeypatch.setattr(duplicates, "hash", len, raising=False)
    paths = ["ab", "cd", "efg", "cd"]
    seen = Seen()
    for path in paths[:3]:
        seen.add(path)
    assert seen.twice(lambda: paths[:3]) is None
    seen.add("cd")
    assert seen.twice(lambda: paths) == "cd"


def test_more_bytes_than_scicat_can_count_are_refused() -> None:
    """Its numbers are doubles."""
    with pytest.raises(InvalidField, match="bytes in all"):
        spool([Listed("a", 2**53 - 1), Listed("b", 1)])


def test_what_is_no_unicode_is_refused() -> None:
    """JSON can hold half of a surrogate pair; SciCat's database cannot."""
    with pytest.raises(InvalidManifest, match="file 1 is no Unicode"):
        spool([Listed("a\ud800", 1)])


def test_times_before_1970_and_far_away_come_out_as_they_were() -> None:
    """Clocks go wrong in both directions."""
    times = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
    assert [file.time for file in spool([Listed("a", 1, times[0]), Listed("b", 1, times[1])])] == times
