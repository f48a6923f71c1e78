"""Patterns of paths."""

from __future__ import annotations

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.faults import InvalidField
from scicat_ingest.storage.lists.globs import Globs

NAMES = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
SEGMENTS = st.one_of(st.just("**"), st.text("ab.*?", min_size=1, max_size=3)).filter(
    lambda name: name not in (".", "..") and ("**" not in name or name == "**")
)


def fits(pattern: str, path: str) -> bool:
    return Globs.compile([pattern], "scan.include").fit(path)


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("*.nxs", ["run.nxs", "raw/deep/run.nxs"], ["run.nxs.tmp", "nxs"]),
        ("/*.nxs", ["run.nxs"], ["raw/run.nxs"]),
        ("raw/*.h5", ["raw/a.h5"], ["raw/b/a.h5", "old/raw/a.h5"]),
        ("raw/**/*.h5", ["raw/a.h5", "raw/b/c/a.h5"], ["a.h5", "rawer/a.h5"]),
        ("**/a.h5", ["a.h5", "x/y/a.h5"], ["x/a.h5x"]),
        ("raw/**", ["raw/a", "raw/b/c"], ["raw", "raws/a"]),
        ("**", ["a", "a/b"], []),
        ("tmp/", ["tmp/a", "x/tmp/b/c", "tmp"], ["tmpx/a"]),
        ("work", ["work/a", "x/work"], ["worker"]),
        ("./raw/a", ["raw/a"], ["a"]),
        ("frame_[0-9]?.cbf", ["frame_12.cbf"], ["frame_1.cbf", "frame_a2.cbf"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_a_pattern_fits_names_and_paths(pattern: str, fitting: list[str], other: list[str]) -> None:
    """Without a slash at any depth; a folder that fits has all that is in it."""
    assert [path for path in fitting + other if fits(pattern, path)] == fitting


@given(st.lists(SEGMENTS, min_size=1, max_size=4), PATHS)
def test_patterns_mean_what_they_mean_elsewhere(segments: list[str], path: str) -> None:
    """As shells with globstar do; a pattern also fits what is below what it fits."""
    whole = "/" + "/".join(segments)

    def matches(names: list[str], pattern: list[str]) -> bool:
        if not pattern:
            return True  # a file, or a folder above
        if pattern[0] == "**":
            return bool(names) if pattern == ["**"] else any(matches(names[i:], pattern[1:]) for i in range(len(names)))
        return bool(names) and pathlib.PurePath(names[0]).match(pattern[0]) and matches(names[1:], pattern[1:])

    assert fits(whole, path) == matches(path.split("/"), segments)


def test_hostile_patterns_take_no_longer_than_others() -> None:
    """Neither many stars in a name nor many ** make it walk all ways."""
    path = "/".join(["a" * 200] * 50)
    assert not fits("/" + "/".join(["**", "a*a*a*a*a*a*a*b"] * 30), path)
    assert not fits("*a" * 400 + "b", path)


@pytest.mark.parametrize("pattern", ["", "/", "a/../b", "..", "x" * 1001])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """With the place in the event."""
    with pytest.raises(InvalidField) as caught:
        fits(pattern, "a")
    assert caught.value.field == "scan.include[0]"


def test_too_many_patterns_are_refused() -> None:
    """Each file is held against all of them."""
    with pytest.raises(InvalidField, match="at most 100"):
        Globs.compile(["a"] * 101, "scan.exclude")
