"""Scientific metadata: what is found, what is done about it, and what it costs."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import event, fault, plan, rules

from scicat_ingest.faults import InvalidMetadata
from scicat_ingest.mapping.lint import lint_metadata
from scicat_ingest.mapping.lint.keys import SIBLING
from scicat_ingest.settings import LintSettings

KINDS = ("units", "keys", "large_integers", "long_texts", "nesting")
POLICIES = {kind: st.sampled_from(["off", "warn", "strip"]) for kind in KINDS}
STRICT = LintSettings.model_validate(dict.fromkeys(KINDS, "strip"))


def lint(metadata: dict[str, Any], **settings: Any) -> tuple[dict[str, Any], list[str]]:
    return lint_metadata(metadata, "metadata", LintSettings.model_validate(settings), None)


def test_metadata_without_a_finding_are_given_back_themselves() -> None:
    """Not even a copy is made."""
    metadata = {"t": {"value": 5, "unit": "K", "note": [1.5, None, {"x": None}]}, "user": "x", "version": 2}
    got, warnings = lint(metadata)
    assert got is metadata
    assert warnings == []


@pytest.mark.parametrize(
    ("kind", "metadata", "mended", "warning"),
    [
        (
            "units",
            {"sample": {"t": {"value": 5, "unit": "Kelvn"}}},
            {"sample": {"t": {"value": 5}}},
            'metadata.sample.t.unit: this unit is not known, got "Kelvn"; it was left out',
        ),
        (
            "units",
            {"t": [{"value": 5, "unit": {"a": 1}}]},
            {"t": [{"value": 5}]},
            "metadata.t[0].unit: a unit must be a text, got an object; it was left out",
        ),
        (
            "keys",
            {"a.b": 1, "a_b": 2},
            {"a_b_2": 1, "a_b": 2},
            'metadata.a.b: a search of SciCat does not find a name with . [ ] < > $; it was renamed to "a_b_2"',
        ),
        (
            "keys",
            {"t": {"value": 5, "unit": "K", "uncertainty": 1}},
            {"t": {"value": 5, "unit": "K", "_uncertainty": 1}},
            f'metadata.t.uncertainty: {SIBLING}; it was renamed to "_uncertainty"',
        ),
        (
            "large_integers",
            {"n": [2**53]},
            {"n": ["9007199254740992"]},
            "metadata.n[0]: SciCat rounds an integer of this size; it was made a text",
        ),
        (
            "long_texts",
            {"x": "y" * 1001},
            {"x": "y" * 999 + "…"},
            "metadata.x: the text has more than 1000 characters; it was cut off",
        ),
        (
            "nesting",
            {"a": {"b": {"c": [1]}}},
            {"a": {"b": '{"c": [1]}'}},
            "metadata.a.b: objects and arrays are nested deeper than 2 levels; what is deeper was written as JSON text",
        ),
    ],
)
def test_every_check_obeys_its_policy(kind: str, metadata: Any, mended: Any, warning: str) -> None:
    """Off, warn, strip, reject; the finding has its path, what is wrong, and what was done."""
    bounds = {"max_text": 1000, "max_depth": 2}
    others = dict.fromkeys(KINDS, "off") | bounds
    assert lint(metadata, **others) == (metadata, [])
    got, warnings = lint(metadata, **others | {kind: "warn"})
    assert got is metadata
    assert warnings == [warning.rpartition("; ")[0]]
    assert lint(metadata, **others | {kind: "strip"}) == (mended, [warning])
    with pytest.raises(InvalidMetadata) as caught:
        lint(metadata, **others | {kind: "reject"})
    assert caught.value.field == warning.partition(": ")[0]


@pytest.mark.parametrize(
    ("setting", "metadata", "mended", "path"),
    [
        ("nulls", {"a": None, "b": {"c": None}}, {"b": {"c": None}}, "metadata.a"),
        ("empty_keys", {"a": {"": 1, "b": 2}}, {"a": {"b": 2}}, "metadata.a"),
        ("non_finite", {"a": {"value": math.nan}}, {"a": {"value": None}}, "metadata.a.value"),
        ("non_finite", {"a": math.inf, "b": 1}, {"b": 1}, "metadata.a"),
        ("non_finite", {"a": [-math.inf, 10**400]}, {"a": [None, None]}, "metadata.a[0]"),
    ],
)
def test_what_scicat_does_not_bear_is_mended_or_rejected(setting: str, metadata: Any, mended: Any, path: str) -> None:
    """It can neither be kept nor overlooked."""
    got, warnings = lint(metadata)
    assert got == mended
    assert warnings[0].startswith(f"{path}: ")
    with pytest.raises(InvalidMetadata) as caught:
        lint(metadata, **{setting: "reject"})
    assert caught.value.field == path


def test_siblings_matter_where_scicat_looks_for_a_quantity() -> None:
    """Below the top and not in arrays."""
    quantity = {"value": 1, "unit": "K", "user": "x"}
    assert lint(quantity) == (quantity, [])
    assert lint({"a": [quantity, {"b": quantity}]})[1] == []
    assert len(lint({"a": quantity})[1]) == 1


def test_a_blank_taken_off_can_make_a_quantity() -> None:
    """It is then linted as one, under the event's own names."""
    got, warnings = lint({" t": {" value": 1, "unit ": "Kelvn", " user": 2}}, keys="strip", units="strip")
    assert got == {"t": {"value": 1, "_user": 2}}
    assert warnings[-1] == 'metadata. t.unit : this unit is not known, got "Kelvn"; it was left out'


def test_metadata_near_the_limits_of_scicat_are_a_doubt() -> None:
    """In names, which keep it busy, and in bytes."""
    assert lint({"a": {"b": 1, "c": 2}}, max_keys=2)[1] == ["metadata: more than 2 names keep SciCat busy, got 3"]
    assert lint({"a": "é" * 50}, max_metadata_bytes=108) == ({"a": "é" * 50}, [])
    (warning,) = lint({"a": "é" * 50}, max_metadata_bytes=107)[1]
    assert warning == "metadata: more than 107 bytes of JSON come near to what SciCat takes, got 108"
    with pytest.raises(InvalidMetadata):
        lint({"a": 1, "b": 2}, max_keys=1, size="reject")
    assert lint({"a": 1, "b": 2}, max_keys=1, size="off")[1] == []


def test_findings_of_a_kind_are_counted_beyond_twenty() -> None:
    """An event can have a million."""
    _, warnings = lint({f"k.{index}": {"value": 1, "unit": f"x{index}!"} for index in range(3000)}, keys="strip")
    assert len(warnings) == 42
    assert warnings[-1] == "metadata: this unit is not known, in 2980 more places"


def test_only_so_many_different_units_are_looked_up() -> None:
    """The others count as unknown: each look-up costs time, and no event needs so many."""
    metadata = {f"k{index}": {"value": 1, "unit": f"m^{index % 900}.{index}"} for index in range(2000)}
    got, _ = lint(metadata, units="strip")
    assert sum("unit" in item for item in got.values()) == 1000
    assert lint(got, units="strip") == (got, [])


def test_an_event_goes_by_the_settings() -> None:
    """Also by the schema of its mapping, and a rejected one is a dead letter with the path."""
    got = fault(InvalidMetadata, event(metadata={"t": {"value": 1, "unit": "?"}}), lint={"units": "reject"})
    assert (got.code, got.field) == ("invalid_metadata", "metadata.t.unit")
    verbatim = {"dataset": {"scientificMetadata": {"t": {"value": 1, "unit": "?"}}}}
    planned = plan(event(**verbatim), lint={"units": "strip"}, provenance=False)
    assert planned.dataset.payload["scientificMetadata"] == {"t": {"value": 1}}
    assert planned.warnings[0].startswith("dataset.scientificMetadata.t.unit: ")


def test_addresses_can_be_a_reason_to_reject() -> None:
    """The event's own."""
    assert fault(InvalidMetadata, event(contactEmail="x"), lint={"emails": "reject"}).field == "contactEmail"


def test_off_needs_no_quotes_in_yaml() -> None:
    """There it is another word for false."""
    settings = LintSettings.model_validate({"units": False, "size": False})
    assert (settings.units, settings.size) == ("off", "off")


def test_the_digest_tells_the_policies() -> None:
    """A dataset made with others is another."""
    assert rules().digest != rules(lint={"units": "strip"}).digest


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53, -(2**60), 10**400])
    | st.floats()
    | st.sampled_from(["K", "Kelvn", "x" * 1001])
)
NAMES = st.text(st.sampled_from(".$ _uva"), max_size=3) | st.sampled_from(
    ["value", "unit", " value", "unit ", "user", "valueOf", "__proto__", "%41", "uSI", "value."]
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)
METADATA = st.dictionaries(NAMES, VALUES, max_size=4)


def encoded(value: Any) -> str:
    return json.dumps(value)


@given(METADATA)
def test_what_was_stripped_is_found_no_more(metadata: dict[str, Any]) -> None:
    """Linting the result again says nothing and changes nothing."""
    settings = STRICT.model_copy(update={"max_text": 1000, "max_depth": 3})
    before = encoded(metadata)
    got, _ = lint_metadata(metadata, "metadata", settings, None)
    again, warnings = lint_metadata(got, "metadata", settings, None)
    assert encoded(metadata) == before
    assert again is got
    assert warnings == []
    json.dumps(got, allow_nan=False)


@given(METADATA, st.fixed_dictionaries(POLICIES))
def test_a_second_lint_changes_nothing(metadata: dict[str, Any], policies: dict[str, str]) -> None:
    """Whatever the policies are; and what was only warned of is as it was."""
    settings = policies | {"max_text": 1000, "max_depth": 3}
    got, warnings = lint(metadata, **settings)
    assert lint(got, **settings)[0] is got
    if not warnings:
        assert got is metadata


@pytest.mark.parametrize("policy", ["off", "warn", "strip"])
@pytest.mark.parametrize("depth", [64, 200])
def test_deep_metadata_need_no_deep_stack(policy: str, depth: int) -> None:
    """As deep as events may be."""
    deep: Any = 1
    for _ in range(depth - 1):
        deep = {"a": deep}
    got, warnings = lint({"a": deep}, nesting=policy)
    assert bool(warnings) == (depth > 90 and policy != "off")
    assert encoded(got)


@pytest.mark.parametrize(
    "metadata",
    [
        {f"k.{index}": index for index in range(200_000)},
        {f"{'.' * (index % 9)}{'<' * (index // 9)}": 1 for index in range(1, 2_000)},
        {"a": {"value": 1, "unit": "x" * 16_000_000}},
        {"." * 16_000_000: 1},
        {" " * 16_000_000 + "x": "y" * 16_000_000},
        {"k" * 1_000_000: {f"k{index}": {"value": 1, "unit": "?", "user": 2} for index in range(50_000)}},
    ],
)
@pytest.mark.parametrize("policy", ["warn", "strip"])
def test_huge_metadata_have_few_and_short_warnings(metadata: dict[str, Any], policy: str) -> None:
    """Names and texts of megabytes among them; time and memory that were not linear would end this test."""
    _, warnings = lint(metadata, **dict.fromkeys(KINDS, policy))
    assert len(warnings) < 70
    assert max(map(len, warnings)) < 1000
