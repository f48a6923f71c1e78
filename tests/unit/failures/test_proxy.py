"""The same failures in front of a backend that knows nothing of them."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from scicat_ingest.testing.failures.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scicat_ingest.testing.failures import FailureScript
    from scicat_ingest.testing.stand_in import StandIn

    Scripts = Callable[..., FailureScript]

pytestmark = pytest.mark.anyio

ROUTE = "POST /api/v4/datasets"
PATH = "/api/v4/datasets"
HEALTH = "/api/v3/health"


@pytest.fixture
async def proxy(stand_in: StandIn) -> AsyncIterator[FaultProxy]:
    """Run a proxy with a control in front of the stand-in."""
    async with FaultProxy(stand_in.url + "/", control_port=0) as running:
        yield running


@pytest.fixture
async def through(proxy: FaultProxy, client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the proxy with the ingestor's token."""
    async with httpx.AsyncClient(base_url=proxy.url, headers=client.headers) as other:
        yield other


async def test_without_failures_all_passes_as_it_is(
    stand_in: StandIn, client: httpx.AsyncClient, through: httpx.AsyncClient, dataset: dict[str, Any]
) -> None:
    """Method, percent-encoded path, query, headers and packed bodies one way; status, headers and body the other."""
    pid = "a/b c?d#é"
    content = gzip.compress(json.dumps(dataset | {"pid": pid}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    created = await through.post(PATH, content=content, headers=headers)
    assert created.status_code == 201
    assert created.headers["X-Powered-By"] == "Express"
    url = httpx.URL(f"{PATH}/a%2Fb%20c%3Fd%23%C3%A9", params={"include": "origdatablocks"})
    passed, direct = await through.get(url), await client.get(url)
    assert passed.json() == direct.json()
    assert passed.json()["pid"] == pid
    assert (await through.delete(f"{PATH}/p")).status_code == (await client.delete(f"{PATH}/p")).status_code
    assert (await through.get("/api/v3/auth/whoami", headers={"Authorization": "x"})).content == b""
    assert stand_in.requests[ROUTE] == 1


@pytest.mark.parametrize(("action", "kept"), [("lose_answer", 1), ("lose_request", 0), ("reset", 0)])
async def test_a_request_is_lost_before_or_after_the_backend(
    stand_in: StandIn,
    proxy: FaultProxy,
    through: httpx.AsyncClient,
    dataset: dict[str, Any],
    script: Scripts,
    action: str,
    kept: int,
) -> None:
    """What the backend has stored tells which; the client sees the same."""
    proxy.set_failures(script({"route": ROUTE, "times": 1, "action": action}))
    with pytest.raises(httpx.TransportError):
        await through.post(PATH, json=dataset)
    assert stand_in.requests[ROUTE] == len(stand_in.store.datasets()) == kept
    assert (await through.post(PATH, json=dataset)).status_code == (409 if kept else 201)
    assert proxy.failures.done == {action: 1}


async def test_answers_are_replaced_halved_and_dripped(
    stand_in: StandIn, proxy: FaultProxy, through: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """A real backend's answers fail in the same ways as the stand-in's."""
    actions = ["answer_500_but_stored", "half_json", {"do": "slow_drip", "seconds": 0.01}, "too_many"]
    proxy.set_failures(script(*({"nth": [at], "action": action} for at, action in enumerate(actions, 1))))
    assert (await through.post(PATH, json=dataset)).json() == "Internal server error"
    with pytest.raises(httpx.RemoteProtocolError):
        await through.get(f"{PATH}/p%2F1")
    assert (await through.get(f"{PATH}/p%2F1")).json()["pid"] == "p/1"
    assert (await through.get(HEALTH)).headers["Retry-After"] == "1"
    assert len(stand_in.store.datasets()) == 1
    assert proxy.answers[ROUTE, 500] == 1


async def test_routes_have_the_stand_ins_names_where_they_fit(proxy: FaultProxy, through: httpx.AsyncClient) -> None:
    """Scripts are the same in front of both; another path is named by itself."""
    await through.get(f"{PATH}/p%2F1")
    await through.get("/metrics/x?y=1")
    assert dict(proxy.requests) == {"GET /api/v4/datasets/{pid}": 1, "GET /metrics/x": 1}


async def test_packed_bodies_are_searched(
    proxy: FaultProxy, through: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """A pid is found in a compressed body; what is packed wrongly is left to the backend to refuse."""
    proxy.set_failures(script({"body_contains": '"p/1"', "action": "unavailable"}))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    packed = gzip.compress(json.dumps(dataset).encode())
    assert (await through.post(PATH, content=packed, headers=headers)).status_code == 503
    assert (await through.post(PATH, content=b"plain", headers=headers)).status_code == 400


async def test_a_crash_is_the_proxys_own(
    stand_in: StandIn, proxy: FaultProxy, client: httpx.AsyncClient, through: httpx.AsyncClient
) -> None:
    """The backend runs on, and the control brings the proxy back on the same port."""
    proxy.crash()
    with pytest.raises(httpx.ConnectError):
        await through.get(HEALTH)
    assert (await client.get(HEALTH)).status_code == 200
    async with httpx.AsyncClient(base_url=str(proxy.control_url)) as control:
        assert (await control.post("/_failures/start")).json()["up"] is True
    assert (await through.get(HEALTH)).status_code == 200
    await proxy.stop()
    await proxy.start()
    assert (await through.get(HEALTH)).status_code == 200


async def test_a_backend_that_is_away_is_a_502(stand_in: StandIn, through: httpx.AsyncClient) -> None:
    """As with any gateway; the proxy itself goes on."""
    await stand_in.stop()
    assert (await through.get(HEALTH)).status_code == 502
    await stand_in.start()
    assert (await through.get(HEALTH)).status_code == 200


async def test_a_backend_that_hangs_up_is_asked_once() -> None:
    """The proxy repeats nothing: one request in is one request out, also a GET."""
    asked: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, FaultProxy(f"http://127.0.0.1:{port}") as proxy, httpx.AsyncClient(base_url=proxy.url) as client:
        assert proxy.control_url is None
        assert (await client.get("/x")).status_code == 502
    assert len(asked) == 1


async def test_a_taken_port_is_an_error() -> None:
    """It says so at the start, and leaves nothing open."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="address already in use"):
        async with FaultProxy("http://127.0.0.1:1", port=taken.getsockname()[1]):
            pass
