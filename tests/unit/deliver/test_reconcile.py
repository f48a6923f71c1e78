"""What is left to do, file by file, and whose dataset it is."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import PNG, event, plan

from scicat_ingest.deliver.reconcile import Found, Remaining, compare, totals_are_wrong
from scicat_ingest.deliver.stored import StoredDataset, read_stored
from scicat_ingest.deliver.stored_files import StoredFiles
from scicat_ingest.faults import DiffersFromCatalogue, PidTaken, RefusedByCatalogue, StaleRevision

if TYPE_CHECKING:
    from scicat_ingest.settings import OnConflict

FILES = [{"path": f"f{index}", "size": index + 1, "checksum": f"c{index}"} for index in range(8)]
GIVEN = event(files=FILES, attachments=[{"caption": "a", "thumbnail": PNG}, {"caption": "b"}])
PLAN = plan(GIVEN, limits={"max_block_files": 3})


def document(
    blocks: list[list[dict[str, Any]]] | None = None, attachments: list[dict[str, Any]] | None = None, **fields: Any
) -> dict[str, Any]:
    return (
        copy.deepcopy(dict(PLAN.dataset.payload))
        | {
            "origdatablocks": [{"_id": f"b{index}", "dataFileList": files} for index, files in enumerate(blocks or [])],
            "attachments": attachments or [],
        }
        | fields
    )


def stored(blocks: list[list[dict[str, Any]]] | None = None, **fields: Any) -> StoredDataset:
    return read(document(blocks, **fields))


def read(given: dict[str, Any], server_time: datetime | None = None) -> StoredDataset:
    return read_stored(given, server_time, "v4", StoredFiles(PLAN.digests))


def find(
    blocks: list[list[dict[str, Any]]] | None = None, attachments: list[dict[str, Any]] | None = None, **fields: Any
) -> Found:
    return compare(PLAN, document(blocks, attachments, **fields), None)


def remaining_of(*args: Any, **fields: Any) -> Remaining:
    return find(*args, **fields).remaining


def test_of_nothing_everything_remains() -> None:
    """The very steps of the plan."""
    remaining = remaining_of()
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
    remaining = remaining_of(blocks, attachments)
    assert {step.payload["caption"] for step in remaining.attachments} == {"ab"[index] for index in {0, 1} - present}
    blocks += [list(block.payload["dataFileList"]) for block in remaining.blocks]
    assert sorted(file["path"] for block in blocks for file in block) == [file["path"] for file in FILES]
    assert all(
        block.payload["size"] == sum(file["size"] for file in block.payload["dataFileList"])
        for block in remaining.blocks
    )
    attachments += [dict(step.payload) for step in remaining.attachments]
    assert remaining_of(blocks, attachments).nothing
    again = stored(blocks)
    assert (again.files.number, again.files.size) == (PLAN.number_of_files, PLAN.size)


ATTACHED = [dict(step.payload) for step in PLAN.attachments]


def test_a_path_that_is_not_there_is_missing() -> None:
    """A file under another path is another file."""
    found = find([[ALL[0] | {"path": "g"}, *ALL[1:]]], ATTACHED)
    assert [file["path"] for block in found.remaining.blocks for file in block.payload["dataFileList"]] == ["f0"]
    assert found.drift == ("files: g not of this event",)


@pytest.mark.parametrize("change", [{"size": 99}, {"chk": "other"}])
def test_a_path_is_never_listed_twice(change: dict[str, Any]) -> None:
    """Another size or checksum under the same path is for a curator: clients cannot download a dataset with both."""
    found = find([[ALL[0] | change, *ALL[1:]]], ATTACHED)
    assert found.remaining.nothing
    assert found.doubts == ("files: f0: another size or checksum is there; a path cannot be there twice",)


def test_a_file_without_a_checksum_may_be_the_same() -> None:
    """An older script did not compute any."""
    found = find([[{name: ALL[0][name] for name in ("path", "size")}, *ALL[1:]]], ATTACHED)
    assert (found.remaining.nothing, found.doubts) == (True, ())


def test_files_that_are_listed_more_than_once_are_for_a_curator() -> None:
    """With the ids of their blocks: nothing is ever deleted by us."""
    found = find([ALL, ALL[:2], []], ATTACHED)
    assert found.doubts == ("files: 2 are listed more than once, in the blocks b0, b1",)
    assert found.copies


def test_a_copy_of_a_block_as_planned_is_for_a_curator() -> None:
    """Whole, or some of its files in a block of their own."""
    planned = [list(block.payload["dataFileList"]) for block in PLAN.blocks]
    found = find([*planned, planned[1]], ATTACHED)
    assert found.doubts == ("files: 3 are listed more than once, in the blocks b1, b3",)
    found = find([*planned, planned[0][:1]], ATTACHED)
    assert found.doubts == ("files: 1 are listed more than once, in the blocks b3",)
    assert (found.remaining.nothing, found.drift) == (True, ())


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
        find(**fields)
    assert caught.value.field in ("pid", "revision")


@pytest.mark.parametrize("metadata", [{}, "text", None, {"ingest": 5}, {"ingest": {"acquisitionId": None}}])
def test_a_dataset_without_our_entry_is_ours_by_type_folder_and_group(metadata: Any) -> None:
    """A service without provenance made it, or a curator took the entry out."""
    assert remaining_of(scientificMetadata=metadata).blocks == PLAN.blocks


def test_our_entry_decides_whatever_a_curator_changed() -> None:
    """Group, folder and type may be another by now."""
    metadata = {"ingest": {"acquisitionId": "odin-000042", "revision": 0}}
    changed = find(scientificMetadata=metadata, ownerGroup="x", sourceFolder="/x", type="derived")
    assert changed.remaining.blocks == PLAN.blocks
    assert set(changed.drift) == {"ownerGroup", "sourceFolder", "type"}


def test_what_scicat_adds_and_rewrites_is_no_drift() -> None:
    """Encoded names, SI values, defaults, nulls for missing ids, times in its own form, whole numbers."""
    metadata = {"a.b": {"value": 5.0, "unit": "mm"}, "n": [1.0, 2**53 + 1], "deep": {"x y": 1}}
    given_plan = plan(GIVEN | {"metadata": metadata, "proposal": {"id": "p1", "principalInvestigators": ["A", "B"]}})
    payload = given_plan.dataset.payload
    read = {
        **payload,
        "scientificMetadata": {
            "a%2Eb": {"value": 5, "unit": "mm", "valueSI": 0.005, "unitSI": "m"},
            "n": [1, 2**53],
            "deep": {"x%20y": 1},
            "ingest": payload["scientificMetadata"]["ingest"],
        },
        "creationTime": payload["creationTime"].replace("Z", "+00:00"),
        "principalInvestigators": ["A, B"],
        "sampleIds": [None],
        "classification": "IN=medium,AV=low,CO=low",
        "datasetlifecycle": {"archivable": True},
        "packedSize": 0,
    }
    assert compare(given_plan, read, None).drift == ()
    assert compare(given_plan, read | {"comment": "mine"}, None).drift == (), "we did not set it"


@pytest.mark.parametrize("policy", ["keep", "update", "dead_letter"])
def test_a_repeat_of_what_is_there_changes_nothing(policy: OnConflict) -> None:
    """Whatever the policy."""
    found = compare(PLAN, document([ALL], ATTACHED), None, on_conflict=policy)
    assert (found.remaining.nothing, found.drift, found.doubts) == (True, (), ())


def test_a_curators_change_is_drift_and_stays() -> None:
    """Also for a policy that updates: only what is still as we wrote it may be changed."""
    changed = document([ALL], ATTACHED, datasetName="better", description="mine")
    assert compare(PLAN, changed, None).drift == ("datasetName",)
    assert compare(PLAN, changed, None, on_conflict="update").remaining.changes == {}
    with pytest.raises(DiffersFromCatalogue, match="datasetName"):
        compare(PLAN, changed, None, on_conflict="dead_letter")


LATER = plan(GIVEN | {"revision": 1, "title": "new title", "description": "new", "metadata": {"b": 2}})
BEFORE = plan(GIVEN | {"title": "old title", "metadata": {"a": 1}}).dataset.payload


def test_a_later_revision_changes_what_is_still_as_we_wrote_it() -> None:
    """And adds what nobody had set; our entry then names what was written now."""
    changes = compare(LATER, document([ALL], ATTACHED) | dict(BEFORE), None).remaining.changes
    assert set(changes) == {"datasetName", "description", "scientificMetadata"}
    assert changes["datasetName"] == "new title"
    assert changes["scientificMetadata"] == LATER.dataset.payload["scientificMetadata"]
    after = document([ALL], ATTACHED) | dict(BEFORE) | dict(changes)
    again = compare(LATER, after, None)
    assert (again.remaining.nothing, again.drift) == (True, ())


def test_a_later_revision_leaves_alone_what_a_curator_changed() -> None:
    """Even when it is changed back: the entry still names the value that we wrote."""
    curated = document([ALL], ATTACHED) | dict(BEFORE) | {"datasetName": "better"}
    found = compare(LATER, curated, None)
    assert found.drift == ("datasetName",)
    assert "datasetName" not in found.remaining.changes
    latest = plan(GIVEN | {"revision": 2, "title": "newest title", "description": "new", "metadata": {"b": 2}})
    back = curated | dict(found.remaining.changes) | {"datasetName": "old title"}
    assert compare(latest, back, None).remaining.changes["datasetName"] == "newest title"


def test_metadata_of_a_curator_survive_a_later_revision() -> None:
    """Only our own entry in them is renewed, and what makes SciCat ill is left out."""
    mine = {"mine": 1, "bad": None, "ingest": BEFORE["scientificMetadata"]["ingest"]}
    curated = document([ALL], ATTACHED) | dict(BEFORE) | {"scientificMetadata": mine}
    metadata = compare(LATER, curated, None).remaining.changes["scientificMetadata"]
    assert {name: metadata[name] for name in metadata if name != "ingest"} == {"mine": 1}
    assert metadata["ingest"]["revision"] == 1


def test_a_later_revision_of_a_dataset_without_digests_overwrites_nothing() -> None:
    """An older release did not put down what it wrote: only what is absent is added."""
    entry = {"acquisitionId": "odin-000042", "revision": 0}
    old = document([ALL], ATTACHED) | dict(BEFORE) | {"scientificMetadata": {"ingest": entry}}
    found = compare(LATER, old, None)
    assert set(found.remaining.changes) == {"description", "scientificMetadata"}
    assert set(found.drift) == {"datasetName", "scientificMetadata"}


def test_additional_files_say_nothing_about_the_others() -> None:
    """They come on top of what is there."""
    more = plan(GIVEN | {"files": [{"path": "new", "size": 1}], "filesMode": "additional"})
    found = compare(more, document([ALL], ATTACHED), None)
    assert [file["path"] for block in found.remaining.blocks for file in block.payload["dataFileList"]] == ["new"]
    assert found.drift == ()


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
    got = read(
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
    assert got.files.block_ids == ["b1", "b2"]
    assert got.attachment_ids == {"a1", "a2", "a3"}
    assert (got.files.number, got.files.size, len(got.files.others)) == (2, 4, 1)
    assert got.seconds_since_touched() == 60
    assert got.provenance == {}
    assert read({}, now).seconds_since_touched() == float("inf")
