from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contract.scicat.conftest import Caller


def test_health_needs_no_login(anonymous: Caller) -> None:
    """It says that the database is up."""
    response = anonymous.get("/api/v3/health")
    assert response.status_code == 200
    assert response.json()["status"] == "ok"
    assert response.json()["info"]["mongodb"]["status"] == "up"


def test_anyone_resolves_an_instrument_by_name(admin: Caller, anonymous: Caller) -> None:
    """The list, findOne and GET by pid answer without a login."""
    name = f"instrument {uuid.uuid4()}"
    response = admin.post("/api/v3/instruments", {"name": name, "uniqueName": name})
    assert response.status_code == 201
    pid = response.json()["pid"]
    where = json.dumps({"where": {"name": name}})
    assert [found["pid"] for found in anonymous.get("/api/v3/instruments", filter=where).json()] == [pid]
    assert anonymous.get("/api/v3/instruments/findOne", filter=where).json()["pid"] == pid


def test_no_instrument_is_an_empty_body(anonymous: Caller) -> None:
    """FindOne without a hit: 200 with nothing."""
    where = json.dumps({"where": {"name": f"no-such {uuid.uuid4()}"}})
    response = anonymous.get("/api/v3/instruments/findOne", filter=where)
    assert (response.status_code, response.content) == (200, b"")
    assert anonymous.get("/api/v3/instruments", filter=where).json() == []


def test_instruments_are_made_by_admins_and_have_no_pid_of_the_clients(admin: Caller, service: Caller) -> None:
    """A pid is a 400, a taken uniqueName a 409."""
    instrument = {"name": "x", "uniqueName": str(uuid.uuid4())}
    assert admin.post("/api/v3/instruments", instrument | {"pid": "mine"}).status_code == 400
    assert admin.post("/api/v3/instruments", instrument).status_code == 201
    assert admin.post("/api/v3/instruments", instrument).status_code == 409
    if service.username != admin.username:
        assert service.post("/api/v3/instruments", instrument | {"uniqueName": "y"}).status_code == 403


def test_a_proposal_counts_its_datasets(admin: Caller) -> None:
    """A dataset with an existing proposal increments numberOfDatasets."""
    key = f"proposal-{uuid.uuid4()}"
    proposal = {"proposalId": key, "title": "t", "email": "a@example.org", "ownerGroup": admin.group}
    assert admin.post("/api/v3/proposals", proposal).status_code == 201
    assert admin.post("/api/v3/proposals", proposal).status_code == 409
    before = admin.get(f"/api/v3/proposals/{key}").json()
    admin.created("v4", proposalIds=[key])
    admin.created("v3", proposalId=key)
    after = admin.get(f"/api/v3/proposals/{key}").json()
    assert after["numberOfDatasets"] - (before.get("numberOfDatasets") or 0) == 2


def test_the_case_of_a_route_does_not_matter(anonymous: Caller) -> None:
    """Pyscicat asks for `/api/v3/Datasets`, and gets what others get from `/api/v3/datasets`."""
    answer = anonymous.get("/api/v3/Datasets")
    assert answer.status_code == 200
    assert isinstance(answer.json(), list)
