"""Failures told over HTTP by another process, at an address of their own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from scicat_ingest.testing.stand_in import StandIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

PATH = "/api/v4/datasets"
HEALTH = "/api/v3/health"


@pytest.fixture
async def control(stand_in: StandIn) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the control."""
    assert stand_in.control_url is not None
    async with httpx.AsyncClient(base_url=stand_in.control_url) as client:
        yield client


async def test_a_script_is_put_and_followed_at_once(
    client: httpx.AsyncClient, control: httpx.AsyncClient, dataset: dict[str, Any]
) -> None:
    """The answer, and every GET after it, shows the script and what it has done."""
    rules = [{"route": "POST *", "nth": [1], "action": "forbidden_outage", "note": "token"}, {"action": "too_many"}]
    put = await control.put("/_failures", json={"seed": 3, "rules": rules})
    assert put.status_code == 200
    assert put.json()["script"]["rules"][0]["action"]["do"] == "forbidden_outage"
    assert (await client.post(PATH, json=dataset)).status_code == 403
    assert (await client.post(PATH, json=dataset)).status_code == 429
    report = (await control.get("/_failures")).json()
    assert report["up"] is True
    assert report["script"]["seed"] == 3
    assert report["rules"] == [
        {"rule": 1, "note": "token", "matched": 2, "done": {"forbidden_outage": 1}},
        {"rule": 2, "note": "", "matched": 2, "done": {"too_many": 1}},
    ]
    assert report["done"] == {"forbidden_outage": 1, "too_many": 1}
    assert (await control.put("/_failures", json=report["script"])).status_code == 200


async def test_a_wrong_script_is_refused_with_the_reason(client: httpx.AsyncClient, control: httpx.AsyncClient) -> None:
    """The script before it stays in force."""
    await control.put("/_failures", json={"rules": [{"action": "too_many"}]})
    refused = await control.put("/_failures", json={"rules": [{"action": "explode"}]})
    assert refused.status_code == 400
    assert refused.json()["message"].startswith("rule 1, action: there is no action 'explode'; expected one of")
    assert (await control.put("/_failures", content=b"{")).status_code == 400
    assert (await client.get(HEALTH)).status_code == 429


async def test_deleting_ends_all_failures_and_tells_what_was_done(
    client: httpx.AsyncClient, control: httpx.AsyncClient
) -> None:
    """A demonstration ends with its result."""
    await control.put("/_failures", json={"rules": [{"action": "too_many"}]})
    assert (await client.get(HEALTH)).status_code == 429
    assert (await control.delete("/_failures")).json()["done"] == {"too_many": 1}
    assert (await client.get(HEALTH)).status_code == 200
    assert (await control.get("/_failures")).json() == {"up": True, "script": {"seed": 0, "rules": []}} | {
        "rules": [],
        "done": {},
    }


async def test_the_control_outlives_crashes_and_stops(
    stand_in: StandIn, client: httpx.AsyncClient, control: httpx.AsyncClient, dataset: dict[str, Any]
) -> None:
    """It brings the stand-in down and up again; documents and tokens are kept."""
    assert (await client.post(PATH, json=dataset)).status_code == 201
    assert (await control.post("/_failures/crash")).json()["up"] is False
    with pytest.raises(httpx.TransportError):
        await client.get(HEALTH)
    assert (await control.post("/_failures/start")).json()["up"] is True
    assert (await control.post("/_failures/start")).json()["up"] is True
    assert (await client.post(PATH, json=dataset)).status_code == 409
    await stand_in.stop()
    assert (await control.get("/_failures")).json()["up"] is False


async def test_a_crash_may_be_told_to_end_by_itself(client: httpx.AsyncClient, control: httpx.AsyncClient) -> None:
    """The body says after how many seconds; a body that says something else changes nothing."""
    for wrong in (b"{", b'{"after": 1}', b'{"restart_after": -1}'):
        refused = await control.post("/_failures/crash", content=wrong)
        assert (refused.status_code, (await client.get(HEALTH)).status_code) == (400, 200)
    assert (await control.post("/_failures/crash", json={"restart_after": 0.01})).json()["up"] is False
    while not (await control.get("/_failures")).json()["up"]:
        pass
    assert (await client.get(HEALTH)).status_code == 200


async def test_starting_on_a_port_that_is_taken_is_refused(
    stand_in: StandIn, client: httpx.AsyncClient, control: httpx.AsyncClient
) -> None:
    """409 with the reason."""
    await control.post("/_failures/crash")
    async with StandIn(port=stand_in.port):
        refused = await control.post("/_failures/start")
        assert refused.status_code == 409
        assert "address already in use" in refused.json()["message"]


async def test_counts_are_read_by_route_and_status(
    client: httpx.AsyncClient, control: httpx.AsyncClient, dataset: dict[str, Any]
) -> None:
    """Requests are what arrived, answers what was sent; a lost answer is only among the former."""
    rules = [{"route": "POST /api/v4/*", "nth": [3], "action": "lose_answer"}]
    await control.put("/_failures", json={"rules": rules})
    for _ in range(2):
        await client.post(PATH, json=dataset)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(PATH, json=dataset)
    counts = (await control.get("/_counts")).json()
    assert counts["requests"] == {"POST /api/v3/auth/login": 1, "POST /api/v4/datasets": 3}
    assert counts["answers"] == {
        "POST /api/v3/auth/login": {"201": 1},
        "POST /api/v4/datasets": {"201": 1, "409": 1},
    }


async def test_the_control_never_fails_and_is_not_on_the_api(
    client: httpx.AsyncClient, control: httpx.AsyncClient
) -> None:
    """A script that loses everything does not lock its author out; SciCat's own address knows no such path."""
    assert (await client.get("/_failures")).status_code == 404
    await control.put("/_failures", content=json.dumps({"rules": [{"action": "lose_request"}]}))
    assert (await control.get("/_failures")).status_code == 200
    assert (await control.get("/_counts")).status_code == 200


async def test_there_is_no_control_unless_chosen() -> None:
    """And a taken port for it is an error at the start."""
    async with StandIn() as plain:
        assert plain.control_url is None
        with pytest.raises(OSError, match="address already in use"):
            async with StandIn(control_port=plain.port):
                pass
