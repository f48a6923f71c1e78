"""The dataset: each default of the event's table, and what `dataset` may override."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.acquisition_events import TIMESTAMP_MS, dataset, event, fault, plan, plan_record, record, rules

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.faults import AcquisitionFailed, InvalidField, MissingField, UnknownField


def test_the_smallest_event_makes_a_dataset() -> None:
    """Everything else has a default, in the event or in the settings."""
    small = {"acquisitionId": "a", "noFiles": True, "source": {"folder": "/data/a"}}
    got = dataset(small, owner="Odin team", contact_email="odin@example.org", provenance=False)
    assert got == {
        "type": "raw",
        "datasetName": "a",
        "owner": "Odin team",
        "contactEmail": "odin@example.org",
        "ownerGroup": "odin-staff",
        "sourceFolder": "/data/a",
        "creationTime": "2026-04-22T08:54:53.642Z",
        "pid": got["pid"],
        "size": 0,
        "numberOfFiles": 0,
        "isPublished": False,
        "scientificMetadata": {},
    }


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({}, "odin-000042"),
        ({"title": "Fe3O4"}, "Fe3O4"),
        ({"title": ""}, "odin-000042"),
        ({"title": " "}, "odin-000042"),
    ],
)
def test_the_name_is_the_title_else_the_acquisition_id(change: dict[str, Any], name: str) -> None:
    """SciCat answers 500 to an empty one."""
    assert dataset(event(**change))["datasetName"] == name


@pytest.mark.parametrize(
    ("instrument", "location"),
    [
        ({"id": "ODIN", "name": "imaging", "location": "/ESS/ODIN"}, "/ESS/ODIN"),
        ({"id": "ODIN", "name": "imaging", "location": " "}, "imaging"),
        ({"id": "ODIN"}, "ODIN"),
        (None, None),
    ],
)
def test_the_creation_location_comes_from_the_instrument(instrument: Any, location: str | None) -> None:
    """Its location, else its name, else its id."""
    assert dataset(event(instrument=instrument)).get("creationLocation") == location


def test_the_creation_location_is_a_template() -> None:
    """Facilities spell it in their own ways."""
    assert dataset(event(), creation_location="ESS:{instrument.id}")["creationLocation"] == "ESS:ODIN"
    assert "creationLocation" not in dataset(event(instrument=None), creation_location="ESS:{instrument.id}")


@pytest.mark.parametrize(
    ("change", "created"),
    [
        ({"startedAt": "2026-04-22T10:40:00+02:00"}, "2026-04-22T08:54:53.642Z"),
        ({"endedAt": None, "startedAt": "2026-04-22T10:40:00+02:00"}, "2026-04-22T08:40:00.000Z"),
        ({"endedAt": None}, "2026-04-22T08:54:53.642Z"),
        ({"dataset": {"creationTime": "2020-01-01T00:00:00Z"}}, "2020-01-01T00:00:00.000Z"),
    ],
)
def test_the_creation_time_is_the_end_else_the_start_else_the_records(change: dict[str, Any], created: str) -> None:
    """Never now: a replay gives the same dataset."""
    assert dataset(event(**change), timestamp_ms=TIMESTAMP_MS)["creationTime"] == created


@pytest.mark.parametrize("timestamp_ms", [-1, 2**62, 2**63 - 1])
def test_without_any_time_the_event_is_refused(timestamp_ms: int) -> None:
    """Kafka's timestamp can be missing, or no time at all: producers set it."""
    got = fault(MissingField, event(endedAt=None), timestamp_ms=timestamp_ms)
    assert (got.code, got.field) == ("missing_field", "endedAt")
    assert "Kafka" in got.message


def test_times_are_written_in_utc() -> None:
    """StartTime and endTime as well; with mapping.timezone also from naive ones, in `dataset` at any depth."""
    change = {
        "startedAt": "2026-01-22T10:40:00",
        "dataset": {"endTime": "2026-07-01T12:00:00", "datasetlifecycle": {"publishedOn": "2026-07-01T12:00:00"}},
    }
    got = dataset(event(**change), timezone="Europe/Berlin", source={"may_set": ["datasetlifecycle"]})
    assert (got["startTime"], got["endTime"]) == ("2026-01-22T09:40:00.000Z", "2026-07-01T10:00:00.000Z")
    assert got["datasetlifecycle"] == {"publishedOn": "2026-07-01T10:00:00.000Z"}
    for name, value in (("creationTime", 5), ("startTime", "2026-07-01T12:00:00"), ("endTime", "now")):
        assert fault(InvalidField, event(dataset={name: value})).field == f"dataset.{name}"


def test_an_end_before_the_start_is_a_doubt() -> None:
    """The dataset is made, with a warning."""
    warnings = plan(event(startedAt="2027-01-01T00:00:00Z")).warnings
    assert warnings == ("endedAt: it is before startedAt",)


def test_ids_become_arrays_and_blank_ones_nothing() -> None:
    """SciCat's v4 has plural fields; the generated SDK fails on nulls in them."""
    got = dataset(event(sample={"id": "s1"}))
    assert (got["instrumentIds"], got["proposalIds"], got["sampleIds"]) == (["ODIN"], ["p1001"], ["s1"])
    blank = dataset(event(instrument={"id": " "}, proposal={"id": ""}, sample={}))
    assert not {"instrumentIds", "proposalIds", "sampleIds"} & blank.keys()


def test_sizes_are_sums_over_the_files() -> None:
    """Until the blocks are there, SciCat shows what the dataset says."""
    files = [{"path": "a", "size": 3}, {"path": "b", "size": 4}]
    got = dataset(event(files=files))
    assert (got["size"], got["numberOfFiles"]) == (7, 2)


def test_more_bytes_than_scicat_can_count_are_refused() -> None:
    """JavaScript rounds above 2^53."""
    files = [{"path": "a", "size": 2**53 - 1}, {"path": "b", "size": 1}]
    assert fault(InvalidField, event(files=files)).field == "files"


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("files.example.org", True),
        ("https://files.example.org/x", True),
        ("10.0.0.1", True),
        ("ftp.example.org:2121", True),
        ("host1", False),
        ("localhost", False),
        ("https://h/x", False),
        ("a b.example.org", False),
        ("//", False),
    ],
)
def test_a_host_that_scicat_refuses_is_dropped_with_a_warning(host: str, *, taken: bool) -> None:
    """A wrong host name must not cost the dataset."""
    for change in ({"source": {"folder": "/d/x", "host": host}}, {"dataset": {"sourceFolderHost": host}}):
        planned = plan(event(**change))
        assert (planned.dataset.payload.get("sourceFolderHost") == host, not planned.warnings) == (taken, taken)


@pytest.mark.parametrize("status", ["aborted", "failed", "cancelled"])
@pytest.mark.parametrize("policy", ["ingest", "dead_letter", "ignore"])
def test_each_status_has_a_policy(status: str, policy: str) -> None:
    """Ingested with a keyword, a dead letter, or ignored; each is an outcome."""
    by = rules(on_status={status: policy})
    got = plan_record(record(event(status=status, keywords=["x"])), by)
    if policy == "ignore":
        assert got == Ignored(status)
    elif policy == "dead_letter":
        assert isinstance(got, AcquisitionFailed)
        assert (got.code, got.field, status in got.message) == ("acquisition_failed", "status", True)
    else:
        assert not isinstance(got, (Ignored, Exception))
        assert got.dataset.payload["keywords"] == ["x", status]


def test_the_policies_have_defaults() -> None:
    """Aborted is ingested, failed is a dead letter, cancelled is ignored."""
    assert dataset(event(status="aborted"))["keywords"] == ["aborted"]
    assert dataset(event(status="aborted", keywords=["aborted"]))["keywords"] == ["aborted"]
    assert fault(AcquisitionFailed, event(status="failed")).field == "status"
    assert plan_record(record(event(status="cancelled")), rules()) == Ignored("cancelled")


@pytest.mark.parametrize("missing", ["inputDatasets", "usedSoftware"])
def test_a_derived_dataset_needs_its_inputs_and_software(missing: str) -> None:
    """By either name, and not empty; a raw one needs neither."""
    whole = event(type="derived", inputDatasets=["10.1/x"], usedSoftware=["scipp"])
    assert dataset(whole)["type"] == "derived"
    nothing: list[Any] = [None, []]
    for value in nothing:
        assert fault(MissingField, event(**(whole | {missing: value}))).field == missing
    assert dataset(event(**(whole | {missing: None}), dataset={missing: ["x"]}))[missing] == ["x"]
    assert fault(MissingField, event(dataset={"type": "derived"})).field == "inputDatasets"


def test_dataset_wins_over_what_was_derived() -> None:
    """SciCat's own names, verbatim; null says nothing."""
    change = {"title": "a", "dataset": {"datasetName": "b", "size": 5, "keywords": ["k"], "description": None}}
    got = dataset(event(description="d", **change))
    assert (got["datasetName"], got["size"], got["keywords"], got["description"]) == ("b", 5, ["k"], "d")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"keywords": "abc"}, "dataset.keywords"),
        ({"keywords": 5}, "dataset.keywords"),
        ({"keywords": [5]}, "dataset.keywords[0]"),
        ({"proposalIds": "p1"}, "dataset.proposalIds"),
        ({"instrumentIds": {"a": 1}}, "dataset.instrumentIds"),
        ({"size": -1}, "dataset.size"),
        ({"size": 1.5}, "dataset.size"),
        ({"size": 10**200}, "dataset.size"),
        ({"numberOfFiles": True}, "dataset.numberOfFiles"),
        ({"dataQualityMetrics": "good"}, "dataset.dataQualityMetrics"),
        ({"techniques": [{"pid": "x", "name": ""}]}, "dataset.techniques[0].name"),
        ({"techniques": {"pid": "x"}}, "dataset.techniques"),
        ({"relationships": [None]}, "dataset.relationships[0]"),
        ({"scientificMetadata": [1]}, "dataset.scientificMetadata"),
        ({"jobParameters": "x"}, "dataset.jobParameters"),
        ({"runNumber": 42}, "dataset.runNumber"),
        ({"datasetName": ""}, "dataset.datasetName"),
        ({"datasetName": 5}, "dataset.datasetName"),
        ({"type": ""}, "dataset.type"),
        ({"owner": 5}, "dataset.owner"),
        ({"sourceFolder": 5}, "dataset.sourceFolder"),
    ],
)
@pytest.mark.parametrize("status", ["completed", "aborted"])
def test_a_wrong_value_in_dataset_is_named(given: dict[str, Any], field: str, status: str) -> None:
    """As SciCat would refuse it, but with the path in the event."""
    got = fault(InvalidField, event(status=status, dataset=given))
    assert (got.code, got.field) == ("invalid_field", field)
    assert got.message.startswith("expected ")


@pytest.mark.parametrize("name", ["createdAt", "version", "proposalId", "history", "_id", "model_fields"])
def test_a_field_that_scicat_does_not_know_is_refused(name: str) -> None:
    """One unknown field is a 400."""
    got = fault(UnknownField, event(dataset={name: 1}))
    assert (got.code, got.field) == ("unknown_field", f"dataset.{name}")


def test_very_many_unknown_fields_of_scicat_give_one_fault() -> None:
    """A fault for each would take gigabytes."""
    given = {f"x{index}": 1 for index in range(60_000)}
    assert fault(UnknownField, event(dataset=given)).field == "dataset.x0"
    assert fault(UnknownField, event(dataset={"datasetlifecycle": given}), source={"may_set": ["datasetlifecycle"]})
