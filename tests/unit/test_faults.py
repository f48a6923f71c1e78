"""The error tree: who must act, and a stable code for each leaf."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from scicat_ingest import faults
from scicat_ingest.faults import (
    CatalogueFault,
    CatalogueUnavailable,
    ConfigurationFault,
    IngestFault,
    InvalidField,
    RecordFault,
    StreamFault,
    TooDeep,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def leaves(kind: type[IngestFault]) -> Iterator[type[IngestFault]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for each in below:
        yield from leaves(each)


LEAVES = [leaf for leaf in leaves(IngestFault) if leaf.__module__.startswith(f"{faults.__name__}.")]
"""Those of the service; the stand-in and other helpers may have their own."""


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """Every leaf with its code, and no other."""
    assert faults.__doc__ is not None
    drawn = dict(re.findall(r"[├└]── (\w+) +([a-z0-9_]+)(?:\n|$)", faults.__doc__))
    assert drawn == {leaf.__name__: leaf.code for leaf in LEAVES}


def test_codes_are_stable_words_and_each_stands_once() -> None:
    """They stand in headers, logs and the documentation."""
    codes = [leaf.code for leaf in LEAVES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[a-z0-9_]+", code) for code in codes)
    assert "fault" not in codes


@pytest.mark.parametrize(
    ("branch", "fault_class"),
    [
        (RecordFault, "record"),
        (CatalogueFault, "catalogue"),
        (StreamFault, "stream"),
        (ConfigurationFault, "configuration"),
    ],
)
def test_each_branch_says_who_must_act(branch: type[IngestFault], fault_class: str) -> None:
    """And so does each leaf of it."""
    assert {leaf.fault_class for leaf in leaves(branch)} == {fault_class}


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_fault_is_explained(leaf: type[IngestFault]) -> None:
    """The documentation is made from it."""
    assert leaf.__doc__
    assert leaf.__doc__ != leaf.__mro__[1].__doc__


def test_a_fault_reads_as_one_sentence() -> None:
    """Where, what, and how to mend it, as far as they are known."""
    assert str(InvalidField("expected x", hint="")) == "expected x"
    assert str(InvalidField("expected x", field="a.b", hint="")) == "a.b: expected x"
    assert str(InvalidField("expected x", field="a.b", hint="send x")) == "a.b: expected x (send x)"
    assert str(TooDeep("expected less")) == f"expected less ({TooDeep.default_hint})"
    assert str(TooDeep("expected less", hint="")) == "expected less"


def test_a_catalogue_may_say_when_to_come_back() -> None:
    """In seconds."""
    assert CatalogueUnavailable("no", retry_after=5).retry_after == 5
    assert CatalogueUnavailable("no").retry_after is None
