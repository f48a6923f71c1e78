"""A scan that names single files has nothing to do with their neighbours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.storage.lists.listings import NOW, OLD, paths, scanned

from scicat_ingest.faults import NotThereYet
from scicat_ingest.storage.lists.globs import Globs

if TYPE_CHECKING:
    from pathlib import Path

SEGMENTS = st.sampled_from(["a", "b", "*", "**", "a*", "[ab]", "[*]"])
PATTERNS = st.builds(lambda parts: f"/{'/'.join(parts)}", st.lists(SEGMENTS, min_size=1, max_size=4))
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "*"]), min_size=1, max_size=4)


def tree(folder: Path) -> Path:
    """Give a folder of two runs, the second one being written just now."""
    for name in ("run [1].h5", "run2.h5", "frames/1.tif", "frames/2.tif", "other/run [1].h5"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        os.utime(path, (OLD, OLD))
    os.utime(folder / "run2.h5", (NOW, NOW))
    for path in (folder / "frames", folder / "other"):
        os.utime(path, (OLD, OLD))
    os.utime(folder, (NOW, NOW))
    return folder


def test_a_named_file_does_not_wait_for_its_neighbours(tmp_path: Path) -> None:
    """The next run is always being written in the same folder."""
    assert paths(scanned(tree(tmp_path), {"include": ["/run [[]1].h5"]}, stable_seconds=60)) == ["run [1].h5"]


def test_a_named_folder_waits_for_what_is_in_it(tmp_path: Path) -> None:
    """A name that comes in it is a change."""
    tree(tmp_path)
    assert paths(scanned(tmp_path, {"include": ["/frames"]}, stable_seconds=60)) == ["frames/1.tif", "frames/2.tif"]
    os.utime(tmp_path / "frames", (NOW, NOW))
    with pytest.raises(NotThereYet, match="may still be being written"):
        scanned(tmp_path, {"include": ["/frames"]}, stable_seconds=60)


def test_a_pattern_waits_for_the_folder_that_it_looks_through(tmp_path: Path) -> None:
    """Another name that fits may come."""
    with pytest.raises(NotThereYet, match="may still be being written"):
        scanned(tree(tmp_path), {"include": ["/run [[]*.h5"]}, stable_seconds=60)


def test_folders_that_nothing_leads_to_are_not_opened(tmp_path: Path) -> None:
    """Thousands of earlier runs may lie there, or what may not be read."""
    tree(tmp_path)
    (tmp_path / "other").chmod(0)
    opened = []
    original = os.listdir
    try:
        os.listdir = lambda folder: opened.append(folder) or original(folder)  # type: ignore[assignment,func-returns-value]
        scanned(tmp_path, {"include": ["/run [[]1].h5"]}, stable_seconds=0)
        assert len(opened) == 1
        scanned(tmp_path, {"include": ["/frames/1.tif"]}, stable_seconds=0)
        assert len(opened) == 3
    finally:
        os.listdir = original
        (tmp_path / "other").chmod(0o755)


@given(st.lists(PATTERNS, min_size=1, max_size=3), PATHS)
def test_what_fits_is_led_to(patterns: list[str], names: list[str]) -> None:
    """Each folder above it is opened."""
    globs = Globs.compile(patterns, "scan.include")
    if globs.fit("/".join(names)):
        assert all(globs.lead_to("/".join(names[:depth])) for depth in range(1, len(names) + 1))


@given(st.lists(PATTERNS, min_size=1, max_size=3), PATHS)
def test_where_only_names_are_called_no_other_name_fits(patterns: list[str], names: list[str]) -> None:
    """So a folder's own time says nothing."""
    globs, folder = Globs.compile(patterns, "scan.include"), "/".join(names)
    if globs.only_name(folder):
        assert not globs.fit(f"{folder}/some other name")
        assert not globs.lead_to(f"{folder}/some other name")
