"""Every field of SciCat's v4 dataset, origdatablock and attachment can be reached from an event."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from tests.unit.acquisition_events import PNG, PREFIX, dataset, event, plan

from scicat_ingest.catalogue.attachment import Attachment, AttachmentRelationship
from scicat_ingest.catalogue.dataset import Dataset, DatasetLifecycle, Relationship, Technique
from scicat_ingest.catalogue.origdatablock import DataFile, OrigDatablock

EVERYTHING: dict[str, Any] = {
    "may_set": ["pid", "ownerGroup", "accessGroups", "instrumentGroup", "sharedWith", "isPublished", "datasetlifecycle"]
}
TIME = "2020-02-29T12:00:00.000Z"

LIFECYCLE: dict[str, Any] = {
    "archivable": False,
    "retrievable": True,
    "publishable": True,
    "dateOfDiskPurging": TIME,
    "archiveRetentionTime": TIME,
    "dateOfPublishing": TIME,
    "publishedOn": TIME,
    "isOnCentralDisk": False,
    "archiveStatusMessage": "a",
    "retrieveStatusMessage": "b",
    "archiveReturnMessage": {"c": 1},
    "retrieveReturnMessage": {"d": None},
    "exportedTo": "e",
    "retrieveIntegrityCheck": True,
    "storageLocation": "f",
}

VERBATIM: dict[str, Any] = {
    "type": "simulated",
    "datasetName": "name",
    "owner": "Lise Meitner",
    "contactEmail": "lise@example.org",
    "ownerGroup": "g1",
    "sourceFolder": "/data/elsewhere",
    "creationTime": TIME,
    "pid": "10.1/mine",
    "accessGroups": ["g2"],
    "instrumentGroup": "g3",
    "ownerEmail": "owner@example.org",
    "orcidOfOwner": "0000-0002-1825-0097",
    "sourceFolderHost": "files.example.org",
    "size": 11,
    "packedSize": 12,
    "numberOfFiles": 13,
    "numberOfFilesArchived": 14,
    "validationStatus": "good",
    "keywords": ["k"],
    "description": "text",
    "classification": "IN=low,AV=low,CO=low",
    "license": "CC-BY-4.0",
    "isPublished": True,
    "techniques": [{"pid": "t", "name": "n"}],
    "sharedWith": ["x@example.org"],
    "relationships": [{"pid": "10.1/other", "relationship": "isDerivedFrom"}],
    "datasetlifecycle": LIFECYCLE,
    "scientificMetadata": {"t": {"value": 1, "unit": "K"}},
    "scientificMetadataSchema": "https://schemas.example.org/x.json",
    "scientificMetadataValid": True,
    "comment": "c",
    "dataQualityMetrics": 0.5,
    "principalInvestigators": ["Otto Hahn"],
    "startTime": TIME,
    "endTime": TIME,
    "creationLocation": "/here",
    "dataFormat": "NeXus",
    "proposalIds": ["p1", "p2"],
    "sampleIds": ["s1", "s2"],
    "instrumentIds": ["i1", "i2"],
    "inputDatasets": ["10.1/in"],
    "usedSoftware": ["scipp"],
    "jobParameters": {"bins": 1},
    "jobLogData": "log",
    "runNumber": "r1",
}

NATIVE: dict[str, Any] = {
    "type": "derived",
    "title": "name",
    "description": "text",
    "keywords": ["k"],
    "comment": "c",
    "instrument": {"id": "i1", "location": "/here"},
    "proposal": {"id": "p1", "principalInvestigators": ["Otto Hahn"]},
    "sample": {"id": "s1"},
    "owner": {"name": "Lise Meitner", "email": "owner@example.org", "orcid": "0000-0002-1825-0097"},
    "contactEmail": "lise@example.org",
    "groups": {"owner": "g1", "access": ["g2"], "instrument": "g3"},
    "startedAt": TIME,
    "endedAt": TIME,
    "runNumber": "r1",
    "source": {"folder": "/data/elsewhere", "host": "files.example.org"},
    "metadata": {"t": {"value": 1, "unit": "K"}},
    "metadataSchema": "https://schemas.example.org/x.json",
    "techniques": [{"pid": "t", "name": "n"}],
    "dataFormat": "NeXus",
    "license": "CC-BY-4.0",
    "classification": "IN=low,AV=low,CO=low",
    "inputDatasets": ["10.1/in"],
    "usedSoftware": ["scipp"],
    "jobParameters": {"bins": 1},
    "jobLogData": "log",
    "pid": "10.1/mine",
}
"""The same by the event's own names; what is no array there has one item."""

ONLY_VERBATIM = {
    "size",
    "packedSize",
    "numberOfFiles",
    "numberOfFilesArchived",
    "validationStatus",
    "isPublished",
    "sharedWith",
    "relationships",
    "datasetlifecycle",
    "scientificMetadataValid",
    "dataQualityMetrics",
}
"""What a producer seldom knows: by SciCat's names only. The sums are made from the files."""


def test_the_examples_are_complete() -> None:
    """A field that SciCat gets must come here too."""
    assert VERBATIM.keys() == Dataset.model_fields.keys()
    assert LIFECYCLE.keys() == DatasetLifecycle.model_fields.keys()
    assert VERBATIM["techniques"][0].keys() == Technique.model_fields.keys()
    assert VERBATIM["relationships"][0].keys() == Relationship.model_fields.keys()


@pytest.mark.parametrize("name", sorted(Dataset.model_fields))
def test_a_field_of_the_dataset_can_be_set_by_scicats_name(name: str) -> None:
    """Alone, and verbatim."""
    needed = {"inputDatasets": ["x"], "usedSoftware": ["y"]} if name == "type" else {}
    got = dataset(event(dataset=needed | {name: VERBATIM[name]}), source=EVERYTHING, provenance=False)
    assert got[name] == VERBATIM[name]


def test_all_fields_of_the_dataset_can_be_set_together() -> None:
    """With every right, the dataset is what the event says and nothing else."""
    assert dataset(event(dataset=VERBATIM), source=EVERYTHING, provenance=False) == VERBATIM


def test_fields_of_the_dataset_can_be_set_by_the_events_names() -> None:
    """Producers need not know SciCat."""
    got = dataset(event(**NATIVE), source=EVERYTHING, provenance=False)
    single = {"proposalIds": ["p1"], "sampleIds": ["s1"], "instrumentIds": ["i1"], "type": "derived"}
    expected = {name: value for name, value in (VERBATIM | single).items() if name not in ONLY_VERBATIM}
    assert {name: value for name, value in got.items() if name not in ONLY_VERBATIM} == expected
    assert (got["size"], got["numberOfFiles"], got["isPublished"]) == (1048576, 1, False)


def test_every_field_of_the_origdatablock_and_its_files_can_be_set() -> None:
    """Through `files`, `checksumAlgorithm` and `origdatablock`."""
    file = {
        "path": "a",
        "size": 3,
        "modifiedAt": TIME,
        "checksum": "c",
        "uid": "u",
        "gid": "g",
        "perm": "p",
        "type": "t",
    }
    block = {"ownerGroup": "g1", "accessGroups": ["g2"], "instrumentGroup": "g3", "isPublished": True, "chkAlg": "md5"}
    (got,) = plan(event(files=[file], pid=f"{PREFIX}/x", origdatablock=block), source=EVERYTHING).blocks
    stored = {"path": "a", "size": 3, "time": TIME, "chk": "c", "uid": "u", "gid": "g", "perm": "p", "type": "t"}
    assert dict(got.payload) == block | {"datasetId": f"{PREFIX}/x", "size": 3, "dataFileList": [stored]}
    assert got.payload.keys() == OrigDatablock.model_fields.keys()
    assert stored.keys() == {field.name for field in fields(DataFile)}


def test_every_field_of_the_attachment_can_be_set() -> None:
    """Its groups are its dataset's."""
    target = {"targetId": "p1", "targetType": "proposal", "relationType": "shows"}
    given = {"caption": "c", "thumbnail": PNG, "id": "aid", "isPublished": True, "relationships": [target]}
    groups = {"owner": "g1", "access": ["g2"], "instrument": "g3"}
    (got,) = plan(event(attachments=[given], groups=groups, pid=f"{PREFIX}/x"), source=EVERYTHING).attachments
    assert dict(got.payload) == {
        "aid": "aid",
        "caption": "c",
        "thumbnail": PNG,
        "isPublished": True,
        "ownerGroup": "g1",
        "accessGroups": ["g2"],
        "instrumentGroup": "g3",
        "relationships": [
            {"targetId": f"{PREFIX}/x", "targetType": "dataset", "relationType": "is attached to"},
            target,
        ],
    }
    assert got.payload.keys() == Attachment.model_fields.keys()
    assert target.keys() == AttachmentRelationship.model_fields.keys()
