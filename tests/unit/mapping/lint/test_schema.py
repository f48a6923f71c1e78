"""Metadata against a JSON Schema."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.faults import InvalidMetadata
from scicat_ingest.mapping.lint.findings import Findings
from scicat_ingest.mapping.lint.schema import lint_schema

TEMPERATURE = {
    "type": "object",
    "required": ["sample"],
    "properties": {"t": {"type": "array", "items": {"minimum": 0}}},
}


def found(metadata: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    findings = Findings("metadata")
    lint_schema(metadata, schema, "warn", findings)
    return findings.warnings()


def test_metadata_as_the_schema_says_are_no_finding() -> None:
    """Nothing is said."""
    assert found({"sample": "x", "t": [1, 2]}, TEMPERATURE) == []


def test_what_is_otherwise_is_named_with_its_path() -> None:
    """Of each place what the schema wants there."""
    assert found({"t": [1, -2]}, TEMPERATURE) == [
        "metadata: the schema says otherwise: 'sample' is a required property",
        "metadata.t[1]: the schema says otherwise: -2 is less than the minimum of 0",
    ]


def test_a_schema_can_reject_an_event() -> None:
    """With the path of the first place; off looks at nothing."""
    with pytest.raises(InvalidMetadata, match="less than the minimum") as caught:
        lint_schema({"sample": 1, "t": [-1]}, TEMPERATURE, "reject", Findings("metadata"))
    assert caught.value.field == "metadata.t[0]"
    lint_schema({}, TEMPERATURE, "off", Findings("metadata"))


def test_only_the_first_errors_are_listed() -> None:
    """A thousand wrong values make twenty lines and one."""
    warnings = found({"sample": 1, "t": [-1] * 1000}, TEMPERATURE)
    assert len(warnings) == 21
    assert warnings[-1] == "metadata: the schema says otherwise in more than 20 places"


def test_an_error_about_a_large_value_is_short() -> None:
    """The sentence begins with the value and ends with what is wrong."""
    (warning,) = found({"a": "x" * 1_000_000}, {"properties": {"a": {"type": "number"}}})
    assert len(warning) < 300
    assert warning.endswith("is not of type 'number'")


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference to elsewhere leaves the metadata unchecked, and no event is rejected for it."""

    def refuse(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    schema = {"properties": {"a": {"$ref": "http://127.0.0.1:1/other.json"}}}
    findings = Findings("metadata")
    lint_schema({"a": 1}, schema, "reject", findings)
    (warning,) = findings.warnings()
    assert warning.startswith("metadata: not checked against the schema, which refers to what it does not contain")
    assert "http://127.0.0.1:1/other.json" in warning


def test_a_wrong_pattern_is_no_crash() -> None:
    """JavaScript's regular expressions are not quite Python's."""
    (warning,) = found({"a": "x"}, {"properties": {"a": {"pattern": "(?<name>x)"}}})
    assert warning.startswith("metadata: not checked against the schema, in which a pattern is no regular expression")


def test_references_within_the_schema_and_to_json_schema_itself_work() -> None:
    """Older drafts are known too."""
    within = {"$defs": {"n": {"type": "number"}}, "properties": {"a": {"$ref": "#/$defs/n"}}}
    assert len(found({"a": "x"}, within)) == 1
    meta = {"properties": {"a": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}}
    assert len(found({"a": {"type": 5}}, meta)) == 1
    draft4 = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"a": {"exclusiveMinimum": True, "minimum": 1}},
    }
    assert len(found({"a": 1}, draft4)) == 1


@pytest.mark.parametrize("metadata", [{"a": list(range(30_000))}, {"a": "x" * 3_000_000}])
def test_huge_metadata_are_not_checked_and_that_is_said(metadata: dict[str, Any]) -> None:
    """Rules such as unevaluatedProperties take time quadratic in the values."""
    findings = Findings("metadata")
    lint_schema(metadata, {"properties": {"a": {"type": "number"}}}, "reject", findings)
    assert findings.warnings() == ["metadata: not checked against the schema: more than 20000 values or 2097152 bytes"]


def test_a_schema_that_never_ends_is_no_crash() -> None:
    """Deep metadata and a recursive schema together."""
    deep: dict[str, Any] = {}
    for _ in range(190):
        deep = {"a": deep}
    node = {"allOf": [{"anyOf": [{"properties": {"a": {"$ref": "#"}}}]}]}
    assert all("nested too deep" in warning for warning in found(deep, node))


def test_unique_items_take_no_quadratic_time() -> None:
    """Objects cannot be sorted; they are told apart all the same. Comparing each with each other would take minutes."""
    schema = {"properties": {"a": {"uniqueItems": True}}}
    assert found({"a": [{"x": index} for index in range(9_000)]}, schema) == []
    assert len(found({"a": [{"x": 1, "y": [2]}, {"y": [2.0], "x": 1}]}, schema)) == 1
    assert found({"a": [1, True, "1", [1], None, 0, False]}, schema) == []


@given(st.lists(st.recursive(st.integers(-1, 1) | st.booleans() | st.sampled_from([0.0, 1.0, 0.5]), st.lists)))
def test_unique_items_are_told_as_json_schema_says(items: list[Any]) -> None:
    """1.0 is 1, true is not."""

    def key(value: Any) -> Any:
        return tuple(map(key, value)) if isinstance(value, list) else (isinstance(value, bool), value)

    same = len(set(map(key, items))) < len(items)
    assert bool(found({"a": items}, {"properties": {"a": {"uniqueItems": True}}})) == same
