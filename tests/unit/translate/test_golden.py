"""Golden examples: found beside their mapping file, and compared field by field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.faults import InvalidMapping
from scicat_ingest.translate.golden import Example, differences, find_examples

if TYPE_CHECKING:
    from pathlib import Path

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def beside(folder: Path, **files: Any) -> list[Example]:
    for name, content in files.items():
        path = folder / name.replace("__", ".").replace("_2", "-2")
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return find_examples(folder / "ours.yaml")


def test_each_example_has_its_expectation_and_headers(tmp_path: Path) -> None:
    """By the label in its name."""
    found = beside(
        tmp_path,
        ours__example__json="{}",
        ours__expected__json={"pid": 1},
        ours__example_2__xml="<x/>",
        ours__expected_2__json={"pid": 2},
        ours__example_2__headers__json={"ce_type": "run"},
        others__example__json="{}",
        ours__yaml="",
    )
    assert [(each.name, each.expected, each.headers) for each in found] == [
        ("ours.example-2.xml", {"pid": 2}, (("ce_type", b"run"),)),
        ("ours.example.json", {"pid": 1}, ()),
    ]


def test_a_folder_has_a_record_a_file(tmp_path: Path) -> None:
    """In the order of their names."""
    (tmp_path / "ours.example-run").mkdir()
    for name in ("2-stop.bin", "1-start.bin"):
        (tmp_path / "ours.example-run" / name).write_bytes(b"")
    (tmp_path / "ours.expected-run.json").write_text("{}")
    (found,) = find_examples(tmp_path / "ours.yaml")
    assert (found.name, [path.name for path in found.records]) == ("ours.example-run", ["1-start.bin", "2-stop.bin"])


def test_an_example_without_expectation_is_refused(tmp_path: Path) -> None:
    """It would prove nothing."""
    with pytest.raises(InvalidMapping, match=r"ours.expected.json is missing") as caught:
        beside(tmp_path, ours__example__json="{}")
    assert "scicat-ingest map ours.example.json --json" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content"),
    [("ours__expected__json", "{"), ("ours__example__headers__json", "[1]"), ("ours__example__headers__json", "{")],
)
def test_an_expectation_or_headers_that_are_no_json_are_named(tmp_path: Path, name: str, content: str) -> None:
    """With the file."""
    with pytest.raises(InvalidMapping, match=name.replace("__", ".")):
        beside(tmp_path, **{"ours__example__json": "{}", "ours__expected__json": "{}", name: content})


def test_a_name_with_the_marks_of_a_pattern_is_a_name(tmp_path: Path) -> None:
    """`[x].yaml` has the examples `[x].example…`."""
    for name in ("[x].example.json", "[x].expected.json", "x.example.json"):
        (tmp_path / name).write_text("{}")
    assert [each.name for each in find_examples(tmp_path / "[x].yaml")] == ["[x].example.json"]


@pytest.mark.parametrize(
    ("expected", "actual", "said"),
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, ["a.b[1]: expected 2, got 3"]),
        ({"a": 1}, {}, ["a: expected 1, got nothing"]),
        ({}, {"a": None}, ["a: expected nothing, got null"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a[1]: expected nothing, got 2"]),
        ({"a": 1}, {"a": "1"}, ['a: expected 1, got "1"']),
        ({"a": 1}, {"a": 1.0}, ["a: expected 1, got 1.0"]),
        ({"a": 1}, {"a": True}, ["a: expected 1, got true"]),
        ({"a": [1]}, {"a": {"0": 1}}, ['a: expected [1], got {"0": 1}']),
        ({"a": 1}, [{"a": 1}], ['all: expected {"a": 1}, got [{"a": 1}]']),
    ],
)
def test_documents_differ_field_by_field(expected: Any, actual: Any, said: list[str]) -> None:
    """Types count as well as values."""
    assert list(differences(expected, actual)) == said


@given(VALUES, VALUES)
def test_documents_differ_if_and_only_if_their_json_does(one: Any, other: Any) -> None:
    """Whatever they are; each difference names a field."""
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (list(differences(one, other)) == []) is same
    assert list(differences(one, one)) == []


def test_what_changes_with_the_service_does_not_count() -> None:
    """Its version and digests stand in the metadata; the same names elsewhere count."""
    ingest = {"mappingDigest": "a", "producedBy": "b", "written": "c", "acquisitionId": "d"}
    document = {"dataset": {"scientificMetadata": {"ingest": ingest, "written": 1}}}
    other = {"dataset": {"scientificMetadata": {"ingest": {"acquisitionId": "d"}, "written": 2}}}
    assert list(differences(document, other)) == ["dataset.scientificMetadata.written: expected 1, got 2"]


def block(**file: Any) -> Any:
    return {"origdatablocks": [{"size": 1, "dataFileList": [{"path": "a", "size": 1, **file}]}]}


def test_of_files_beside_the_mapping_paths_sizes_and_checksums_count(tmp_path: Path) -> None:
    """Times, owners and permissions are others in every copy."""
    example = Example("a", (), (), block(time="1", uid="0", gid="0", perm="644"), tmp_path)
    assert example.differences(block(time="2", uid="1000", gid="5", perm="600")) == ()
    assert example.differences(block(chk="x")) == ('origdatablocks[0].dataFileList[0].chk: expected nothing, got "x"',)
    assert example.differences({"fault": {}}) != ()
    assert Example("a", (), (), block(time="1"), None).differences(block(time="2")) != ()


@pytest.mark.parametrize("odd", [None, [], {"origdatablocks": None}, {"origdatablocks": [1, {"dataFileList": [2]}]}])
def test_an_odd_expectation_only_differs(tmp_path: Path, odd: Any) -> None:
    """Somebody wrote it by hand."""
    example = Example("a", (), (), odd, tmp_path)
    assert example.differences(odd) == ()
    assert example.differences(block()) != ()
