"""Steps that know their own results again."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import PNG, event, payloads, plan

from scicat_ingest.plan.steps import PostOrigDatablock, attachment_key, file_keys

FILES = [{"path": f"f{index}", "size": index, "checksum": "x" if index else None} for index in range(5)]


def test_a_plan_has_the_dataset_then_its_blocks_and_attachments() -> None:
    """In the order to post them, with sums over all blocks."""
    got = plan(event(files=FILES, attachments=[{"caption": "a"}]), limits={"max_block_files": 2})
    assert (got.pid, got.acquisition_id, got.revision) == (got.dataset.payload["pid"], "odin-000042", 0)
    assert [len(block.payload["dataFileList"]) for block in got.blocks] == [2, 2, 1]
    assert (got.number_of_files, got.size) == (5, 10)
    assert len(got.attachments) == 1


def test_a_payload_has_no_nulls() -> None:
    """SciCat refuses some of them."""
    got = plan(event(attachments=[{"caption": "a"}]))
    assert all(None not in payload.values() for payload in payloads(got))


def test_a_block_is_known_by_path_size_and_checksum_of_its_files() -> None:
    """In what SciCat answers too, with its ids and its spelling of nothing."""
    (block,) = plan(event(files=FILES)).blocks
    assert block.files == {("f0", 0, None), ("f1", 1, "x"), ("f2", 2, "x"), ("f3", 3, "x"), ("f4", 4, "x")}
    answered = [dict(file) | {"_id": "1", "chk": file.get("chk", "")} for file in block.payload["dataFileList"]]
    assert file_keys({"dataFileList": answered}) == block.files
    assert file_keys({}) == file_keys({"dataFileList": None}) == frozenset()


def test_an_attachment_is_known_by_its_id_or_caption_and_content() -> None:
    """v3 gives ids of its own."""
    (attachment,) = plan(event(attachments=[{"caption": "a", "thumbnail": PNG}])).attachments
    assert attachment.aid == attachment.payload["aid"]
    assert attachment.key == attachment_key({"caption": "a", "thumbnail": PNG, "_id": "other"})
    assert attachment.key != attachment_key({"caption": "a"})
    assert attachment_key({"caption": "a", "thumbnail": None}) == attachment_key({"caption": "a"})
    assert attachment_key({"caption": "a", "thumbnail": "\ud800"})


@given(st.sets(st.integers(0, 4)))
def test_a_block_of_the_missing_files_keeps_their_order(kept: set[int]) -> None:
    """And has their sum."""
    (block,) = plan(event(files=FILES)).blocks
    payload: Any = block.payload
    wanted = frozenset(file_keys({"dataFileList": [payload["dataFileList"][index] for index in kept]}))
    rest = block.only(wanted)
    assert rest.files == wanted
    assert [file["path"] for file in rest.payload["dataFileList"]] == [f"f{index}" for index in sorted(kept)]
    assert rest.payload["size"] == sum(kept)
    others = ("dataFileList", "size")
    assert {k: v for k, v in rest.payload.items() if k not in others} == {
        k: v for k, v in payload.items() if k not in others
    }
    assert isinstance(rest, PostOrigDatablock)
