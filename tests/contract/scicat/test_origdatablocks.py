from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.scicat.conftest import Caller

TIME = "2026-11-23T10:00:00.000Z"
FILE = {"path": "a.h5", "size": 1, "time": TIME}


def files(**changes: Any) -> dict[str, Any]:
    """Return a list of one file, changed; None drops a field."""
    changed = {name: value for name, value in (FILE | changes).items() if value is not None}
    return {"dataFileList": [changed]}


@pytest.fixture
def pid(service: Caller) -> str:
    """Return the pid of a new dataset."""
    return str(service.created()["pid"])


def test_a_new_block_is_answered_whole(service: Caller, pid: str, block_route: str) -> None:
    """201 shows the block with an id of the server's, and one per file."""
    response = service.block(pid, block_route, files=2, chkAlg="sha256")
    assert response.status_code == 201
    block = response.json()
    assert block["_id"]
    assert block["datasetId"] == pid
    assert block["chkAlg"] == "sha256"
    assert [file["path"] for file in block["dataFileList"]] == ["file_0.h5", "file_1.h5"]
    assert len({file["_id"] for file in block["dataFileList"]}) == 2
    assert all(file["id"] == file["_id"] for file in block["dataFileList"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": None}, "size must be an integer number"),
        ({"size": "1"}, "size must be an integer number"),
        ({"size": 1.5}, "size must be an integer number"),
        ({"dataFileList": None}, "dataFileList"),
        ({"dataFileList": []}, "dataFileList"),
        (files(path=None), "dataFileList.0.path must be a string"),
        (files(path=5), "dataFileList.0.path must be a string"),
        (files(size=None), "dataFileList.0.size must be an integer number"),
        (files(time=None), "dataFileList.0.time"),
        (files(time=5), "dataFileList.0.time"),
        (files(uid=1000), "dataFileList.0.uid must be a string"),
        (files(gid=100), "dataFileList.0.gid must be a string"),
        (files(perm=0o644), "dataFileList.0.perm must be a string"),
        (files(chk=5), "dataFileList.0.chk must be a string"),
        (files(metadata={}), "property metadata should not exist"),
        ({"chkAlg": ""}, "chkAlg should not be empty"),
        ({"fooBar": 1}, "property fooBar should not exist"),
        ({"_id": "x"}, "property _id should not exist"),
        ({"id": "x"}, "property id should not exist"),
    ],
    ids=str,
)
def test_a_wrong_block_is_refused(
    service: Caller, pid: str, block_route: str, changes: dict[str, Any], message: str
) -> None:
    """400 with a list of messages, each with the path of the file; numbers are no uid, gid, perm or chk."""
    response = service.block(pid, block_route, **changes)
    assert response.status_code == 400
    assert any(message in line for line in response.json()["message"]), response.text


@pytest.mark.parametrize("name", ["datasetId", "ownerGroup"])
def test_below_a_dataset_the_path_says_whose_it_is(service: Caller, pid: str, name: str) -> None:
    """v3's route below a dataset takes neither dataset nor group."""
    changes: dict[str, Any] = {name: "x"}
    assert service.block(pid, "sub", **changes).status_code == 400


def test_the_dataset_must_be_named(service: Caller, pid: str, version: str) -> None:
    """The routes of their own need a datasetId."""
    assert service.block(pid, version, datasetId=None).status_code == 400


def test_a_block_needs_its_dataset(service: Caller, block_route: str) -> None:
    """A dataset that does not exist is a 404, for v4 if the block names a group of one's own."""
    changes: dict[str, Any] = {} if block_route == "sub" else {"ownerGroup": service.group}
    response = service.block("no/such", block_route, **changes)
    assert response.status_code == 404
    if block_route != "sub":
        assert response.json()["message"] == "Dataset: no/such not found for attaching an origdatablock"


@pytest.mark.parametrize("route", ["v3", "v4"])
def test_groups_are_the_datasets_whatever_is_sent(service: Caller, foreign_group: str, route: str) -> None:
    """A block inherits ownerGroup and accessGroups, and nobody says so."""
    pid = service.created(accessGroups=["readers"])["pid"]
    block = service.block(pid, route, ownerGroup=foreign_group, accessGroups=["others"]).json()
    assert (block["ownerGroup"], block["accessGroups"]) == (service.group, ["readers"])


def test_the_same_block_again_is_a_second_copy(service: Caller, pid: str, block_route: str) -> None:
    """Blocks have no identity of the client's: a repeat is stored and counted twice."""
    first = service.block(pid, block_route, files=3).json()
    second = service.block(pid, block_route, files=3).json()
    assert first["_id"] != second["_id"]
    found = service.read(pid)
    assert (found["size"], found["numberOfFiles"]) == (6, 6)


def test_an_empty_path_breaks_the_server_and_stores_nothing(service: Caller, pid: str, block_route: str) -> None:
    """500 with a JSON string for a body."""
    response = service.block(pid, block_route, **files(path=""))
    assert (response.status_code, response.json()) == (500, "Internal server error")
    assert service.get(f"{service.path(pid, 'v3')}/origdatablocks").json() == []


@pytest.mark.parametrize(
    "changes",
    [
        files(path="/absolute/a.h5"),
        files(path="../up.h5"),
        {"dataFileList": [FILE, FILE]},
        {"size": -5},
        {"size": 999},
        files(uid="1000", gid="100", perm="0644", chk="abc", type="file"),
    ],
    ids=str,
)
def test_nobody_looks_at_paths_and_sizes(service: Caller, pid: str, block_route: str, changes: dict[str, Any]) -> None:
    """Absolute paths, dots, doubles, negative and wrong sizes are taken."""
    assert service.block(pid, block_route, **changes).status_code == 201


def test_sizes_are_doubles(service: Caller, pid: str, block_route: str) -> None:
    """2^53 + 1 is rounded to 2^53."""
    assert service.block(pid, block_route, size=2**53 + 1).json()["size"] == 2**53


@pytest.mark.parametrize(("version", "reasons"), [("v3", "errors"), ("v4", "reason")])
def test_validity_has_reasons(service: Caller, pid: str, version: str, reasons: str) -> None:
    """v3 calls them errors, v4 reason."""
    path = f"/api/{version}/origdatablocks/isValid"
    payload = {"datasetId": pid, "ownerGroup": service.group, "size": 1, "dataFileList": [FILE]}
    good = service.post(path, payload)
    assert (good.status_code, good.json()["valid"]) == (200, True)
    bad = service.post(path, payload | {"size": "x"})
    assert (bad.status_code, bad.json()["valid"]) == (200, False)
    assert bad.json()[reasons]
    assert service.post(path, payload | {"datasetId": "no/such"}).status_code == 404


# Reading


def test_lists_are_cut_at_100_by_v3_and_10_by_v4(service: Caller, pid: str) -> None:
    """More must be asked for."""
    for _ in range(105):
        assert service.block(pid, "sub").status_code == 201
    where: dict[str, Any] = {"where": {"datasetId": pid}}
    assert len(service.get(f"{service.path(pid, 'v3')}/origdatablocks").json()) == 100
    assert len(_listed(service, "v3", where)) == 100
    assert len(_listed(service, "v4", where)) == 10
    assert len(_listed(service, "v4", where | {"limits": {"limit": 200}})) == 105
    assert len(_listed(service, "v3", where | {"limits": {"limit": 200}})) == 105


def test_a_block_is_read_by_its_id(service: Caller, pid: str, version: str) -> None:
    """GET by id, or 404."""
    key = service.block(pid).json()["_id"]
    assert service.get(f"/api/{version}/origdatablocks/{key}").json()["datasetId"] == pid
    if version == "v4":
        assert service.get("/api/v4/origdatablocks/no-such").status_code == 404


def test_an_unknown_key_in_the_filter_is_refused_by_v4(service: Caller) -> None:
    """As for datasets."""
    response = service.get("/api/v4/origdatablocks", filter=json.dumps({"where": {"fooBar": 1}}))
    assert response.status_code == 400


@pytest.mark.parametrize(("version", "again"), [("v3", 500), ("v4", 404)])
def test_deleting_a_block_twice(archive_manager: Caller, service: Caller, pid: str, version: str, again: int) -> None:
    """The second time v3 breaks and v4 finds nothing."""
    path = f"/api/{version}/origdatablocks/{service.block(pid).json()['_id']}"
    assert archive_manager.delete(path).status_code == 200
    assert archive_manager.delete(path).status_code == again


def _listed(caller: Caller, version: str, filter_: dict[str, Any]) -> list[dict[str, Any]]:
    response = caller.get(f"/api/{version}/origdatablocks", filter=json.dumps(filter_))
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()
    return found


# Totals


def _totals(caller: Caller, pid: str) -> tuple[int, int]:
    found = caller.read(pid)
    return found["size"], found["numberOfFiles"]


@pytest.mark.parametrize("route", ["v3", "v4"])
def test_the_first_block_overwrites_the_totals_of_the_dataset(service: Caller, route: str) -> None:
    """The routes of their own recompute size and numberOfFiles."""
    pid = service.created(size=1000, numberOfFiles=50)["pid"]
    assert service.block(pid, route, files=3).status_code == 201
    assert _totals(service, pid) == (3, 3)


def test_below_a_dataset_the_totals_are_added(service: Caller) -> None:
    """v3's route below a dataset counts twice what was given at creation."""
    pid = service.created(size=1000, numberOfFiles=50)["pid"]
    assert service.block(pid, "sub", files=3).status_code == 201
    assert _totals(service, pid) == (1003, 53)


def test_totals_stop_at_100_blocks_by_v3_and_10_by_v4(service: Caller, pid: str) -> None:
    """105 one-byte blocks by v3 give 100; one more by v4 gives 10; one more below the dataset 11."""
    for _ in range(105):
        assert service.block(pid, "v3").status_code == 201
    assert _totals(service, pid) == (100, 100)
    assert service.block(pid, "v4").status_code == 201
    assert _totals(service, pid) == (10, 10)
    assert service.block(pid, "sub").status_code == 201
    assert _totals(service, pid) == (11, 11)


def test_wrong_totals_can_be_patched(service: Caller, pid: str) -> None:
    """A later PATCH of size and numberOfFiles stays until the next block."""
    assert service.block(pid).status_code == 201
    service.patch(service.path(pid), {"size": 107, "numberOfFiles": 107})
    assert _totals(service, pid) == (107, 107)
    assert service.block(pid, "v4").status_code == 201
    assert _totals(service, pid) == (2, 2)


def test_a_block_changes_when_its_dataset_was_updated(service: Caller, pid: str, block_route: str) -> None:
    """The totals are written into the dataset, and updatedAt with them."""
    before = service.read(pid)["updatedAt"]
    assert service.block(pid, block_route).status_code == 201
    assert service.read(pid)["updatedAt"] > before
