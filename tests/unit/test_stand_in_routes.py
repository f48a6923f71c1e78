"""Routes of the stand-in that were read in the backend's source, but not measured: they stay out of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator

TIME = "2026-11-23T10:00:00Z"
FILE = {"path": "a.h5", "size": 1, "time": TIME}
BELOW = "/api/v3/datasets/p%2F1"


class Client(httpx.Client):
    """A client that can speak for another account."""

    def speak_as(self, username: str) -> None:
        """Use this account from now on."""
        credentials = {"username": username, "password": f"{username}-password"}
        token = self.post("/api/v3/auth/login", json=credentials).json()["id"]
        self.headers["Authorization"] = f"Bearer {token}"


@pytest.fixture
def client() -> Iterator[Client]:
    """Log the plain user in, who has a dataset with a block of one file and an attachment."""
    with StandInThread() as stand_in, Client(base_url=stand_in.url) as made:
        made.speak_as("ingestor")
        dataset = {
            "pid": "p/1",
            "type": "raw",
            "ownerGroup": "p1001",
            "owner": "o",
            "contactEmail": "a@example.org",
            "sourceFolder": "/data/a",
            "creationTime": TIME,
            "datasetName": "n",
        }
        assert made.post("/api/v4/datasets", json=dataset).status_code == 201
        made.speak_as("plainUser")
        assert made.post(f"{BELOW}/origdatablocks", json={"size": 1, "dataFileList": [FILE]}).status_code == 201
        body = {"caption": "c", "ownerGroup": "p1001", "thumbnail": "data:image/png;base64,AA=="}
        assert made.post(f"{BELOW}/attachments", json=body).status_code == 201
        yield made


def first(client: Client, what: str) -> dict[str, Any]:
    """Return the first block or attachment of the dataset."""
    found: dict[str, Any] = client.get(f"{BELOW}/{what}").json()[0]
    return found


@pytest.mark.parametrize(
    "path", ["/api/v3/origdatablocks/{}", "/api/v4/origdatablocks/{}", BELOW + "/origdatablocks/{}"]
)
def test_owners_change_blocks_and_the_totals_follow(client: Client, path: str) -> None:
    """A new list of files gets new ids; size and number of files of the dataset are computed anew."""
    block = first(client, "origdatablocks")
    changes = {"size": 5, "dataFileList": [FILE, FILE]}
    response = client.patch(path.format(block["_id"]), json=changes)
    assert response.status_code == 200
    assert len({file["_id"] for file in response.json()["dataFileList"]}) == 2
    dataset = client.get(BELOW).json()
    assert (dataset["size"], dataset["numberOfFiles"]) == (5, 2)
    client.speak_as("ingestor")
    assert client.patch(path.format(block["_id"]), json={"size": 6}).status_code == 403


def test_a_block_that_changed_is_412(client: Client) -> None:
    """Blocks know If-Unmodified-Since too."""
    block = first(client, "origdatablocks")
    headers = {"If-Unmodified-Since": block["updatedAt"]}
    response = client.patch(f"/api/v4/origdatablocks/{block['_id']}", json={"size": 5}, headers=headers)
    assert response.status_code == 412


def test_blocks_are_counted_and_checked_below_a_dataset(client: Client) -> None:
    """v3's count and isValid."""
    path = f"{BELOW}/origdatablocks"
    assert client.get(f"{path}/count").json() == {"count": 1}
    assert client.post(f"{path}/isValid", json={"size": 1, "dataFileList": [FILE]}).json()["valid"] is True
    assert client.post(f"{path}/isValid", json={"size": 1, "dataFileList": []}).json()["valid"] is False
    assert client.post("/api/v3/datasets/no/origdatablocks/isValid", json={}).status_code == 404


def test_blocks_show_their_dataset(client: Client) -> None:
    """The one relation that blocks have."""
    response = client.get("/api/v4/origdatablocks", params={"filter": '{"include": ["dataset"]}'})
    assert response.json()[0]["dataset"][0]["pid"] == "p/1"


def test_foreign_blocks_are_forbidden(client: Client) -> None:
    """A block that one may not see is a 403."""
    block = first(client, "origdatablocks")
    client.speak_as("guest")
    assert client.get(f"/api/v4/origdatablocks/{block['_id']}").status_code == 403
    assert client.get("/api/v4/origdatablocks").json() == []


def test_all_blocks_of_a_dataset_are_deleted_at_once(client: Client) -> None:
    """DELETE_GROUPS empty a dataset; its totals are 0 then."""
    client.speak_as("archiveManager")
    assert client.delete(f"{BELOW}/origdatablocks").status_code == 200
    assert client.delete("/api/v3/datasets/no/origdatablocks").status_code == 404
    client.speak_as("admin")
    dataset = client.get(BELOW).json()
    assert (dataset["size"], dataset["numberOfFiles"]) == (0, 0)


def test_too_many_files_break_the_server(client: Client) -> None:
    """150 000 files were a 500, 100 000 were not."""
    block = {"size": 1, "dataFileList": [FILE] * 125_001}
    assert client.post(f"{BELOW}/origdatablocks", json=block, timeout=60).status_code == 500
    assert client.get(f"{BELOW}/origdatablocks/count").json() == {"count": 1}


def test_owners_change_and_delete_attachments_by_v3(client: Client) -> None:
    """PUT changes what it names, DELETE removes; both want the attachment to be the dataset's."""
    key = first(client, "attachments")["id"]
    assert client.get(f"{BELOW}/attachments/count").json() == {"count": 1}
    changed = client.put(f"{BELOW}/attachments/{key}", json={"caption": "new"})
    assert (changed.status_code, changed.json()["caption"]) == (200, "new")
    assert changed.json()["thumbnail"]
    assert client.put(f"{BELOW}/attachments/no-such", json={"caption": "new"}).status_code == 404
    assert client.delete(f"{BELOW}/attachments/{key}").status_code == 200
    assert client.delete(f"{BELOW}/attachments/{key}").status_code == 404


def test_strangers_do_not_delete_attachments_by_v3(client: Client) -> None:
    """Privilege to create is none to delete."""
    key = first(client, "attachments")["id"]
    client.speak_as("ingestor")
    assert client.delete(f"{BELOW}/attachments/{key}").status_code == 403


def test_a_merge_patch_resets_an_attachments_field(client: Client) -> None:
    """Null in `application/json` changes nothing, in a merge patch it removes."""
    path = f"/api/v4/attachments/{first(client, 'attachments')['id']}"
    client.speak_as("admin")
    assert client.patch(path, json={"thumbnail": None}).json()["thumbnail"]
    headers = {"Content-Type": "application/merge-patch+json"}
    assert "thumbnail" not in client.patch(path, content='{"thumbnail": null}', headers=headers).json()


def test_an_attachment_put_elsewhere_follows(client: Client) -> None:
    """Relationships decide whose attachment it is."""
    path = f"/api/v4/attachments/{first(client, 'attachments')['id']}"
    client.speak_as("admin")
    relationships = [{"targetId": "p/2", "targetType": "dataset"}]
    assert client.patch(path, json={"relationships": relationships}).status_code == 200
    assert client.get(f"{BELOW}/attachments").json() == []


def test_the_first_thumbnail_stands_for_the_dataset(client: Client) -> None:
    """An empty object if there is none."""
    assert client.get(f"{BELOW}/thumbnail").json()["thumbnail"].startswith("data:")
    client.delete(f"{BELOW}/attachments/{first(client, 'attachments')['id']}")
    assert client.get(f"{BELOW}/thumbnail").json() == {}


@pytest.mark.parametrize(("changes", "status"), [({}, 400), ({"archivable": True}, 409), ({"archivable": None}, 200)])
def test_a_life_cycle_changes_or_is_refused(client: Client, changes: dict[str, Any], status: int) -> None:
    """Nothing is a 400, what is so already a 409, null the default."""
    assert client.patch(f"{BELOW}/datasetlifecycle", json=changes).status_code == status


def test_the_life_cycle_of_a_missing_dataset_is_404(client: Client) -> None:
    """It is looked for before rights are."""
    assert client.patch("/api/v3/datasets/no/datasetlifecycle", json={"archivable": False}).status_code == 404


def test_a_merge_patch_resets_a_datasets_field(client: Client) -> None:
    """Null in a merge patch by v4 removes a value; in `application/json` it changes nothing."""
    path = BELOW.replace("v3", "v4")
    assert client.patch(path, json={"comment": "c"}).json()["comment"] == "c"
    assert client.patch(path, json={"comment": None}).json()["comment"] == "c"
    headers = {"Content-Type": "application/merge-patch+json"}
    assert client.patch(path, content='{"comment": null}', headers=headers).json()["comment"] is None


def test_proposals_are_hidden_from_strangers(client: Client) -> None:
    """Readers are owners, accessGroups and admins; a dataset shows those of its proposals that one may see."""
    client.speak_as("proposalIngestor")
    proposal = {"proposalId": "x", "title": "t", "email": "a@example.org", "ownerGroup": "p1001"}
    assert client.post("/api/v3/proposals", json=proposal).status_code == 201
    assert client.post("/api/v3/proposals", json=proposal | {"proposalId": ""}).status_code == 400
    assert client.get("/api/v3/proposals/x").status_code == 403
    assert client.get("/api/v3/proposals/y").status_code == 404
    client.speak_as("plainUser")
    assert client.get("/api/v3/proposals/x").json()["title"] == "t"
    client.patch(BELOW.replace("v3", "v4"), json={"proposalIds": ["x"]})
    found = client.get(BELOW.replace("v3", "v4"), params={"include": "proposals"}).json()
    assert [proposal["proposalId"] for proposal in found["proposals"]] == ["x"]
