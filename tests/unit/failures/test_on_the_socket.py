"""What a client sees of each failure, and what the catalogue has afterwards."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from scicat_ingest.testing.stand_in import StandIn, StandInThread

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.testing.failures import FailureScript

    Scripts = Callable[..., FailureScript]

pytestmark = pytest.mark.anyio

ROUTE = "POST /api/v4/datasets"
PATH = "/api/v4/datasets"
HEALTH = "/api/v3/health"
FORBIDDEN = {"message": "Forbidden resource", "error": "Forbidden", "statusCode": 403}


class Clock:
    """Seconds that only move when told to."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


async def raw_post(client: httpx.AsyncClient, port: int, body: Any) -> bytes:
    """Send a POST on a plain socket and give every byte of the answer. Raises ConnectionResetError at a reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = json.dumps(body).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    try:
        writer.write(head.encode() + content)
        return await reader.read()
    finally:
        writer.transport.abort()


def stored(stand_in: StandIn) -> int:
    return len(stand_in.store.datasets())


async def wait_until(stand_in: StandIn, condition: Callable[[], bool]) -> None:
    """Ask the control again and again until something holds; the test's own time limit ends it."""
    async with httpx.AsyncClient(base_url=str(stand_in.control_url)) as control:
        while not condition():
            await control.get("/_failures")


async def is_up(url: str) -> bool:
    """Say whether the control shows the stand-in as listening."""
    async with httpx.AsyncClient(base_url=url) as control:
        return bool((await control.get("/_failures")).json()["up"])


async def leave_waiting(stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any]) -> None:
    """Post, and lose patience once the request has come and its failure has begun."""
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(client.post(PATH, json=dataset))
        await wait_until(stand_in, lambda: bool(stand_in.failures.done))
        assert not waiting.done()
        waiting.cancel()


# Cuts


@pytest.mark.parametrize(("action", "kept"), [("lose_answer", 1), ("lose_request", 0)])
async def test_a_lost_request_or_answer_is_an_end_without_a_byte(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts, action: str, kept: int
) -> None:
    """The client cannot tell the two apart; only the catalogue can."""
    stand_in.set_failures(script({"route": ROUTE, "action": action}))
    assert await raw_post(client, stand_in.port, dataset) == b""
    assert stored(stand_in) == kept
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await client.post(PATH, json=dataset)
    assert stand_in.requests[ROUTE] == 2
    assert stand_in.failures.done == {action: 2}
    assert not any(route == ROUTE for route, _ in stand_in.answers)


@pytest.mark.parametrize(("action", "kept"), [("reset_after_storing", 1), ("reset", 0)])
async def test_a_reset_is_a_reset(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts, action: str, kept: int
) -> None:
    """The connection ends by RST, not by an orderly close; the next one is served."""
    stand_in.set_failures(script({"route": ROUTE, "times": 1, "action": action}))
    with pytest.raises(ConnectionResetError):
        await raw_post(client, stand_in.port, dataset)
    assert stored(stand_in) == kept
    assert (await client.post(PATH, json=dataset)).status_code == (409 if kept else 201)


async def test_half_an_answer_has_all_of_its_headers(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """Content-Length promises the whole; the dataset is stored."""
    stand_in.set_failures(script({"route": ROUTE, "times": 1, "action": "half_json"}))
    head, _, body = (await raw_post(client, stand_in.port, dataset)).partition(b"\r\n\r\n")
    length = int(head.partition(b"Content-Length: ")[2].split()[0])
    assert b"201 Created" in head
    assert b"Content-Type: application/json" in head
    assert body.startswith(b'{"')
    assert len(body) == length // 2
    assert stored(stand_in) == 1
    stand_in.set_failures(script({"action": "half_json"}))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        await client.get(f"{PATH}/p%2F1")


# Late


async def test_a_late_answer_is_whole_and_its_request_carried_out_before(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """A client that loses patience leaves a stored dataset behind."""
    stand_in.set_failures(script({"route": ROUTE, "action": {"do": "delay", "seconds": 3600}}))
    await leave_waiting(stand_in, client, dataset)
    assert stored(stand_in) == 1
    stand_in.set_failures(script({"route": ROUTE, "action": {"do": "delay", "seconds": 0.001}}))
    assert (await client.post(PATH, json=dataset)).status_code == 409


async def test_a_failure_may_come_late(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """The answer is lost, but not at once."""
    stand_in.set_failures(script({"route": ROUTE, "action": {"do": "lose_answer", "delay_seconds": 3600}}))
    await leave_waiting(stand_in, client, dataset)
    stand_in.set_failures(script({"route": ROUTE, "action": {"do": "lose_answer", "delay_seconds": 0.001}}))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(PATH, json=dataset)
    assert stored(stand_in) == 1


async def test_a_dripping_answer_comes_in_pieces_and_whole(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """The client gets headers long before the end, and can read it all if it is patient."""
    drip = {"route": "* /api/v4/datasets*", "action": {"do": "slow_drip", "seconds": 0.01}}
    stand_in.set_failures(script(drip))
    created = await client.post(PATH, json=dataset)
    assert (created.status_code, created.json()["pid"]) == (201, "p/1")
    async with client.stream("GET", f"{PATH}/p%2F1") as response:
        pieces = [piece async for piece in response.aiter_raw()]
    assert len(pieces) > 1
    assert len(b"".join(pieces)) == int(response.headers["Content-Length"])


async def test_a_client_that_leaves_a_dripping_answer_harms_nobody(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """It may hang up in the middle; others are served."""
    stand_in.set_failures(script({"route": ROUTE, "action": {"do": "slow_drip", "seconds": 3600}}))
    async with client.stream("POST", PATH, json=dataset) as response:
        assert response.status_code == 201
    assert (await client.get(f"{PATH}/p%2F1")).status_code == 200


# Answered otherwise


async def test_a_500_may_hide_a_stored_dataset(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """The answer is SciCat's bare JSON string; the dataset is there."""
    stand_in.set_failures(script({"route": ROUTE, "times": 1, "action": "answer_500_but_stored"}))
    answer = await client.post(PATH, json=dataset)
    assert (answer.status_code, answer.json()) == (500, "Internal server error")
    assert answer.headers["X-Powered-By"] == "Express"
    assert stored(stand_in) == 1
    assert (await client.post(PATH, json=dataset)).status_code == 409
    assert stand_in.answers[ROUTE, 500] == stand_in.answers[ROUTE, 409] == 1


@pytest.mark.parametrize(
    ("action", "status", "body", "retry_after"),
    [
        ("forbidden_outage", 403, FORBIDDEN, None),
        ({"do": "too_many", "retry_after": 7}, 429, {"message": "Too Many Requests", "statusCode": 429}, "7"),
        ("unavailable", 503, {"message": "Service Unavailable", "statusCode": 503}, None),
        ({"do": "unavailable", "retry_after": 3}, 503, {"message": "Service Unavailable", "statusCode": 503}, "3"),
        ({"do": "status", "status": 418, "body": ["tea"]}, 418, ["tea"], None),
    ],
    ids=str,
)
async def test_a_refused_request_stores_nothing(
    stand_in: StandIn,
    client: httpx.AsyncClient,
    dataset: dict[str, Any],
    script: Scripts,
    action: Any,
    status: int,
    body: Any,
    retry_after: str | None,
) -> None:
    """Each refusal has its status, body and Retry-After; the connection stays good for the next request."""
    stand_in.set_failures(script({"route": ROUTE, "times": 1, "action": action}))
    answer = await client.post(PATH, json=dataset)
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer.headers.get("Retry-After") == retry_after
    assert stored(stand_in) == 0
    assert stand_in.answers[ROUTE, status] == 1
    assert (await client.post(PATH, json=dataset)).status_code == 201


async def test_an_outage_of_the_database_lasts_as_long_as_the_script_says(
    dataset: dict[str, Any], script: Scripts
) -> None:
    """Every route is hit, health tells why, nothing is stored; then all is well and the token is good again."""
    clock = Clock()
    failures = script({"from_seconds": 10, "until_seconds": 20, "action": "outage"})
    async with StandIn(clock=clock, failures=failures) as stand_in, httpx.AsyncClient(base_url=stand_in.url) as client:
        credentials = {"username": "ingestor", "password": stand_in.account("ingestor").password}
        login = await client.post("/api/v3/auth/login", json=credentials)
        client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        clock.now += 10
        health = await client.get(HEALTH)
        assert (health.status_code, health.json()["error"]) == (503, {"mongodb": {"status": "down"}})
        assert (await client.get("/api/v3/auth/whoami")).content == b""
        assert (await client.post("/api/v3/auth/login", json=credentials)).status_code == 500
        assert (await client.post(PATH, json=dataset)).json() == FORBIDDEN
        assert (await client.get(PATH)).json() == FORBIDDEN
        clock.now += 10
        assert stored(stand_in) == 0
        assert (await client.get(HEALTH)).status_code == 200
        assert (await client.post(PATH, json=dataset)).status_code == 201


# Crashes


@pytest.mark.parametrize(("action", "kept"), [("crash_after_storing", 1), ("crash", 0)])
async def test_a_crash_hangs_up_on_everybody_and_nobody_listens(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts, action: str, kept: int
) -> None:
    """An idle connection and one that waits for its answer end too; a start brings back port and documents."""
    slow = {"route": "GET /api/v4/datasets", "action": {"do": "delay", "seconds": 3600}}
    stand_in.set_failures(script({"route": ROUTE, "action": action}, slow))
    idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", stand_in.port)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(ended(client, PATH))
        await wait_until(stand_in, lambda: bool(stand_in.failures.done))
        with pytest.raises(httpx.TransportError):
            await client.post(PATH, json=dataset)
    assert waiting.result()
    assert await idle_reader.read() == b""
    idle_writer.close()
    port = stand_in.port
    with pytest.raises(httpx.ConnectError):
        await client.get(HEALTH)
    assert stored(stand_in) == kept
    await stand_in.start()
    assert stand_in.port == port
    assert (await client.get(HEALTH)).status_code == 200
    assert stored(stand_in) == kept


async def ended(client: httpx.AsyncClient, path: str) -> bool:
    """Say whether a request ended without an answer."""
    try:
        await client.get(path)
    except httpx.TransportError:
        return True
    return False


async def test_a_crash_may_end_by_itself(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """After so many seconds it listens again, on the same port, with what was stored."""
    crash = {"do": "crash_after_storing", "restart_after": 0.01}
    stand_in.set_failures(script({"route": ROUTE, "times": 1, "action": crash}))
    with pytest.raises(httpx.TransportError):
        await client.post(PATH, json=dataset)
    while not await is_up(str(stand_in.control_url)):
        pass
    assert (await client.post(PATH, json=dataset)).status_code == 409


async def test_a_restart_that_is_due_later_is_forgotten_by_a_stop_or_start() -> None:
    """Whoever starts or closes it need not wait; a second crash starts the time anew."""
    async with StandIn() as stand_in, httpx.AsyncClient(base_url=stand_in.url) as client:
        stand_in.crash(3600)
        stand_in.crash(3600)
        await stand_in.start()
        assert (await client.get(HEALTH)).status_code == 200
        stand_in.crash(3600)


async def test_a_restart_on_a_port_that_is_taken_is_told_in_the_log(
    stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays down; a start when the port is free brings it back."""
    stand_in.crash()
    with socket.create_server(("127.0.0.1", stand_in.port)):
        stand_in.crash(0)
        await wait_until(stand_in, lambda: bool(caplog.records))
        assert f"cannot listen on 127.0.0.1:{stand_in.port} again" in caplog.text
        with pytest.raises(OSError, match="address already in use"):
            await stand_in.start()
    await stand_in.start()


# What is left alone


async def test_without_the_network_nothing_fails(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """A simulation asks `answer`; the script neither hits nor counts that."""
    stand_in.set_failures(script({"action": "lose_request"}))
    headers = {"Content-Type": "application/json", "Authorization": client.headers["Authorization"]}
    assert stand_in.answer("POST", PATH, headers, json.dumps(dataset).encode()).status == 201
    assert stand_in.failures.rules[0].matched == 0


async def test_bodies_are_searched_unpacked(
    stand_in: StandIn, client: httpx.AsyncClient, dataset: dict[str, Any], script: Scripts
) -> None:
    """Only the dataset that the rule names is lost; the others are stored."""
    stand_in.set_failures(script({"body_contains": '"p/2"', "action": "lose_request"}))
    assert (await client.post(PATH, json=dataset)).status_code == 201
    content = json.dumps(dataset | {"pid": "p/2"}).encode()
    packed = gzip.compress(content)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(PATH, content=packed, headers=headers)
    assert stored(stand_in) == 1


async def test_a_script_can_be_ended(stand_in: StandIn, client: httpx.AsyncClient, script: Scripts) -> None:
    """None is the script of no failures; the counts start anew."""
    stand_in.set_failures(script({"action": "too_many"}))
    assert (await client.get(HEALTH)).status_code == 429
    stand_in.set_failures(None)
    assert (await client.get(HEALTH)).status_code == 200
    assert stand_in.failures.done == {}


def test_another_thread_can_script_failures(script: Scripts) -> None:
    """A script may be there from the start, be set and ended while it runs, and be read after the end."""
    stand_in = StandInThread(failures=script({"route": "GET *", "times": 1, "action": "too_many"}))
    assert stand_in.failures.done == {}
    with stand_in, httpx.Client(base_url=stand_in.url) as client:
        assert [client.get(HEALTH).status_code for _ in range(2)] == [429, 200]
        assert stand_in.failures.done == {"too_many": 1}
        stand_in.set_failures(script({"action": "unavailable"}))
        assert client.get(HEALTH).status_code == 503
        stand_in.crash()
        with pytest.raises(httpx.TransportError):
            client.get(HEALTH)
        stand_in.set_failures(None)
        stand_in.start_again()
        assert client.get(HEALTH).status_code == 200
        assert stand_in.control_url is None
        stand_in.set_failures(script({"action": "reset"}))
    assert stand_in.failures.done == {}
