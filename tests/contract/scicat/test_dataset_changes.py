from __future__ import annotations

import email.utils
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.scicat.conftest import Caller

MERGE = "application/merge-patch+json"


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 7, "numberOfFiles": 3},
        {"comment": "later"},
        {"keywords": ["a"]},
        {"isPublished": True},
        {},
    ],
    ids=str,
)
def test_patch_changes_what_it_names(service: Caller, version: str, changes: dict[str, Any]) -> None:
    """200 with the document; an empty change is none."""
    before = service.created(version)
    response = service.patch(service.path(before["pid"], version), changes)
    assert response.status_code == 200
    after = response.json()
    assert {name: after[name] for name in changes} == changes
    assert after["datasetName"] == before["datasetName"]
    assert service.read(before["pid"], version)["updatedAt"] == after["updatedAt"]


@pytest.mark.parametrize("name", ["pid", "type", "createdBy", "fooBar"])
def test_patch_refuses_what_is_not_the_clients(service: Caller, version: str, name: str) -> None:
    """Pid and type stay; so does what the server keeps."""
    pid = service.created(version)["pid"]
    response = service.patch(service.path(pid, version), {name: "x"})
    assert response.status_code == 400
    assert f"property {name} should not exist" in response.text


def test_patching_a_missing_dataset_is_404(service: Caller, version: str) -> None:
    """There is nothing to change."""
    assert service.patch(service.path("no/such", version), {"comment": "x"}).status_code == 404


def test_the_owner_group_may_be_given_away(service: Caller, foreign_group: str, version: str) -> None:
    """OwnerGroup is a field like others, and then the owner is none any more."""
    path = service.path(service.created(version)["pid"], version)
    assert service.patch(path, {"ownerGroup": foreign_group}).status_code == 200
    assert service.patch(path, {"ownerGroup": service.group}).status_code == 403


def test_patch_replaces_metadata_whole(service: Caller, version: str) -> None:
    """With `application/json` what is not sent is gone."""
    pid = service.created(version, scientificMetadata={"a": 1, "b": 2})["pid"]
    service.patch(service.path(pid, version), {"scientificMetadata": {"b": 3}})
    assert service.read(pid, version)["scientificMetadata"] == {"b": 3}


@pytest.mark.parametrize(("version", "expected"), [("v3", {"b": 3}), ("v4", {"a": 1, "b": 3})])
def test_a_merge_patch_merges_by_v4_only(service: Caller, version: str, expected: dict[str, int]) -> None:
    """v3 takes the content type and replaces all the same."""
    pid = service.created(version, scientificMetadata={"a": 1, "b": 2})["pid"]
    path = service.path(pid, version)
    response = service.patch(path, {"scientificMetadata": {"b": 3}}, content_type=MERGE)
    assert response.status_code == 200
    assert service.read(pid, version)["scientificMetadata"] == expected


def test_patching_the_life_cycle_inside_a_dataset_resets_the_rest(service: Caller, version: str) -> None:
    """The fields that are not sent fall back to their defaults."""
    pid = service.created(version, datasetlifecycle={"archivable": False})["pid"]
    service.patch(service.path(pid, version), {"datasetlifecycle": {"retrievable": True}})
    lifecycle = service.read(pid, version)["datasetlifecycle"]
    assert (lifecycle["archivable"], lifecycle["retrievable"]) == (True, True)


def test_patching_the_life_cycle_by_its_own_route_keeps_the_rest(admin: Caller, version: str) -> None:
    """The answer is the life cycle, with the other fields as they were."""
    pid = admin.created(version, datasetlifecycle={"archivable": False})["pid"]
    path = f"{admin.path(pid, version)}/datasetlifecycle"
    response = admin.patch(path, {"retrievable": True})
    assert response.status_code == 200
    assert (response.json()["archivable"], response.json()["retrievable"]) == (False, True)
    assert admin.get(path).json() == response.json()


# If-Unmodified-Since


def _updated(dataset: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(dataset["updatedAt"])


@pytest.mark.parametrize("later", [timedelta(0), timedelta(seconds=-2)])
def test_a_dataset_that_changed_is_412(service: Caller, version: str, later: timedelta) -> None:
    """A date that is not later than updatedAt, even the same, refuses the change."""
    dataset = service.created(version)
    since = (_updated(dataset) + later).isoformat()
    response = service.patch(service.path(dataset["pid"], version), {"comment": "x"}, if_unmodified_since=since)
    assert response.status_code == 412
    assert response.json()["message"] == "Resource has been modified on server"
    assert "comment" not in service.read(dataset["pid"], version)


def test_a_millisecond_later_is_enough(service: Caller, version: str) -> None:
    """The date must be strictly later; ISO 8601 is understood."""
    dataset = service.created(version)
    since = (_updated(dataset) + timedelta(milliseconds=1)).isoformat()
    path = service.path(dataset["pid"], version)
    assert service.patch(path, {"comment": "x"}, if_unmodified_since=since).status_code == 200


def test_an_http_date_is_understood(service: Caller, version: str) -> None:
    """So is the header's own format, which has no milliseconds."""
    dataset = service.created(version)
    path = service.path(dataset["pid"], version)
    later = email.utils.format_datetime(_updated(dataset) + timedelta(seconds=2), usegmt=True)
    earlier = email.utils.format_datetime(_updated(dataset) - timedelta(seconds=2), usegmt=True)
    assert service.patch(path, {"comment": "x"}, if_unmodified_since=earlier).status_code == 412
    assert service.patch(path, {"comment": "x"}, if_unmodified_since=later).status_code == 200


# PUT and DELETE


def test_put_replaces(service: Caller, version: str) -> None:
    """What is not sent is gone; the pid stays."""
    before = service.created(version, comment="old", keywords=["old"])
    response = service.put(service.path(before["pid"], version), service.dataset(version, drop=("pid", "type")))
    assert response.status_code == 200
    after = service.read(before["pid"], version)
    assert not after.get("comment")
    assert after["keywords"] == []


def test_put_creates_nothing(service: Caller, version: str) -> None:
    """A missing dataset is a 404."""
    response = service.put(service.path("no/such", version), service.dataset(version, drop=("pid", "type")))
    assert response.status_code == 404


def test_blocks_and_attachments_of_a_deleted_dataset_come_back(
    archive_manager: Caller, service: Caller, version: str
) -> None:
    """They stay as orphans and belong to the next dataset with that pid, whose totals are 0."""
    pid = service.created(version)["pid"]
    assert service.block(pid, files=3).status_code == 201
    assert service.attachment(pid).status_code == 201
    assert archive_manager.delete(archive_manager.path(pid, version)).status_code == 200
    assert service.get(service.path(pid, version)).status_code == 404
    service.created(version, pid=pid)
    found = service.read(pid, "v4", include=["origdatablocks", "attachments"])
    assert (len(found["origdatablocks"]), len(found["attachments"])) == (1, 1)
    assert (found["size"], found["numberOfFiles"]) == (0, 0)
