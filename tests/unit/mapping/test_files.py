"""Files in blocks that SciCat can take."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tests.unit.acquisition_events import event, fault, plan, rules

from scicat_ingest.catalogue.file_list import FewFiles
from scicat_ingest.catalogue.origdatablock import DataFile
from scicat_ingest.faults import InvalidField, UnknownField
from scicat_ingest.mapping.files import split_files

NOW = datetime(2026, 4, 22, tzinfo=UTC)


def block_of(value: dict[str, Any]) -> dict[str, Any]:
    (block,) = plan(value).blocks
    return dict(block.payload)


def sizes(*given_sizes: int) -> list[dict[str, Any]]:
    return [{"path": f"f{index}", "size": size} for index, size in enumerate(given_sizes)]


def test_a_block_lists_its_files_with_everything_that_is_known() -> None:
    """In SciCat's spelling: time, chk, and strings for uid, gid and perm."""
    whole = {
        "path": "a.nxs",
        "size": 3,
        "modifiedAt": "2026-04-22T10:00:00+02:00",
        "checksum": "abc",
        "uid": 1000,
        "gid": "p1001",
        "perm": 644,
        "type": "file",
    }
    got = block_of(event(files=[whole, {"path": "b", "size": 4, "checksum": ""}], checksumAlgorithm="sha256"))
    assert got == {
        "datasetId": plan(event()).pid,
        "ownerGroup": "p1001",
        "accessGroups": [],
        "isPublished": False,
        "size": 7,
        "chkAlg": "sha256",
        "dataFileList": [
            {
                "path": "a.nxs",
                "size": 3,
                "time": "2026-04-22T08:00:00.000Z",
                "chk": "abc",
                "uid": "1000",
                "gid": "p1001",
                "perm": "644",
                "type": "file",
            },
            {"path": "b", "size": 4, "time": "2026-04-22T08:54:53.642Z"},
        ],
    }


def test_checksums_without_an_algorithm_are_a_doubt() -> None:
    """Nobody can verify them; the dataset is made."""
    files = [{"path": "a", "size": 1, "checksum": "x"}, {"path": "b", "size": 1}]
    doubt = "checksumAlgorithm: missing, so the checksums of 1 files cannot be verified"
    assert plan(event(files=files)).warnings == (doubt,)
    assert plan(event(files=files, origdatablock={"chkAlg": "md5"})).warnings == ()
    assert plan(event(files=files, checksumAlgorithm="md5")).warnings == ()


def test_no_files_give_no_block() -> None:
    """SciCat takes no empty one."""
    assert plan(event(files=None, noFiles=True)).blocks == ()


def test_blocks_are_split_by_count() -> None:
    """The last one has the rest."""
    blocks = plan(event(files=sizes(*[1] * 7)), limits={"max_block_files": 3}).blocks
    assert [len(block.payload["dataFileList"]) for block in blocks] == [3, 3, 1]
    assert [block.payload["size"] for block in blocks] == [3, 3, 1]


def test_blocks_are_split_by_bytes() -> None:
    """A file that is larger than a block may be stands alone; a full block is exactly full."""
    blocks = plan(event(files=sizes(4, 6, 11, 1, 9, 1)), limits={"max_block_bytes": 10}).blocks
    assert [[file["size"] for file in block.payload["dataFileList"]] for block in blocks] == [[4, 6], [11], [1, 9], [1]]


def test_blocks_are_split_by_the_size_of_the_body() -> None:
    """SciCat answers 500 to a body over its limit; control characters take six bytes in JSON."""
    files = [{"path": f"{index:04}" + "é" * 500, "size": 1, "type": "\x01" * 300} for index in range(20)]
    blocks = plan(event(files=files), scicat={"max_body_bytes": 10_000}).blocks
    assert len(blocks) > 5
    assert max(len(json.dumps(block.payload, ensure_ascii=False).encode()) for block in blocks) < 10_000


def test_origdatablock_overrides_what_was_derived() -> None:
    """SciCat's own names; null says nothing."""
    got = block_of(event(checksumAlgorithm="md5", origdatablock={"chkAlg": "sha256", "isPublished": None}))
    assert (got["chkAlg"], got["isPublished"]) == ("sha256", False)


@pytest.mark.parametrize(
    ("given_fields", "field"),
    [
        ({"datasetId": "10.1/other"}, "origdatablock.datasetId"),
        ({"size": 5}, "origdatablock.size"),
        ({"dataFileList": []}, "origdatablock.dataFileList"),
        ({"chkAlg": ""}, "origdatablock.chkAlg"),
        ({"chkAlg": 5}, "origdatablock.chkAlg"),
        ({"isPublished": 0}, "origdatablock.isPublished"),
    ],
)
def test_a_wrong_value_in_origdatablock_is_named(given_fields: dict[str, Any], field: str) -> None:
    """What is made from the event cannot be given; the hint says how."""
    got = fault(InvalidField, event(origdatablock=given_fields))
    assert got.field == field
    assert got.hint or got.message.startswith("expected")


@pytest.mark.parametrize("files", [{"noFiles": True, "files": None}, {}])
def test_an_unknown_name_in_origdatablock_is_refused_also_without_files(files: dict[str, Any]) -> None:
    """It would be lost in silence."""
    assert fault(UnknownField, event(origdatablock={"checksum": 1}, **files)).field == "origdatablock.checksum"


FILES = st.lists(
    st.builds(
        DataFile,
        path=st.text(min_size=1, max_size=40),
        size=st.integers(0, 50),
        time=st.just(NOW),
        chk=st.none() | st.text(max_size=40),
    ),
    max_size=40,
)


@given(FILES, st.integers(1, 10), st.integers(1, 60), st.sampled_from([1024, 2000, 10**6]))
def test_splitting_keeps_order_and_limits(files: list[DataFile], count: int, most_bytes: int, body: int) -> None:
    """All files, once, in order; a block over a limit has one file."""
    by = rules(limits={"max_block_files": count, "max_block_bytes": most_bytes}, scicat={"max_body_bytes": body})
    parts = list(split_files(tuple(files), by))
    assert list(split_files(FewFiles(tuple(files)), by)) == parts
    assert [file for part in parts for file in part] == files
    for part in parts:
        assert 1 <= len(part) <= count
        payloads = TypeAdapter(list[DataFile]).dump_python(list(part), mode="json", exclude_none=True)
        assert len(part) == 1 or sum(file.size for file in part) <= most_bytes
        assert len(part) == 1 or len(json.dumps(payloads, ensure_ascii=False).encode()) <= 0.9 * body
