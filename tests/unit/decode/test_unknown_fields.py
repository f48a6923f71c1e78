"""Unknown names: harmless ones are warned about, slips of the pen are refused."""

from __future__ import annotations

import pytest
from tests.unit.acquisition_events import decode, event, fault, plan

from scicat_ingest.catalogue.dataset import Dataset
from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.faults import UnknownField


def test_a_harmless_unknown_name_is_left_out_with_a_warning() -> None:
    """At every level, with its path, outermost first and then in the order of the event's fields."""
    given = event(
        beamCurrent=1,
        instrument={"id": "ODIN", "vendor": "x"},
        files=[{"path": "a", "size": 1}, {"path": "b", "size": 1, "inode": 7}],
        inputDatasets=[{"acquisitionId": "x", "why": "y"}],
        attachments=[{"caption": "c", "relationships": [{"targetId": "t", "targetType": "sample", "colour": 1}]}],
    )
    assert [warning.partition(":")[0] for warning in plan(given).warnings] == [
        "beamCurrent",
        "instrument.vendor",
        "files[1].inode",
        "attachments[0].relationships[0].colour",
        "inputDatasets[0].why",
    ]
    assert decode(given).warnings[0] == "beamCurrent: this field is not known and was left out"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("proposalId", "proposal.id"),
        ("proposalIds", "proposal.id"),
        ("proposal_id", "proposal.id"),
        ("ProposalID", "proposal.id"),
        ("sampleName", "sample.name"),
        ("instrumentId", "instrument.id"),
        ("ownerEmail", "owner.email"),
        ("sourceFolder", "source.folder"),
        ("sourceFolderHost", "dataset.sourceFolderHost"),
        ("contact_email", "contactEmail"),
        ("Title", "title"),
        ("titel", None),
        ("keyword", "keywords"),
        ("atachments", "attachments"),
        ("runNumbr", "runNumber"),
        ("ownerGroup", "groups.owner"),
        ("datasetName", "title"),
        ("scientificMetadata", "metadata"),
        ("dataFileList", "files"),
        ("isPublished", "dataset.isPublished"),
        ("validationStatus", "dataset.validationStatus"),
        ("temperature", None),
        ("x", None),
        ("温度", None),
    ],
)
def test_a_name_close_to_a_known_one_is_a_slip(name: str, meant: str | None) -> None:
    """The hint names the field that was probably meant."""
    if meant is None:
        assert len(plan(event() | {name: 1}).warnings) == 1
        return
    got = fault(UnknownField, event() | {name: 1})
    assert (got.code, got.field) == ("unknown_field", name)
    assert f"'{meant}'" in got.hint
    assert "`extensions`" in got.hint


@pytest.mark.parametrize("name", sorted(Dataset.model_fields.keys() - AcquisitionCompleted.model_fields.keys()))
def test_no_name_of_scicats_dataset_is_lost_to_a_warning(name: str) -> None:
    """A producer that speaks SciCat is told where each of its names goes."""
    assert fault(UnknownField, event() | {name: 1}).field == name


def test_slips_are_found_in_every_part() -> None:
    """With the path of the part."""
    got = fault(UnknownField, event(files=[{"path": "a", "size": 1}, {"path": "a", "size": 1, "checkSum": "x"}]))
    assert (got.field, "'checksum'" in got.hint) == ("files[1].checkSum", True)


def test_reject_makes_every_unknown_name_a_fault() -> None:
    """As mapping.unknown_fields says."""
    got = fault(UnknownField, event(beamCurrent=1), unknown_fields="reject")
    assert (got.field, "`reject`" in got.hint) == ("beamCurrent", True)


def test_extensions_and_verbatim_objects_take_any_name() -> None:
    """What is not for SciCat has its place; SciCat's own names are judged by SciCat's models."""
    assert plan(event(extensions={"proposalId": 1}, metadata={"titel": 1}, jobParameters={"a": 1})).warnings == ()


@pytest.mark.parametrize(
    "name", ["__class__", "__dict__", "model_fields", "model_extra", "model_dump", "self", "cls", ""]
)
def test_names_of_python_are_names_like_others(name: str) -> None:
    """No name in an event reaches an attribute of our objects."""
    assert len(plan(event() | {name: {"a": 1}}).warnings) == 1


def test_a_hundred_thousand_unknown_names_give_a_few_short_warnings() -> None:
    """And a count. Comparing each with every known name would hold up the service for half a minute."""
    given = event(**{f"n{index}": 1 for index in range(100_000)}) | {"k" * 1_000_000: 1}
    warnings = plan(given).warnings
    assert len(warnings) == 21
    assert warnings[-1] == "99981 more fields are not known and were left out"
    assert max(map(len, warnings)) < 200
