"""The mapping files that come with the service make sound datasets of what facilities send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.decode.formats.samples import BLUESKY, ICAT, S3_RECORD
from tests.unit.preview.previewed import compared, previewed, with_mapping

from scicat_ingest.faults import RecordFault
from scicat_ingest.preview.shown import as_document
from scicat_ingest.settings import StatusPolicies, example_settings
from scicat_ingest.translate.golden import find_examples
from scicat_ingest.translate.mappings import SHIPPED, SHIPPED_FOLDER, load_mappings, shipped_path

EXPECTED = sorted(SHIPPED_FOLDER.glob("*.expected*.json"))


@pytest.mark.parametrize("name", SHIPPED)
def test_each_makes_of_its_examples_what_is_expected(name: str) -> None:
    """At least two: real messages, and what a curator wants of them."""
    found = compared(shipped_path(name))
    assert len(found) >= 2
    assert {each.name: each.differences for each in found} == {each.name: () for each in found}


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.name)
def test_each_dataset_can_be_found_and_is_restricted(path: Any) -> None:
    """It has a stable pid, an owner group, times, a folder, its files, and is not public."""
    document = json.loads(path.read_text())
    if "fault" in document:
        return
    dataset = document["dataset"]
    assert dataset["pid"] == document["pid"]
    assert dataset["pid"].startswith("20.500.12345/")
    assert dataset["isPublished"] is False
    for field in ("ownerGroup", "datasetName", "owner", "contactEmail", "creationTime", "sourceFolder"):
        assert dataset[field]
    listed = [file for block in document["origdatablocks"] for file in block["dataFileList"]]
    assert dataset["numberOfFiles"] == len(listed)
    assert dataset["size"] == sum(file["size"] for file in listed)
    assert all(not file["path"].startswith("/") for file in listed)


def test_each_expectation_belongs_to_an_example() -> None:
    """None is left over."""
    used = sum(len(find_examples(shipped_path(name))) for name in SHIPPED)
    assert used == len(EXPECTED)


def test_all_can_be_used_together() -> None:
    """No two have one name; formats of their own come before guesses at JSON."""
    assert [file.name for file in load_mappings(None, SHIPPED)][-2:] == ["beamtime-json", "proposal-group-json"]


def shipped(name: str, *values: bytes, **mapping: Any) -> dict[str, Any]:
    """Give what a shipped mapping makes of records: of the last one."""
    settings = with_mapping(**mapping) if mapping else example_settings()
    return as_document(previewed(*values, mapping=shipped_path(name), settings=settings)[-1].result)


def test_a_failed_write_may_be_recorded_without_its_file() -> None:
    """If mapping.on_status says so: the message is the comment, the file is named and not looked for."""
    event = (SHIPPED_FOLDER / "ess-wrdn.example-failed.bin").read_bytes()
    document = shipped("ess-wrdn", event, on_status=StatusPolicies(failed="ingest"))
    dataset = document["dataset"]
    assert document["pid"] == "20.500.12345/9a1c2b7e-3d44-4a5f-8f61-2f0e6a7c1b22"
    assert (dataset["keywords"], dataset["comment"]) == (["failed"], "Unable to write: no space left on device")
    assert dataset["sourceFolder"] == "/ess/data/odin/2026/912345/raw"
    assert dataset["scientificMetadata"]["file"].endswith("912345_00000043.hdf")
    assert (dataset["ownerGroup"], dataset["numberOfFiles"], document["origdatablocks"]) == ("unassigned", 0, [])


def test_a_failed_write_has_what_the_runs_start_and_stop_say() -> None:
    """Name, instrument and times; the file is not read."""
    folder = SHIPPED_FOLDER / "ess-wrdn.example-joined"
    start, stop = (folder / "1-pl72.bin").read_bytes(), (folder / "2-6s4t.bin").read_bytes()
    serialise = pytest.importorskip("streaming_data_types").serialise_wrdn
    end = serialise("w", "3b6d7ef0-5f0c-4b1e-9d0a-0b8f4f3c2d11", error_encountered=True, file_name="/a/b.nxs")
    dataset = shipped("ess-wrdn", start, stop, end, on_status=StatusPolicies(failed="ingest"))["dataset"]
    assert (dataset["datasetName"], dataset["creationLocation"]) == ("Fe3O4 tomography 42", "ODIN")
    assert (dataset["startTime"], dataset["endTime"]) == ("2026-06-04T08:14:53.642Z", "2026-06-04T08:44:53.642Z")


def test_a_file_that_is_not_there_is_no_dataset_without_values() -> None:
    """The record waits, and is a dead letter at last; a preview says so at once."""
    event = (SHIPPED_FOLDER / "ess-wrdn.example.bin").read_bytes()
    settings = example_settings()
    source = settings.sources[0].model_copy(update={"roots": ("/ess/data",)})
    settings = settings.model_copy(update={"sources": (source,)})
    (found,) = previewed(event, mapping=shipped_path("ess-wrdn"), settings=settings)
    assert isinstance(found.result, RecordFault)
    assert found.result.code == "file_not_there"


def test_a_bluesky_run_in_msgpack_is_the_same() -> None:
    """As bluesky-kafka sends it; a format that is only a spec is the data format."""
    values = [*BLUESKY[:2], BLUESKY[5]]
    dataset = shipped("bluesky", *values)["dataset"]
    assert (dataset["datasetName"], dataset["proposalIds"]) == ("count 17", ["p1234"])
    assert dataset["scientificMetadata"]["sample"] == {"name": "LaB6"}
    found = previewed(*BLUESKY[:2], BLUESKY[3], BLUESKY[5], mapping=shipped_path("bluesky"))[-1].result
    assert isinstance(found, RecordFault)  # nothing is mounted here
    assert "/data/p1234" in found.message


@pytest.mark.parametrize(
    ("start", "proposals"),
    [
        ({"data_session": "p1", "proposal": "p2"}, ["p1"]),
        ({"proposal": {"proposal_id": 316471, "title": "T"}}, ["316471"]),
        ({"proposal": {"title": "T"}}, None),
        ({"proposal": "p2"}, ["p2"]),
        ({"proposal": ""}, None),
        ({}, None),
    ],
)
def test_a_bluesky_proposal_is_a_name_or_none(start: dict[str, Any], proposals: list[str] | None) -> None:
    """As facilities write it; an object without an id is none."""
    begin = {"uid": "u-1", "time": 1_780_560_893.0, **start}
    end = {"uid": "u-2", "run_start": "u-1", "time": 1_780_560_894.0, "exit_status": "success"}
    dataset = shipped("bluesky", *(json.dumps(each).encode() for each in (["start", begin], ["stop", end])))["dataset"]
    assert dataset.get("proposalIds") == proposals
    assert dataset["ownerGroup"] == (proposals[0] if proposals else "unassigned")


def test_an_icat_dataset_of_which_a_size_is_missing_is_looked_for() -> None:
    """The list may not be recorded without sizes."""
    (found,) = previewed(ICAT[0], mapping=shipped_path("icat-xml"))
    assert isinstance(found.result, RecordFault)
    assert (found.result.code, "/data/visitor/mx1234/scan1" in found.result.message) == ("forbidden_by_source", True)


def test_objects_of_a_bucket_with_long_names_have_a_short_id() -> None:
    """An S3 key may have 1024 characters, an acquisitionId 200; each has its own pid."""
    pids = set()
    for end in ("a", "b"):
        record = {**S3_RECORD, "s3": {**S3_RECORD["s3"], "object": {"key": "x" * 900 + end, "size": 1}}}
        document = shipped("s3", json.dumps({"Records": [record]}).encode())
        assert len(document["dataset"]["scientificMetadata"]["ingest"]["acquisitionId"]) == 200
        pids.add(document["pid"])
    assert len(pids) == 2


@pytest.mark.parametrize("field", ["beamtimeId", "beamline", "corePath"])
def test_a_beamtime_without_what_is_needed_is_a_dead_letter_that_says_so(field: str) -> None:
    """Not a group `None-dmgt`."""
    event = json.loads((SHIPPED_FOLDER / "beamtime-json.example.json").read_text())
    (found,) = previewed(json.dumps({**event, field: None}).encode(), mapping=shipped_path("beamtime-json"))
    assert isinstance(found.result, RecordFault)
    assert found.result.code == "mapping_failed"
    assert "null" in found.result.message
