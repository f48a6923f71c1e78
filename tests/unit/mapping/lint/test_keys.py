"""Names that SciCat misreads, and safe ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.mapping.lint.keys import flawed_names, misread_siblings, safe_name, without_collisions

NAMES = st.text(st.sampled_from(".[<$%4a_ \t1") | st.characters(), min_size=1, max_size=6) | st.sampled_from(
    ["__proto__", "constructor", " toString", "valueOf.", "%41", "%%41"]
)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.b", "a_b"),
        ("x[0]<y>$", "x_0__y__"),
        (" blank ", "blank"),
        (" ", "_"),
        ("a%2Eb", "a_2Eb"),
        ("__proto__", "__proto___"),
        ("constructor", "constructor_"),
    ],
)
def test_a_misread_name_has_a_safe_one(name: str, safe: str) -> None:
    """The same one every time."""
    assert list(flawed_names([name])) == [name]
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    "name", ["temperature", "a b", "50%", "é", "user", "/entry/title", "a:b", "proto", "{x}", "%zz"]
)
def test_other_names_are_left_alone(name: str) -> None:
    """Also those that only look odd."""
    assert not flawed_names([name])


@given(NAMES)
def test_a_safe_name_is_safe(name: str) -> None:
    """Nothing is misread in it, and it is never empty."""
    safe = safe_name(name)
    assert safe
    assert not flawed_names([safe])


@given(st.lists(NAMES, unique=True))
def test_new_names_never_meet(names: list[str]) -> None:
    """Neither each other nor a name that stays."""
    new = without_collisions({name: safe_name(name) for name in flawed_names(names)}, names)
    kept = [new.get(name, name) for name in names]
    assert len(set(kept)) == len(names)
    assert not flawed_names(kept)


def test_the_last_of_several_has_a_number() -> None:
    """In the order of the event."""
    assert without_collisions({"a.b": "a_b", "a<b": "a_b"}, ["a.b", "a_b_2", "a<b"]) == {"a.b": "a_b", "a<b": "a_b_3"}


@pytest.mark.parametrize(
    ("names", "misread"),
    [
        (["value", "unit", "uncertainty", "vendor", "error"], ["uncertainty", "vendor"]),
        (["value", "user"], ["user"]),
        (["unit", "version"], ["version"]),
        (["value", "unit", "valueSI", "unitSI"], []),
        (["user", "version"], []),
        ([], []),
    ],
)
def test_siblings_of_a_quantity_are_misread(names: list[str], misread: list[str]) -> None:
    """SciCat goes by the first letter."""
    assert misread_siblings(names) == misread
