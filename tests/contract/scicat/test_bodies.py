from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.scicat.conftest import Caller

JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024
BROKEN = (500, "Internal server error")


@pytest.mark.parametrize("content", ['{"type": ', "{'type': 1}", '{"size": NaN}', '{"size": Infinity}', '"text"'])
def test_what_is_no_json_object_is_400(service: Caller, version: str, content: str) -> None:
    """Half a text, single quotes, NaN, Infinity and a bare string are refused."""
    response = service.client.post(f"/api/{version}/datasets", content=content, headers=JSON)
    assert response.status_code == 400


def test_another_content_type_breaks_the_server(service: Caller, version: str) -> None:
    """JSON that is not called so is a 500, and the body a JSON string, no object."""
    content = json.dumps(service.dataset(version))
    response = service.client.post(f"/api/{version}/datasets", content=content, headers={"Content-Type": "text/plain"})
    assert (response.status_code, response.json()) == BROKEN


def test_a_gzipped_body_is_taken(service: Caller, version: str) -> None:
    """Content-Encoding: gzip saves most of a long list of files."""
    payload = service.dataset(version)
    response = service.client.post(
        f"/api/{version}/datasets",
        content=gzip.compress(json.dumps(payload).encode()),
        headers=JSON | {"Content-Encoding": "gzip"},
    )
    assert response.status_code == 201
    assert response.json()["pid"] == payload["pid"]


def test_a_body_of_15_mib_is_taken(service: Caller) -> None:
    """A thumbnail may be large."""
    pid = service.created()["pid"]
    assert service.attachment(pid, thumbnail="x" * (15 * MIB)).status_code == 201


def test_a_body_over_16_mib_breaks_the_server(service: Caller, version: str) -> None:
    """Not 413: 500, and nothing is stored."""
    payload = service.dataset(version, comment="x" * (16 * MIB))
    response = service.post(f"/api/{version}/datasets", payload)
    assert (response.status_code, response.json()) == BROKEN
    assert service.get(service.path(payload["pid"], version)).status_code == 404


def test_idle_connections_are_kept_for_five_seconds(service: Caller) -> None:
    """The answer says how long: a client must close earlier."""
    response = service.get("/api/v3/health")
    assert response.headers["Keep-Alive"] == "timeout=5"
    assert response.headers["Date"]
    assert response.headers["Content-Type"].startswith("application/json")


def test_an_unknown_route_is_404(service: Caller, version: str) -> None:
    """In Express's words."""
    response = service.get(f"/api/{version}/no-such-route")
    assert response.status_code == 404
    assert response.json()["message"] == f"Cannot GET /api/{version}/no-such-route"
