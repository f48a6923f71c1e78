from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.scicat.conftest import Caller, Catalogue

FORBIDDEN = "Forbidden resource"

MAY_CREATE = [
    ("admin", 201, 201, 201),
    ("ingestor", 201, 201, 201),
    ("pidUser", 201, 201, 403),
    ("plainUser", 201, 403, 403),
    ("guest", 403, 403, 403),
]
"""Account; own group without a pid; own group with one; foreign group."""

MAY_WRITE_BELOW = [
    ("admin", 201, 201),
    ("ingestor", 201, 201),
    ("pidUser", 201, 403),
    ("plainUser", 201, 403),
    ("guest", 403, 403),
]
"""Account; a dataset of its own group; a foreign one. By v3."""


@pytest.mark.parametrize(("account", "status"), [(row[0], row[1]) for row in MAY_CREATE])
def test_creating_without_a_pid_in_ones_own_group(
    catalogue: Catalogue, account: str, status: int, version: str
) -> None:
    """Every account but a guest may create datasets of its own group when the server chooses the pid."""
    assert catalogue.caller(account).create(version, drop=("pid",)).status_code == status


@pytest.mark.parametrize(("account", "status"), [(row[0], row[2]) for row in MAY_CREATE])
def test_creating_with_a_pid_in_ones_own_group(catalogue: Catalogue, account: str, status: int, version: str) -> None:
    """A pid of one's own needs CREATE_DATASET_WITH_PID_GROUPS, privilege or admin."""
    assert catalogue.caller(account).create(version).status_code == status


@pytest.mark.parametrize("drop", [(), ("pid",)], ids=["with a pid", "without"])
@pytest.mark.parametrize(("account", "status"), [(row[0], row[3]) for row in MAY_CREATE])
def test_creating_for_a_foreign_group(
    catalogue: Catalogue, foreign_group: str, account: str, status: int, version: str, drop: tuple[str, ...]
) -> None:
    """A foreign ownerGroup needs privilege or admin."""
    response = catalogue.caller(account).create(version, ownerGroup=foreign_group, drop=drop)
    assert response.status_code == status


@pytest.mark.parametrize(
    ("version", "message"), [("v3", "Unauthorized to create this dataset"), ("v4", "Unauthorized access")]
)
def test_a_refused_group_is_named_by_the_message(
    plain_user: Caller, foreign_group: str, version: str, message: str
) -> None:
    """These texts are real refusals; "Forbidden resource" may also be a dead token."""
    response = plain_user.create(version, ownerGroup=foreign_group, drop=("pid",))
    assert response.json() == {"message": message, "error": "Forbidden", "statusCode": 403}


def test_a_guest_is_refused_by_the_guard(catalogue: Catalogue, version: str) -> None:
    """Who may not create at all is told what a dead token is told."""
    assert catalogue.caller("guest").create(version).json()["message"] == FORBIDDEN


def test_the_payload_is_checked_before_the_group(plain_user: Caller, foreign_group: str, version: str) -> None:
    """A wrong payload for a foreign group is a 400, not a 403."""
    assert plain_user.create(version, ownerGroup=foreign_group, fooBar=1, drop=("pid",)).status_code == 400


@pytest.mark.parametrize(
    ("account", "status"), [("admin", 200), ("ingestor", 403), ("pidUser", 403), ("plainUser", 403), ("guest", 403)]
)
def test_reading_a_foreign_dataset(
    catalogue: Catalogue, ingestor: Caller, foreign_group: str, account: str, status: int, version: str
) -> None:
    """Not even the privileged account that made it may read a dataset of a foreign group."""
    pid = ingestor.created(ownerGroup=foreign_group)["pid"]
    caller = catalogue.caller(account)
    response = caller.get(caller.path(pid, version))
    assert response.status_code == status
    if status == 403:
        assert response.json()["message"] == "Unauthorized access"
    assert len(caller.listed(pid, version)) == (status == 200)


def test_access_groups_give_reading_and_nothing_else(ingestor: Caller, foreign_group: str, version: str) -> None:
    """With its group in accessGroups the privileged account reads dataset, blocks and includes, and may not PATCH."""
    pid = ingestor.created(ownerGroup=foreign_group, accessGroups=[ingestor.group])["pid"]
    assert ingestor.block(pid, "v3").status_code == 201
    path = ingestor.path(pid, version)
    assert ingestor.get(path).status_code == 200
    assert len(ingestor.listed(pid, version)) == 1
    assert len(ingestor.get(f"{ingestor.path(pid, 'v3')}/origdatablocks").json()) == 1
    assert len(ingestor.read(pid, "v4", include="origdatablocks")["origdatablocks"]) == 1
    assert ingestor.patch(path, {"comment": "mine"}).status_code == 403


def test_existence_shows_before_permission(ingestor: Caller, foreign_group: str, version: str) -> None:
    """A dataset that one may not see is a 403, a missing one a 404."""
    pid = ingestor.created(ownerGroup=foreign_group)["pid"]
    assert ingestor.get(ingestor.path(pid, version)).status_code == 403
    assert ingestor.get(ingestor.path(f"{pid}-not", version)).status_code == 404


@pytest.mark.parametrize(("account", "status"), [("admin", 200), ("ingestor", 403), ("plainUser", 403), ("guest", 403)])
def test_patching_a_foreign_dataset(
    catalogue: Catalogue, ingestor: Caller, foreign_group: str, account: str, status: int, version: str
) -> None:
    """Changing a dataset needs admin or its ownerGroup; privilege gives nothing."""
    pid = ingestor.created(ownerGroup=foreign_group)["pid"]
    caller = catalogue.caller(account)
    assert caller.patch(caller.path(pid, version), {"comment": "x"}).status_code == status


def test_owners_may_patch(ingestor: Caller, plain_user: Caller, version: str) -> None:
    """A member of the ownerGroup changes a dataset that somebody else made."""
    pid = ingestor.created(ownerGroup=plain_user.group)["pid"]
    assert plain_user.patch(plain_user.path(pid, version), {"comment": "x"}).status_code == 200


@pytest.mark.parametrize("route", ["v3", "sub"])
@pytest.mark.parametrize(("account", "own", "foreign"), MAY_WRITE_BELOW)
def test_writing_blocks_by_v3(
    catalogue: Catalogue, ingestor: Caller, foreign_group: str, account: str, own: int, foreign: int, route: str
) -> None:
    """v3 takes blocks from a privileged account for any dataset, from others for their own group's."""
    caller = catalogue.caller(account)
    assert caller.block(ingestor.created(ownerGroup=caller.group)["pid"], route).status_code == own
    assert caller.block(ingestor.created(ownerGroup=foreign_group)["pid"], route).status_code == foreign


@pytest.mark.parametrize(
    ("account", "own", "foreign"),
    [("admin", 201, 201), ("ingestor", 201, 403), ("pidUser", 201, 403), ("plainUser", 201, 403), ("guest", 403, 403)],
)
def test_writing_blocks_by_v4(
    catalogue: Catalogue, ingestor: Caller, foreign_group: str, account: str, own: int, foreign: int
) -> None:
    """v4 wants the ownerGroup, from privileged accounts too; being in accessGroups is not enough."""
    caller = catalogue.caller(account)
    assert caller.block(ingestor.created(ownerGroup=caller.group)["pid"], "v4").status_code == own
    foreign_pid = ingestor.created(ownerGroup=foreign_group, accessGroups=[caller.group])["pid"]
    assert caller.block(foreign_pid, "v4").status_code == foreign


@pytest.mark.parametrize(("account", "own", "foreign"), MAY_WRITE_BELOW)
def test_writing_attachments_by_v3(
    catalogue: Catalogue, ingestor: Caller, foreign_group: str, account: str, own: int, foreign: int
) -> None:
    """v3 takes attachments from a privileged account for any dataset, from others for their own group's."""
    caller = catalogue.caller(account)
    assert caller.attachment(ingestor.created(ownerGroup=caller.group)["pid"]).status_code == own
    assert caller.attachment(ingestor.created(ownerGroup=foreign_group)["pid"]).status_code == foreign


@pytest.mark.parametrize("route", ["attachments", "attachments/isValid"])
@pytest.mark.parametrize("account", ["ingestor", "pidUser", "plainUser", "guest"])
def test_v4_attachments_are_for_admins(catalogue: Catalogue, account: str, route: str) -> None:
    """Whatever ATTACHMENT_GROUPS says, the v4 endpoint lets nobody in but admins."""
    caller = catalogue.caller(account)
    body = {"caption": "c", "ownerGroup": caller.group, "isPublished": False}
    response = caller.post(f"/api/v4/{route}", body)
    assert response.status_code == 403
    assert response.json()["message"] == FORBIDDEN


@pytest.mark.parametrize("account", ["admin", "ingestor", "pidUser", "plainUser", "guest"])
def test_deleting_datasets_needs_delete_groups(
    catalogue: Catalogue, ingestor: Caller, account: str, version: str
) -> None:
    """Not even admins or owners may delete a dataset."""
    caller = catalogue.caller(account)
    pid = ingestor.created(ownerGroup=caller.group)["pid"]
    response = caller.delete(caller.path(pid, version))
    assert response.status_code == 403
    assert response.json()["message"] == FORBIDDEN


@pytest.mark.parametrize("account", ["admin", "ingestor", "plainUser", "guest"])
def test_deleting_blocks_needs_delete_groups(
    catalogue: Catalogue, ingestor: Caller, account: str, version: str
) -> None:
    """Blocks are deleted by DELETE_GROUPS only."""
    caller = catalogue.caller(account)
    block = ingestor.block(ingestor.created(ownerGroup=caller.group)["pid"]).json()
    assert caller.delete(f"/api/{version}/origdatablocks/{block['_id']}").status_code == 403


def test_the_archive_manager_deletes_any_dataset(
    archive_manager: Caller, ingestor: Caller, foreign_group: str, version: str
) -> None:
    """DELETE_GROUPS may delete what they cannot change; a second time it is gone."""
    pid = ingestor.created(ownerGroup=foreign_group)["pid"]
    path = archive_manager.path(pid, version)
    assert archive_manager.delete(path).status_code == 200
    assert archive_manager.delete(path).status_code == 404


@pytest.mark.parametrize(
    ("account", "status"), [("admin", 200), ("archiveManager", 200), ("ingestor", 403), ("plainUser", 403)]
)
def test_changing_a_foreign_life_cycle(
    catalogue: Catalogue, ingestor: Caller, foreign_group: str, account: str, status: int, version: str
) -> None:
    """UPDATE_DATASET_LIFECYCLE_GROUPS and admins may change any life cycle, a merely privileged account may not."""
    pid = ingestor.created(ownerGroup=foreign_group, datasetlifecycle={"archivable": False})["pid"]
    caller = catalogue.caller(account)
    response = caller.patch(f"{caller.path(pid, version)}/datasetlifecycle", {"archivable": True})
    assert response.status_code == status


@pytest.mark.parametrize("route", ["datasets/isValid", "datasets"])
def test_validity_is_told_to_those_who_may_create(
    plain_user: Caller, foreign_group: str, version: str, route: str
) -> None:
    """It asks for the same rights as POST."""
    payload = plain_user.dataset(version, ownerGroup=foreign_group, drop=("pid",))
    assert plain_user.post(f"/api/{version}/{route}", payload).status_code == 403
