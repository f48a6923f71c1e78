"""What becomes of the requests in SciCat's own ingestion guide, sent as they are printed there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.scicat.conftest import Caller, Catalogue

FORBIDDEN = {"message": "Forbidden resource", "error": "Forbidden", "statusCode": 403}

DATASET: dict[str, Any] = {
    "ownerGroup": "string",
    "accessGroups": ["string"],
    "instrumentGroup": "string",
    "owner": "string",
    "ownerEmail": "user@example.com",
    "orcidOfOwner": "string",
    "contactEmail": "string",
    "sourceFolder": "string",
    "sourceFolderHost": "string",
    "size": 0,
    "packedSize": 0,
    "numberOfFiles": 0,
    "numberOfFilesArchived": 0,
    "creationTime": "2026-04-22T10:54:53.642Z",
    "validationStatus": "string",
    "keywords": ["string"],
    "description": "string",
    "datasetName": "string",
    "classification": "string",
    "license": "string",
    "isPublished": False,
    "techniques": [],
    "sharedWith": [],
    "relationships": [],
    "datasetlifecycle": {},
    "scientificMetadata": {},
    "scientificMetadataSchema": "string",
    "scientificMetadataValid": True,
    "comment": "string",
    "dataQualityMetrics": 0,
    "principalInvestigators": ["string"],
    "startTime": "2026-04-22T10:54:53.642Z",
    "endTime": "2026-04-22T10:54:53.642Z",
    "creationLocation": "string",
    "dataFormat": "string",
    "proposalIds": ["string"],
    "sampleIds": ["string"],
    "instrumentIds": ["string"],
    "inputDatasets": ["string"],
    "usedSoftware": ["string"],
    "jobParameters": {},
    "jobLogData": "string",
    "runNumber": "string",
    "pid": "string",
    "type": "string",
}
BLOCK: dict[str, Any] = {
    "ownerGroup": "string",
    "accessGroups": ["string"],
    "instrumentGroup": "string",
    "size": 0,
    "chkAlg": "string",
    "dataFileList": [
        {
            "path": "string",
            "size": 0,
            "time": "2026-04-22T11:28:56.870Z",
            "chk": "string",
            "uid": "string",
            "gid": "string",
            "perm": "string",
            "type": "string",
        }
    ],
    "isPublished": True,
    "datasetId": "string",
}


@pytest.fixture
def pid(service: Caller) -> str:
    """Return the pid of a dataset with three blocks."""
    made = str(service.created()["pid"])
    for _ in range(3):
        assert service.block(made).status_code == 201
    return made


def test_authentication_is_no_authorization(catalogue: Catalogue, service: Caller, pid: str) -> None:
    """The first example's header is not looked at: v4 answers 403, v3 shows what is public."""
    guided = catalogue.with_authorization(service.client.headers["Authorization"], header="Authentication")
    response = guided.get(guided.path(pid))
    assert (response.status_code, response.json()) == (403, FORBIDDEN)
    assert guided.get(guided.path(pid, "v3")).json()["message"] == "Unauthorized access"


def test_the_filter_works_without_its_limits(service: Caller, pid: str) -> None:
    """Its `limit`, and the `limit` and `order` of its scope, pass and do nothing; its fields and its include work."""
    scope = {"fields": ["_id"], "limit": 2, "order": "filename ASC"}
    include = [{"relation": "origdatablocks", "scope": scope}]
    (found,) = service.listed(pid, "v4", include=include, fields=["datasetName"], limit=10)
    assert found["datasetName"] == "a test"
    assert "pid" not in found
    assert [set(block) for block in found["origdatablocks"]] == [{"_id"}] * 3


def test_a_limit_beside_limits_does_nothing(service: Caller, foreign_group: str) -> None:
    """A list asked for with the guide's `limit` has v4's own ten."""
    for _ in range(12):
        service.created(keywords=[foreign_group])
    where = {"keywords": foreign_group}
    for limit, expected in ((1, 10), (50, 10)):
        found = service.get("/api/v4/datasets", filter=json.dumps({"where": where, "limit": limit}))
        assert (found.status_code, len(found.json())) == (200, expected)


def test_posting_as_printed_is_forbidden(anonymous: Caller) -> None:
    """The examples that write send no token at all."""
    response = anonymous.post("/api/v4/datasets", DATASET)
    assert (response.status_code, response.json()) == (403, FORBIDDEN)


def test_the_dataset_is_refused_for_address_and_host(service: Caller) -> None:
    """Its placeholders are no e-mail address and no host."""
    response = service.post("/api/v4/datasets", DATASET)
    assert response.status_code == 400
    named = {line.split()[0] for line in response.json()["message"]}
    assert named == {"contactEmail", "sourceFolderHost"}


def test_the_dataset_is_taken_once_they_are_real(service: Caller) -> None:
    """Every other field is known to v4. The schema is left out: the server would fetch what it names."""
    corrected = DATASET | {
        "pid": service.dataset()["pid"],
        "ownerGroup": service.group,
        "contactEmail": "user@example.com",
        "sourceFolderHost": "host.example.com",
    }
    del corrected["scientificMetadataSchema"]
    assert service.post("/api/v4/datasets", corrected).status_code == 201


def test_the_route_of_blocks_has_an_s(service: Caller, pid: str) -> None:
    """The text says `/api/v4/origdatablock`, the example below it `origdatablocks`: only the latter is there."""
    block = BLOCK | {"datasetId": pid}
    assert service.post("/api/v4/origdatablock", block).status_code == 404
    assert service.post("/api/v4/origdatablocks", block).status_code == 201


def test_the_owner_group_of_a_block_need_not_match(service: Caller, pid: str) -> None:
    """The guide says that it must; the server overwrites it with the dataset's."""
    block = service.post("/api/v4/origdatablocks", BLOCK | {"datasetId": pid}).json()
    assert (block["ownerGroup"], block["accessGroups"]) == (service.group, [])


def test_the_owner_group_of_an_attachment_need_not_match(admin: Caller, pid: str) -> None:
    """The guide says that it must; v4 keeps what is sent, and hides it from those who see the dataset."""
    attachment = admin.attachment(pid, "v4", ownerGroup="string").json()
    assert attachment["ownerGroup"] == "string"
