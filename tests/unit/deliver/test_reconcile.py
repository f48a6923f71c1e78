"""What is left to do, file by file, and whose dataset it is."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import PNG, event, plan

from scicat_ingest.deliver.reconcile import find_remaining, totals_are_wrong
from scicat_ingest.deliver.stored import StoredDataset, read_stored
from scicat_ingest.faults import NotSupported, PidTaken, RefusedByCatalogue, StaleRevision

FILES = [{"path": f"f{index}", "size": index + 1, "checksum": f"c{index}"} for index in range(8)]
GIVEN = event(files=FILES, attachments=[{"caption": "a", "thumbnail": PNG}, {"caption": "b"}])
PLAN = plan(GIVEN, limits={"max_block_files": 3})


def stored(
    blocks: list[list[dict[str, Any]]] | None = None, attachments: list[dict[str, Any]] | None = None, **fields: Any
) -> StoredDataset:
    document = copy.deepcopy(dict(PLAN.dataset.payload)) | {
        "origdatablocks": [{"_id": f"b{index}", "dataFileList": files} for index, files in enumerate(blocks or [])],
        "attachments": attachments or [],
    }
    return read_stored(document | fields, None)


def test_of_nothing_everything_remains() -> None:
    """The very steps of the plan."""
    remaining = find_remaining(PLAN, stored())
    assert (remaining.blocks, remaining.attachments) == (PLAN.blocks, PLAN.attachments)
    assert not remaining.nothing


ALL = [dict(file) for block in PLAN.blocks for file in block.payload["dataFileList"]]


@given(st.lists(st.integers(0, 3), min_size=8, max_size=8), st.sets(st.integers(0, 1)), st.booleans())
def test_posting_what_remains_completes_a_dataset(places: list[int], present: set[int], by_v3: Any) -> None:
    """However its files were split before: asked again, nothing remains, and no file is there twice."""
    blocks = [[ALL[index] for index, place in enumerate(places) if place == number] for number in (1, 2, 3)]
    attachments = [dict(PLAN.attachments[index].payload) for index in present]
    if by_v3:
        attachments = [{name: item[name] for name in item if name != "aid"} | {"_id": "x"} for item in attachments]
    remaining = find_remaining(PLAN, stored(blocks, attachments))
    assert {step.payload["caption"] for step in remaining.attachments} == {"ab"[index] for index in {0, 1} - present}
    blocks += [list(block.payload["dataFileList"]) for block in remaining.blocks]
    assert sorted(file["path"] for block in blocks for file in block) == [file["path"] for file in FILES]
    assert all(
        block.payload["size"] == sum(file["size"] for file in block.payload["dataFileList"])
        for block in remaining.blocks
    )
    attachments += [dict(step.payload) for step in remaining.attachments]
    again = stored(blocks, attachments)
    assert find_remaining(PLAN, again).nothing
    assert (again.number_of_files, again.size) == (PLAN.number_of_files, PLAN.size)


@pytest.mark.parametrize("change", [{"size": 99}, {"chk": "other"}, {"path": "g"}])
def test_another_file_is_not_the_same(change: dict[str, Any]) -> None:
    """Path, size and checksum make it."""
    changed = [ALL[0] | change, *ALL[1:]]
    remaining = find_remaining(PLAN, stored([changed], [dict(step.payload) for step in PLAN.attachments]))
    assert [file["path"] for block in remaining.blocks for file in block.payload["dataFileList"]] == ["f0"]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"scientificMetadata": {"ingest": {"acquisitionId": "other"}}}, PidTaken),
        ({"scientificMetadata": {"ingest": {"acquisitionId": "odin-000042", "revision": 1}}}, StaleRevision),
        ({"scientificMetadata": {}, "type": "derived"}, PidTaken),
        ({"scientificMetadata": {}, "sourceFolder": "/other"}, PidTaken),
        ({"scientificMetadata": {}, "ownerGroup": "other"}, PidTaken),
        ({"scientificMetadata": "text", "ownerGroup": "other"}, PidTaken),
        ({"scientificMetadata": None, "ownerGroup": None}, PidTaken),
    ],
)
def test_a_dataset_that_is_not_ours_is_left_alone(fields: dict[str, Any], fault: type[RefusedByCatalogue]) -> None:
    """By our own entry in its metadata, else by type, folder and group."""
    with pytest.raises(fault) as caught:
        find_remaining(PLAN, stored(**fields))
    assert caught.value.field in ("pid", "revision")


@pytest.mark.parametrize("metadata", [{}, "text", None, {"ingest": 5}, {"ingest": {"acquisitionId": None}}])
def test_a_dataset_without_our_entry_is_ours_by_type_folder_and_group(metadata: Any) -> None:
    """A service without provenance made it, or a curator took the entry out."""
    assert find_remaining(PLAN, stored(scientificMetadata=metadata)).blocks == PLAN.blocks


def test_our_entry_decides_whatever_a_curator_changed() -> None:
    """Group, folder and type may be another by now."""
    metadata = {"ingest": {"acquisitionId": "odin-000042", "revision": 0}}
    changed = stored(scientificMetadata=metadata, ownerGroup="x", sourceFolder="/x", type="derived")
    assert find_remaining(PLAN, changed).blocks == PLAN.blocks


def test_a_higher_revision_is_not_taken_for_a_repeat() -> None:
    """This release says that it cannot update."""
    with pytest.raises(NotSupported) as caught:
        find_remaining(plan(GIVEN | {"revision": 1}), stored())
    assert caught.value.field == "revision"


@pytest.mark.parametrize(
    ("size", "count", "wrong"), [(36, 8, False), (36, 7, True), (35, 8, True), (None, None, True), (0, 0, True)]
)
def test_totals_are_wrong_where_they_differ_from_the_blocks(size: Any, count: Any, *, wrong: bool) -> None:
    """SciCat computes them from the first 10 or 100 blocks only."""
    assert totals_are_wrong(PLAN, stored([ALL], size=size, numberOfFiles=count)) is wrong


def test_totals_of_a_dataset_without_blocks_are_nobodys_matter() -> None:
    """They may have been set by the event."""
    assert not totals_are_wrong(plan(event(files=None, noFiles=True)), stored(size=5))


def test_what_is_read_back_is_read_defensively() -> None:
    """Ids under any name, dates that are none, parts that are missing."""
    now = datetime(2026, 4, 22, 12, 0, 0, tzinfo=UTC)
    got = read_stored(
        {
            "createdAt": "2026-04-22T11:00:00.000Z",
            "updatedAt": "soon",
            "origdatablocks": [
                {"id": "b1", "updatedAt": "2026-04-22T11:59:00.000Z", "dataFileList": [{"path": "a", "size": 2}] * 2},
                {"_id": "b2", "dataFileList": None},
                None,
            ],
            "attachments": [{"_id": "a1"}, {"id": "a2", "aid": "a3"}, "x"],
        },
        now,
    )
    assert got.block_ids == ("b1", "b2")
    assert got.attachment_ids == {"a1", "a2", "a3"}
    assert (got.number_of_files, got.size, len(got.files)) == (2, 4, 1)
    assert got.seconds_since_touched() == 60
    assert got.provenance == {}
    assert read_stored({}, now).seconds_since_touched() == float("inf")
