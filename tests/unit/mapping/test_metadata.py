"""scientificMetadata: what the event says, clean, and where it came from."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import dataset, event, fault, plan, rules

from scicat_ingest import __version__
from scicat_ingest.faults import InvalidField


def clean(metadata: Any, **change: Any) -> tuple[dict[str, Any], list[str]]:
    planned = plan(event(metadata=metadata, **change), provenance=False)
    return planned.dataset.payload["scientificMetadata"], list(planned.warnings)


def test_metadata_is_passed_on_as_it_is() -> None:
    """Quantities, nesting, null below the top, text beyond the basic plane."""
    given_values = {"t": {"value": 5, "unit": "K"}, "a b": [{"x": None}, "😀"], "x": 1.5, "flag": False, "e": {}}
    assert clean(given_values) == (given_values, [])


def test_what_breaks_scicat_is_left_out_with_a_warning() -> None:
    """A top-level null and an empty name, at any depth, end some servers."""
    given_values = {"a": None, "": 1, "b": {"": 1, "c": None, "d": [{"": 2, "e": 3}]}}
    assert clean(given_values) == (
        {"b": {"c": None, "d": [{"e": 3}]}},
        [
            "metadata: an empty name ends some SciCat servers; the entry was left out",
            "metadata.b: an empty name ends some SciCat servers; the entry was left out",
            "metadata.b.d[0]: an empty name ends some SciCat servers; the entry was left out",
            "metadata.a: null at the top ends some SciCat servers; it was left out",
        ],
    )


def test_an_integer_that_scicat_rounds_is_a_doubt() -> None:
    """It is kept; true is no integer."""
    got, warnings = clean({"n": [2**53 - 1, 2**53, -(10**250)], "t": True})
    assert got["n"] == [2**53 - 1, 2**53, -(10**250)]
    assert [warning.partition(":")[0] for warning in warnings] == ["metadata.n[1]", "metadata.n[2]"]


def test_scicats_own_name_replaces_the_events() -> None:
    """With a warning if both are given."""
    got, warnings = clean({"a": 1}, dataset={"scientificMetadata": {"b": None, "c": 1}})
    assert got == {"c": 1}
    assert warnings == [
        "metadata: dataset.scientificMetadata was given too and replaces it",
        "dataset.scientificMetadata.b: null at the top ends some SciCat servers; it was left out",
    ]
    for wrong in ("text", [1], 5):
        assert fault(InvalidField, event(dataset={"scientificMetadata": wrong})).field == "dataset.scientificMetadata"


@pytest.mark.parametrize(
    ("metadata", "sample"),
    [
        (None, {"name": "Fe3O4"}),
        ({"sample": {"mass": 1}}, {"mass": 1, "name": "Fe3O4"}),
        ({"sample": {"name": "mine"}}, {"name": "mine"}),
        ({"sample": "mine"}, "mine"),
    ],
)
def test_the_samples_name_goes_into_the_metadata(metadata: Any, sample: Any) -> None:
    """SciCat's dataset has no field for it; what the event's metadata say stays."""
    assert clean(metadata, sample={"name": "Fe3O4"})[0]["sample"] == sample


def test_the_provenance_says_where_a_dataset_came_from() -> None:
    """That is how we know our own datasets again."""
    got = dataset(event(revision=2))["scientificMetadata"]
    assert got["ingest"].pop("written")
    assert got == {
        "ingest": {
            "acquisitionId": "odin-000042",
            "revision": 2,
            "eventSource": "scicat.acquisitions",
            "mapping": "native",
            "mappingDigest": rules().digest,
            "producedBy": f"scicat-ingest/{__version__}",
        }
    }
    assert dataset(event(), provenance=False)["scientificMetadata"] == {}


def test_an_events_own_entry_makes_room_for_the_provenance() -> None:
    """No event can claim another acquisition's dataset."""
    planned = plan(event(metadata={"ingest": {"acquisitionId": "other"}}))
    got = planned.dataset.payload["scientificMetadata"]
    assert got["ingest"]["acquisitionId"] == "odin-000042"
    assert got["ingest_from_event"] == {"acquisitionId": "other"}
    assert planned.warnings == ("metadata.ingest: the name is ours, the event's entry is ingest_from_event",)
    got = dataset(event(metadata={"ingest": 1, "ingest_from_event": 2}))["scientificMetadata"]
    assert (got["ingest_from_event"], got["ingest_from_event_2"]) == (2, 1)


def test_a_hundred_thousand_entries_are_taken_in_time() -> None:
    """And so many flaws are told by kind and number."""
    good = {f"k{index}": index for index in range(100_000)}
    began = time.process_time()
    assert clean(good) == (good, ["metadata: more than 10000 names keep SciCat busy, got 100000"])
    got, warnings = clean(dict.fromkeys(good))
    assert time.process_time() - began < 5
    assert (got, len(warnings)) == ({}, 21)
    assert warnings[-1] == "metadata: null at the top ends some SciCat servers; it was left out, in 99980 more places"


def test_flaws_below_a_long_name_have_short_paths() -> None:
    """A path of a megabyte for each of many items would take gigabytes."""
    _, warnings = clean({"k" * 1_000_000: [2**60] * 20_000})
    assert max(map(len, warnings)) < 200


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)


def empty_names(value: Any) -> bool:
    if isinstance(value, dict):
        return "" in value or any(empty_names(item) for item in value.values())
    return isinstance(value, list) and any(empty_names(item) for item in value)


@given(st.dictionaries(st.text(max_size=2), VALUES, max_size=5))
def test_no_metadata_end_a_server(metadata: dict[str, Any]) -> None:
    """No top-level null, no empty name at any depth; all else is as it was."""
    got, warnings = clean(metadata)
    assert None not in got.values()
    assert not empty_names(got)
    if not empty_names(metadata) and None not in metadata.values():
        assert json.dumps(got) == json.dumps(metadata)
        assert all("rounds" in warning or "a name" in warning for warning in warnings)
