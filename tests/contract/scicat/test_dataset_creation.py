from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx
    from tests.contract.scicat.conftest import Caller

EVERYWHERE = ("type", "ownerGroup", "contactEmail", "sourceFolder", "creationTime")

MANDATORY = [
    *(("v3", "raw", name) for name in (*EVERYWHERE, "owner", "creationLocation", "principalInvestigator")),
    *(("v3", "derived", name) for name in (*EVERYWHERE, "owner", "investigator", "inputDatasets", "usedSoftware")),
    *(("v4", "raw", name) for name in (*EVERYWHERE, "datasetName")),
    *(("v4", "custom", name) for name in (*EVERYWHERE, "datasetName")),
]

ACCEPTED: list[dict[str, Any]] = [
    {"size": 5, "numberOfFiles": 2, "packedSize": 3},
    {"datasetlifecycle": {"archivable": False}},
    {"isPublished": True},
    {"runNumber": "17"},
    {"startTime": "2026-11-23T09:00:00Z", "endTime": "2026-11-23T10:00:00+01:00"},
    {"dataFormat": "NeXus"},
    {"keywords": ["a", "b"]},
    {"techniques": [{"pid": "t1", "name": "SAXS"}]},
    {"relationships": [{"pid": "p1", "relationship": "is derived from"}]},
    {"comment": "c", "license": "CC0", "description": "d", "validationStatus": "v"},
    {"scientificMetadata": {"energy": {"value": 1, "unit": "keV"}}},
    {"instrumentGroup": "i", "accessGroups": ["a"], "sharedWith": ["not-an-address"]},
    {"inputDatasets": ["a"], "usedSoftware": ["b"]},
]

SINGULAR = ("proposalId", "sampleId", "instrumentId", "principalInvestigator")
PLURAL = ("proposalIds", "sampleIds", "instrumentIds", "principalInvestigators")


def messages(response: httpx.Response) -> str:
    """Return what a 400 says, whichever its shape."""
    assert response.status_code == 400, response.text
    message = response.json()["message"]
    return message if isinstance(message, str) else "\n".join(message)


def test_a_new_dataset_is_answered_whole(service: Caller, version: str) -> None:
    """201 shows the document with `_id`, which is the pid, and with what the server added."""
    sent = service.dataset(version)
    created = service.post(f"/api/{version}/datasets", sent).json()
    assert created["_id"] == created["pid"] == sent["pid"]
    assert created["createdBy"] == service.username
    assert created["creationTime"] == sent["creationTime"]
    assert {"createdAt", "updatedAt", "updatedBy", "classification", "datasetlifecycle"} <= set(created)
    assert created["classification"] == "IN=medium,AV=low,CO=low"


@pytest.mark.parametrize(("api", "kind", "name"), MANDATORY)
def test_a_missing_mandatory_field_is_named(service: Caller, api: str, kind: str, name: str) -> None:
    """Each mandatory field that is missing is a 400 which names it."""
    assert name in messages(service.create(api, type=kind, drop=(name,)))


def test_v3_says_what_is_wrong_as_json_in_a_string(service: Caller) -> None:
    """The body of v3's 400 is a status and a JSON text of property, children, constraints."""
    body = service.create("v3", drop=("owner",)).json()
    assert body["status"] == 400
    assert json.loads(body["message"]) == [
        {"property": "owner", "children": [], "constraints": {"isString": "owner must be a string"}}
    ]


def test_v4_says_what_is_wrong_as_a_list(service: Caller) -> None:
    """The body of v4's 400 is a list of messages."""
    body = service.create("v4", drop=("type",)).json()
    assert body == {"message": ["type must be a string"], "error": "Bad Request", "statusCode": 400}


@pytest.mark.parametrize("changes", [{"drop": ("owner",)}, {"owner": ""}, {"datasetName": ""}])
def test_v4_breaks_on_what_only_the_database_refuses(service: Caller, changes: dict[str, Any]) -> None:
    """A missing or empty owner and an empty name pass the check and are a 500."""
    response = service.create("v4", **changes)
    assert response.status_code == 500
    assert response.json()["message"] == "Something went wrong. Please try again later."


@pytest.mark.parametrize("kind", ["raw", "derived"])
def test_v3_takes_the_name_from_the_folder(service: Caller, kind: str) -> None:
    """Without a datasetName v3 uses the last two parts of the source folder."""
    created = service.created("v3", type=kind, sourceFolder="/data/visit/42", drop=("datasetName",))
    assert created["datasetName"] == "visit/42"


@pytest.mark.parametrize("name", ["fooBar", "createdBy", "createdAt", "history"])
def test_an_unknown_field_is_refused(service: Caller, version: str, name: str) -> None:
    """One field that is not known, or that is the server's own, refuses the whole dataset."""
    assert f"property {name} should not exist" in messages(service.create(version, **{name: "x"}))


def test_version_is_ignored_by_v3_and_refused_by_v4(service: Caller) -> None:
    """v3 takes a version and forgets it."""
    assert service.created("v3", version="mine")["pid"]
    assert "property version should not exist" in messages(service.create("v4", version="mine"))


@pytest.mark.parametrize("fields", ACCEPTED, ids="-".join)
def test_optional_fields_are_taken(service: Caller, version: str, fields: dict[str, Any]) -> None:
    """What a client may add besides the mandatory fields."""
    service.created(version, **fields)


@pytest.mark.parametrize("name", PLURAL)
def test_v3_refuses_plural_names(service: Caller, name: str) -> None:
    """v3 wants proposalId, sampleId, instrumentId, principalInvestigator."""
    assert f"property {name} should not exist" in messages(service.create("v3", **{name: ["x"]}))


@pytest.mark.parametrize("name", [*SINGULAR, "investigator"])
def test_v4_refuses_singular_names(service: Caller, name: str) -> None:
    """v4 wants lists: proposalIds, sampleIds, instrumentIds, principalInvestigators."""
    assert f"property {name} should not exist" in messages(service.create("v4", **{name: "x"}))


def test_singular_names_are_stored_as_lists(service: Caller) -> None:
    """What v3 takes singly, v4 shows as a list of one."""
    pid = service.created("v3", proposalId="p", sampleId="s", instrumentId="i")["pid"]
    found = service.read(pid)
    assert (found["proposalIds"], found["sampleIds"], found["instrumentIds"]) == (["p"], ["s"], ["i"])
    assert found["principalInvestigators"] == ["Ada Lovelace"]


def test_v3_shows_lists_singly(service: Caller) -> None:
    """What v4 takes as lists, v3 shows by its first item."""
    pid = service.created("v4", proposalIds=["p"], principalInvestigators=["x"])["pid"]
    found = service.read(pid, "v3")
    assert (found["proposalId"], found["principalInvestigator"]) == ("p", "x")


@pytest.mark.parametrize(("version", "stored"), [("v3", [None]), ("v4", [])])
def test_what_v3_does_not_send_is_stored_as_a_list_of_null(service: Caller, version: str, stored: list[None]) -> None:
    """v3 without sample, instrument and proposal leaves `[null]`; v4 leaves empty lists."""
    found = service.read(service.created(version)["pid"])
    assert found["proposalIds"] == found["sampleIds"] == found["instrumentIds"] == stored


def test_any_type_is_taken(service: Caller, version: str) -> None:
    """A type other than raw and derived is no error; v3 then wants the names of v4."""
    assert service.created(version, type="simulation", principalInvestigators=["x"])["type"] == "simulation"
    if version == "v3":
        assert "principalInvestigator" in messages(service.create("v3", type="simulation", principalInvestigator="x"))


@pytest.mark.parametrize(
    ("host", "status"), [("ftp.example.org", 201), ("host1", 400), ("https://h/x", 400), ("not a host", 400)]
)
def test_a_host_must_have_a_real_domain(service: Caller, version: str, host: str, status: int) -> None:
    """SourceFolderHost needs a top-level domain."""
    assert service.create(version, sourceFolderHost=host).status_code == status


@pytest.mark.parametrize(
    ("address", "status"),
    [("a@example.org", 201), ("a@example.org;b@example.org", 201), ("nobody", 400), ("a@host", 400), ("", 400)],
)
def test_contact_addresses_are_checked(service: Caller, version: str, address: str, status: int) -> None:
    """ContactEmail holds one or more addresses with semicolons between them."""
    assert service.create(version, contactEmail=address).status_code == status


@pytest.mark.parametrize(
    ("time", "stored"),
    [
        ("2026-11-23T10:00:00+01:00", "2026-11-23T09:00:00.000Z"),
        ("2026-11-23T10:00:00.5Z", "2026-11-23T10:00:00.500Z"),
        (1_700_000_000, None),
        ("yesterday", None),
    ],
)
def test_times_are_iso_8601(service: Caller, version: str, time: Any, stored: str | None) -> None:
    """CreationTime is an ISO 8601 text, kept in UTC with milliseconds; a number is a 400."""
    response = service.create(version, creationTime=time)
    assert response.status_code == (201 if stored else 400)
    if stored:
        assert response.json()["creationTime"] == stored


def test_a_single_keyword_becomes_a_list(service: Caller, version: str) -> None:
    """A string where a list of strings is wanted is taken as a list of one."""
    assert service.created(version, keywords="a")["keywords"] == ["a"]


def test_an_empty_owner_group_is_taken(admin: Caller, version: str) -> None:
    """Nobody checks that the ownerGroup says anything."""
    assert admin.create(version, ownerGroup="").status_code == 201


def test_proposals_samples_and_instruments_need_not_exist(service: Caller) -> None:
    """References are not checked."""
    created = service.created("v4", proposalIds=["no-such"], sampleIds=["no-such"], instrumentIds=["no-such"])
    assert created["proposalIds"] == ["no-such"]


# pids


def test_a_taken_pid_is_409(service: Caller, version: str) -> None:
    """The pid is the only thing about a dataset that is unique, and the only protection against repeats."""
    pid = service.created(version)["pid"]
    response = service.create(version, pid=pid)
    assert response.status_code == 409
    assert response.json() == {
        "message": f"A dataset with pid {pid} already exists!",
        "error": "Conflict",
        "statusCode": 409,
    }


@pytest.mark.parametrize("pid", ["", None])
def test_an_empty_pid_breaks_the_server(service: Caller, version: str, pid: str | None) -> None:
    """An empty or null pid is a 500."""
    assert service.create(version, pid=pid).status_code == 500


def test_a_number_is_no_pid(service: Caller, version: str) -> None:
    """The pid is a string."""
    assert "pid must be a string" in messages(service.create(version, pid=17))


def test_a_blank_pid_is_taken_as_it_is(service: Caller, version: str) -> None:
    """Three spaces are a pid: 201, or 409 when another test was here before."""
    assert service.create(version, pid="   ").status_code in {201, 409}
    assert service.create(version, pid="   ").status_code == 409


@pytest.mark.parametrize("tail", ["a/b/c", "a b", "ä", "50%", "a%2Fb", "a?b#c", "x" * 1900])
def test_any_pid_is_stored_verbatim(service: Caller, version: str, tail: str) -> None:
    """No prefix is added or wanted, and any character works if it is encoded once in the path."""
    pid = service.dataset()["pid"] + tail
    assert service.created(version, pid=pid)["pid"] == pid
    assert service.read(pid, version)["pid"] == pid


def test_a_slash_in_the_path_must_be_encoded(service: Caller, version: str) -> None:
    """A plain slash is another route."""
    pid = service.created()["pid"]
    response = service.get(f"/api/{version}/datasets/{pid}/more")
    assert response.status_code == 404
    assert response.json()["message"].startswith("Cannot GET")


def test_the_server_makes_a_pid_of_prefix_and_uuid(service: Caller, version: str) -> None:
    """Without a pid the dataset gets PID_PREFIX, a slash and a random UUID."""
    pid = service.created(version, drop=("pid",))["pid"]
    assert re.fullmatch(r".+/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", pid)


# Life cycle


def test_a_new_dataset_may_be_archived_at_once(service: Caller, version: str) -> None:
    """The life cycle starts archivable, on central disk, created."""
    lifecycle = service.created(version)["datasetlifecycle"]
    expected = {
        "archivable": True,
        "retrievable": False,
        "publishable": False,
        "isOnCentralDisk": True,
        "archiveStatusMessage": "datasetCreated",
        "retrieveStatusMessage": "",
        "retrieveIntegrityCheck": False,
    }
    assert expected.items() <= lifecycle.items()
    assert {"archiveRetentionTime", "dateOfPublishing", "dateOfDiskPurging", "publishedOn"} <= set(lifecycle)


def test_a_life_cycle_sent_at_creation_is_completed(service: Caller, version: str) -> None:
    """A client may keep archivers away until the blocks are there."""
    lifecycle = service.created(version, datasetlifecycle={"archivable": False})["datasetlifecycle"]
    assert lifecycle["archivable"] is False
    assert lifecycle["archiveStatusMessage"] == "datasetCreated"


# isValid


def test_a_valid_dataset_is_valid(service: Caller, version: str) -> None:
    """IsValid answers 200 and stores nothing."""
    payload = service.dataset(version)
    response = service.post(f"/api/{version}/datasets/isValid", payload)
    assert (response.status_code, response.json()) == (200, {"valid": True})
    assert service.get(service.path(payload["pid"], version)).status_code == 404


def test_an_invalid_dataset_is_explained_by_v3_only(service: Caller, version: str) -> None:
    """v3 gives the reason, v4 does not."""
    response = service.post(f"/api/{version}/datasets/isValid", service.dataset(version, drop=("contactEmail",)))
    assert response.status_code == 200
    assert response.json()["valid"] is False
    assert ("error" in response.json()) == (version == "v3")


def test_validity_overlooks_unknown_fields_duplicates_and_v4_owners(service: Caller, version: str) -> None:
    """What isValid takes, POST may refuse."""
    pid = service.created()["pid"]
    payload = service.dataset(version, pid=pid, fooBar=1, drop=("owner",) if version == "v4" else ())
    assert service.post(f"/api/{version}/datasets/isValid", payload).json() == {"valid": True}
