from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.contract.scicat.conftest import Caller, Catalogue

THUMBNAIL = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture
def pid(service: Caller) -> str:
    """Return the pid of a new dataset of the service."""
    return str(service.created()["pid"])


def attachment_path(key: str) -> str:
    """Return v4's path of an attachment."""
    return f"/api/v4/attachments/{quote(key, safe='')}"


# v3


def test_v3_answers_with_an_id_of_the_servers(service: Caller, pid: str) -> None:
    """`_id` and `id` are the same; there is no `aid`."""
    response = service.attachment(pid, thumbnail=THUMBNAIL)
    assert response.status_code == 201
    attachment = response.json()
    assert attachment["_id"] == attachment["id"]
    assert "aid" not in attachment
    assert (attachment["caption"], attachment["thumbnail"]) == ("a picture", THUMBNAIL)


@pytest.mark.parametrize("name", ["caption", "ownerGroup"])
def test_v3_wants_caption_and_owner_group(service: Caller, pid: str, name: str) -> None:
    """Each missing one is a 400 that names it."""
    changes: dict[str, Any] = {name: None}
    response = service.attachment(pid, **changes)
    assert response.status_code == 400
    assert name in response.text


@pytest.mark.parametrize(
    "changes", [{"aid": "x"}, {"isPublished": True}, {"relationships": []}, {"fooBar": 1}], ids=str
)
def test_v3_refuses_what_v4_has(service: Caller, pid: str, changes: dict[str, Any]) -> None:
    """v3 has no aid, no isPublished and no relationships."""
    assert service.attachment(pid, **changes).status_code == 400


def test_v3_ignores_id_and_dataset(service: Caller, pid: str) -> None:
    """The path says which dataset it is, the server which id."""
    attachment = service.attachment(pid, id="mine", datasetId="other").json()
    assert attachment["id"] != "mine"
    (found,) = service.read(pid, include="attachments")["attachments"]
    assert found["_id"] == attachment["_id"]


def test_v3_takes_the_group_of_the_dataset_and_the_access_groups_sent(
    service: Caller, pid: str, foreign_group: str
) -> None:
    """Unlike a block, an attachment does not inherit accessGroups."""
    attachment = service.attachment(pid, ownerGroup=foreign_group, accessGroups=["readers"]).json()
    assert (attachment["ownerGroup"], attachment["accessGroups"]) == (service.group, ["readers"])


def test_the_same_attachment_by_v3_is_a_second_copy(service: Caller, pid: str) -> None:
    """A repeat is stored again."""
    assert service.attachment(pid).json()["_id"] != service.attachment(pid).json()["_id"]
    assert len(service.get(f"{service.path(pid, 'v3')}/attachments").json()) == 2


@pytest.mark.parametrize("thumbnail", ["no data url", ""])
def test_nobody_looks_at_thumbnails(service: Caller, pid: str, thumbnail: str) -> None:
    """What is no data URL is taken too."""
    assert service.attachment(pid, thumbnail=thumbnail).status_code == 201


def test_v3_needs_the_dataset(service: Caller) -> None:
    """A dataset that does not exist is a 404."""
    assert service.attachment("no/such").status_code == 404


def test_there_is_no_v3_route_of_their_own(service: Caller) -> None:
    """v3 has attachments below datasets only."""
    assert service.get("/api/v3/attachments").status_code == 404
    assert service.post("/api/v3/attachments", {"caption": "c", "ownerGroup": "g"}).status_code == 404


def test_v3_attachments_show_in_v4_with_a_relationship(service: Caller, pid: str) -> None:
    """They are stored alike."""
    key = service.attachment(pid).json()["_id"]
    found = service.get(attachment_path(key)).json()
    assert found["aid"] == key
    (relation,) = found["relationships"]
    assert (relation["targetId"], relation["targetType"]) == (pid, "dataset")


# v4


def test_v4_lets_the_client_choose_the_aid(admin: Caller, pid: str) -> None:
    """The aid becomes the id; a slash in it is encoded in the path."""
    aid = f"mine/{uuid.uuid4()}"
    response = admin.attachment(pid, "v4", aid=aid)
    assert response.status_code == 201
    assert response.json()["aid"] == response.json()["_id"] == aid
    assert admin.get(attachment_path(aid)).json()["caption"] == "a picture"


def test_v4_makes_an_aid_if_none_is_sent(admin: Caller, pid: str) -> None:
    """The server's is a UUID."""
    attachment = admin.attachment(pid, "v4").json()
    assert uuid.UUID(attachment["aid"])


def test_a_taken_aid_breaks_the_server(admin: Caller, pid: str) -> None:
    """Not 409: 500 with a JSON string. GET tells whether it is there."""
    aid = str(uuid.uuid4())
    assert admin.attachment(pid, "v4", aid=aid).status_code == 201
    response = admin.attachment(pid, "v4", aid=aid)
    assert (response.status_code, response.json()) == (500, "Internal server error")
    assert admin.get(attachment_path(aid)).status_code == 200


@pytest.mark.parametrize("name", ["caption", "ownerGroup", "isPublished"])
def test_v4_wants_caption_group_and_publication(admin: Caller, pid: str, name: str) -> None:
    """Each missing one is a 400 that names it."""
    changes: dict[str, Any] = {name: None}
    response = admin.attachment(pid, "v4", **changes)
    assert response.status_code == 400
    assert name in response.text


def test_v4_takes_the_group_that_is_sent(admin: Caller, pid: str, foreign_group: str) -> None:
    """It is not compared with the dataset's."""
    attachment = admin.attachment(pid, "v4", ownerGroup=foreign_group).json()
    assert attachment["ownerGroup"] == foreign_group


def test_v4_relations_have_a_default_type_and_need_no_target(admin: Caller) -> None:
    """What it is attached to is not looked up."""
    response = admin.attachment("no/such", "v4")
    assert response.status_code == 201
    assert response.json()["relationships"][0]["relationType"] == "is attached to"


@pytest.mark.parametrize("target", ["dataset", "proposal", "sample", "published_data"])
def test_v4_relations_have_four_targets(admin: Caller, target: str) -> None:
    """And no other."""
    relation = {"targetId": "x", "targetType": target}
    assert admin.attachment("x", "v4", relationships=[relation]).status_code == 201
    assert admin.attachment("x", "v4", relationships=[relation | {"targetType": "friend"}]).status_code == 400


def test_validity_has_reasons(admin: Caller) -> None:
    """IsValid of v4 tells why not."""
    good = {"caption": "c", "ownerGroup": admin.group, "isPublished": False}
    assert admin.post("/api/v4/attachments/isValid", good).json()["valid"] is True
    bad = admin.post("/api/v4/attachments/isValid", {"caption": "c"})
    assert (bad.status_code, bad.json()["valid"]) == (200, False)
    assert bad.json()["reason"]


def test_a_missing_attachment_is_404(service: Caller) -> None:
    """GET by aid."""
    assert service.get(attachment_path("no/such")).status_code == 404


def test_admins_patch_and_put(admin: Caller, pid: str) -> None:
    """PATCH changes, PUT replaces; the aid stays."""
    aid = admin.attachment(pid, "v4", thumbnail=THUMBNAIL).json()["aid"]
    patched = admin.patch(attachment_path(aid), {"caption": "new"})
    assert (patched.status_code, patched.json()["caption"]) == (200, "new")
    assert patched.json()["thumbnail"] == THUMBNAIL
    replacement = {"caption": "newer", "ownerGroup": admin.group, "isPublished": True}
    replaced = admin.put(attachment_path(aid), replacement)
    assert (replaced.status_code, replaced.json()["caption"]) == (200, "newer")
    assert admin.get(attachment_path(aid)).json()["aid"] == aid


def test_access_groups_give_no_right_to_patch(admin: Caller, ingestor: Caller, pid: str) -> None:
    """An ingestor whose group is in accessGroups reads it and no more."""
    aid = admin.attachment(pid, "v4", accessGroups=[ingestor.group]).json()["aid"]
    assert ingestor.get(attachment_path(aid)).status_code == 200
    assert ingestor.patch(attachment_path(aid), {"caption": "x"}).status_code == 403


@pytest.mark.parametrize("account", ["admin", "archiveManager"])
def test_deleting_twice_is_404(catalogue: Catalogue, admin: Caller, pid: str, account: str) -> None:
    """DELETE_GROUPS and admins delete attachments."""
    path = attachment_path(admin.attachment(pid, "v4").json()["aid"])
    caller = catalogue.caller(account)
    assert caller.delete(path).status_code == 200
    assert caller.delete(path).status_code == 404


def test_lists_show_what_the_attachments_own_groups_allow(admin: Caller, ingestor: Caller, foreign_group: str) -> None:
    """A dataset that one may read does not show an attachment that one may not."""
    pid = ingestor.created(ownerGroup=foreign_group, accessGroups=[ingestor.group])["pid"]
    hidden = ingestor.attachment(pid, ownerGroup=foreign_group).json()["_id"]
    shown = ingestor.attachment(pid, ownerGroup=foreign_group, accessGroups=[ingestor.group]).json()["_id"]
    filter_ = json.dumps({"where": {"relationships.targetId": pid}, "limits": {"limit": 100}})
    seen = ingestor.get("/api/v4/attachments", filter=filter_).json()
    assert [attachment["aid"] for attachment in seen] == [shown]
    everything = admin.get("/api/v4/attachments", filter=filter_).json()
    assert {attachment["aid"] for attachment in everything} == {hidden, shown}
    refused = ingestor.get(attachment_path(hidden))
    assert refused.status_code == 403
    assert refused.json()["message"] == "Unauthorized to this attachment"
