"""What only a stand-in can show: its clock, its database, its switches, its ends."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from scicat_ingest.testing.stand_in import Powers, StandIn, StandInConfig, StandInThread, describe, serve_forever

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATASET = {
    "pid": "p/1",
    "type": "raw",
    "ownerGroup": "ingestor",
    "owner": "o",
    "contactEmail": "a@example.org",
    "sourceFolder": "/data/a",
    "creationTime": "2026-11-23T10:00:00Z",
    "datasetName": "n",
}
BLOCK = {
    "datasetId": "p/1",
    "size": 1,
    "dataFileList": [{"path": "a.h5", "size": 1, "time": "2026-11-23T10:00:00Z"}],
}
POISONS = [{"a": None}, {"": 1}]


class Clock:
    """Seconds that only move when told to."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def log_in(stand_in: StandInThread, username: str = "ingestor") -> Iterator[httpx.Client]:
    """Give a client with a token."""
    with httpx.Client(base_url=stand_in.url) as client:
        credentials = {"username": username, "password": stand_in.account(username).password}
        login = client.post("/api/v3/auth/login", json=credentials)
        client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        yield client


@pytest.fixture
def stand_in() -> Iterator[StandInThread]:
    """Run a stand-in with nothing in it."""
    with StandInThread() as running:
        yield running


@pytest.fixture
def client(stand_in: StandInThread) -> Iterator[httpx.Client]:
    """Log the ingestor in."""
    with log_in(stand_in) as logged_in:
        yield logged_in


# Time


def test_a_token_dies_when_its_life_is_over() -> None:
    """From that second on whoami is empty, writes are 403, v3 reads anonymous, v4 reads 403."""
    clock = Clock()
    with StandInThread(clock=clock, token_life=60) as stand_in, log_in(stand_in) as client:
        assert client.post("/api/v4/datasets", json=DATASET).status_code == 201
        clock.now += 59
        assert client.get("/api/v3/auth/whoami").json()["username"] == "ingestor"
        clock.now += 1
        assert client.get("/api/v3/auth/whoami").content == b""
        assert client.post("/api/v4/datasets", json=DATASET).json()["message"] == "Forbidden resource"
        assert client.get("/api/v3/datasets").json() == []
        assert client.get("/api/v4/datasets").status_code == 403


def test_every_time_stamp_is_the_clocks() -> None:
    """Documents and the Date header follow the clock; dates of purging follow the start of the process."""
    clock = Clock()
    with StandInThread(clock=clock) as stand_in, log_in(stand_in) as client:
        clock.now += 1800
        response = client.post("/api/v4/datasets", json=DATASET)
        assert response.headers["Date"] == "Wed, 18 Nov 2026 11:36:40 GMT"
        dataset = response.json()
    assert dataset["createdAt"] == "2026-11-18T11:36:40.000Z"
    assert dataset["datasetlifecycle"]["dateOfDiskPurging"] == "2026-11-18T11:06:40.000Z"
    assert dataset["datasetlifecycle"]["archiveRetentionTime"] == "2026-11-01T00:00:00.000Z"


# Database


def test_a_database_file_outlives_the_stand_in(tmp_path: Path) -> None:
    """Documents and tokens are there again after a restart."""
    database = tmp_path / "scicat.db"
    with StandInThread(database=database) as first, log_in(first) as client:
        assert client.post("/api/v4/datasets", json=DATASET).status_code == 201
        assert client.post("/api/v4/origdatablocks", json=BLOCK).status_code == 201
        token = client.headers["Authorization"]
    headers = {"Authorization": token}
    with StandInThread(database=database) as second, httpx.Client(base_url=second.url, headers=headers) as client:
        found = client.get("/api/v4/datasets/p%2F1", params={"include": "origdatablocks"}).json()
        assert found["numberOfFiles"] == len(found["origdatablocks"]) == 1
        assert client.post("/api/v4/datasets", json=DATASET).status_code == 409


def test_seeds_are_put_in_once(tmp_path: Path) -> None:
    """What the configuration names is there from the start, and a restart leaves it alone."""
    config = StandInConfig(
        database=tmp_path / "scicat.db",
        instruments=({"pid": "i1", "name": "BL1", "uniqueName": "bl1"},),
        proposals=({"proposalId": "2026-1", "ownerGroup": "ingestor"},),
        samples=({"sampleId": "s1", "ownerGroup": "ingestor"},),
    )
    for numbers in ((0, 1), (1, 2)):
        with StandInThread(config) as stand_in, log_in(stand_in) as client:
            assert client.get("/api/v3/instruments/findOne").json()["pid"] == "i1"
            assert client.get("/api/v3/samples/s1").json()["sampleId"] == "s1"
            assert client.get("/api/v3/proposals/2026-1").json()["numberOfDatasets"] == numbers[0]
            dataset = DATASET | {"pid": f"p/{numbers[1]}", "proposalIds": ["2026-1"]}
            assert client.post("/api/v4/datasets", json=dataset).status_code == 201
            assert client.get("/api/v3/proposals/2026-1").json()["numberOfDatasets"] == numbers[1]


def test_tests_may_look_inside(stand_in: StandInThread, client: httpx.Client) -> None:
    """The store shows what is stored; requests and answers are counted by route."""
    client.post("/api/v4/datasets", json=DATASET)
    client.post("/api/v4/datasets", json=DATASET)
    client.post("/api/v4/origdatablocks", json=BLOCK)
    client.post("/api/v3/datasets/p%2F1/attachments", json={"caption": "c", "ownerGroup": "g"})
    client.get("/nowhere")
    assert [dataset["pid"] for dataset in stand_in.store.datasets()] == ["p/1"]
    assert stand_in.store.dataset("p/1") == stand_in.store.datasets()[0]
    assert stand_in.store.dataset("p/2") is None
    assert len(stand_in.store.origdatablocks()) == len(stand_in.store.origdatablocks("p/1")) == 1
    assert len(stand_in.store.attachments()) == len(stand_in.store.attachments("p/1")) == 1
    assert stand_in.requests["POST /api/v4/datasets"] == 2
    assert stand_in.answers["POST /api/v4/datasets", 409] == 1
    assert stand_in.requests["POST /api/v3/datasets/{pid}/attachments"] == 1
    assert stand_in.answers["unknown", 404] == 1


# Poison


@pytest.mark.parametrize("metadata", POISONS, ids=str)
@pytest.mark.parametrize(
    "route", ["/api/v3/origdatablocks", "/api/v4/origdatablocks", "/api/v3/datasets/p%2F1/origdatablocks"]
)
def test_poisoned_metadata_breaks_later_blocks(
    stand_in: StandInThread, client: httpx.Client, metadata: dict[str, Any], route: str
) -> None:
    """201; then every block is stored and counted and answered with 500, until the metadata is clean."""
    assert client.post("/api/v4/datasets", json=DATASET | {"scientificMetadata": metadata}).status_code == 201
    block = {name: value for name, value in BLOCK.items() if name != "datasetId" or "p%2F1" not in route}
    for stored in (1, 2):
        response = client.post(route, json=block)
        assert (response.status_code, response.json()) == (500, "Internal server error")
        assert len(stand_in.store.origdatablocks("p/1")) == stored
    assert client.patch("/api/v4/datasets/p%2F1", json={"scientificMetadata": {"a": 1}}).status_code == 200
    assert client.post(route, json=block).status_code == 201
    assert client.get("/api/v4/datasets/p%2F1").json()["numberOfFiles"] == 3


def test_release_servers_are_not_poisoned() -> None:
    """v4.27.0 has no index of metadata keys."""
    with StandInThread(poison_metadata=False) as stand_in, log_in(stand_in) as client:
        client.post("/api/v4/datasets", json=DATASET | {"scientificMetadata": {"a": None}})
        assert client.post("/api/v4/origdatablocks", json=BLOCK).status_code == 201


def test_poison_may_stop_the_server(tmp_path: Path) -> None:
    """The dataset is stored, 201 is sent, the process is gone; started again, it has the dataset."""
    config = StandInConfig(database=tmp_path / "scicat.db", crash_on_poison=True)
    with StandInThread(config) as stand_in, log_in(stand_in) as client:
        dataset = DATASET | {"scientificMetadata": {"a": None}}
        assert client.post("/api/v4/datasets", json=dataset).status_code == 201
        with pytest.raises(httpx.TransportError):
            client.get("/api/v3/health")
    with StandInThread(config) as again:
        assert [dataset["pid"] for dataset in again.store.datasets()] == ["p/1"]


# Switches


@pytest.mark.parametrize("version", ["v3", "v4"])
@pytest.mark.parametrize("route", ["datasets", "datasets/isValid"])
def test_pids_may_have_to_fit_a_pattern(version: str, route: str) -> None:
    """A pid that is given must match; one that the server makes need not."""
    dataset = DATASET | ({"principalInvestigator": "x", "creationLocation": "y"} if version == "v3" else {})
    with StandInThread(pid_regex=r"^20\.500/") as stand_in, log_in(stand_in) as client:
        refused = client.post(f"/api/{version}/{route}", json=dataset)
        assert (refused.status_code, refused.json()["message"]) == (400, "PID is not following required standards")
        assert client.post(f"/api/{version}/{route}", json=dataset | {"pid": "20.500/a"}).status_code in {200, 201}
        without = {name: value for name, value in dataset.items() if name != "pid"}
        assert client.post(f"/api/{version}/{route}", json=without).status_code in {200, 201}


@pytest.mark.parametrize("prefix", ["20.500.1", "20.500.1/"])
def test_pids_are_made_with_the_prefix(prefix: str) -> None:
    """A slash at its end is dropped for datasets; for instruments the prefix is taken as it is."""
    with StandInThread(pid_prefix=prefix) as stand_in, log_in(stand_in, "admin") as client:
        dataset = {name: value for name, value in DATASET.items() if name != "pid"}
        made = client.post("/api/v4/datasets", json=dataset).json()["pid"]
        assert made.startswith("20.500.1/")
        assert len(made) == len("20.500.1/") + 36
        instrument = client.post("/api/v3/instruments", json={"name": "n", "uniqueName": "u"}).json()["pid"]
        assert len(instrument) == len(prefix) + 36


def test_long_bodies_are_counted_unpacked() -> None:
    """A limit of one's own makes a test of it cheap."""
    with StandInThread(max_body_bytes=1000) as stand_in, log_in(stand_in) as client:
        response = client.post("/api/v4/datasets", json=DATASET | {"comment": "x" * 1000})
        assert (response.status_code, response.json()) == (500, "Internal server error")
        assert client.post("/api/v4/datasets", json=DATASET).status_code == 201


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 400), ("zip", 415)])
def test_a_body_that_is_packed_wrongly_is_refused(client: httpx.Client, encoding: str, status: int) -> None:
    """What claims to be compressed and is not is a 400; the connection stays good."""
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    assert client.post("/api/v4/datasets", content=b"plain", headers=headers).status_code == status
    assert client.post("/api/v4/datasets", json=DATASET).status_code == 201


def test_a_small_body_that_unpacks_to_a_large_one_is_refused() -> None:
    """The limit holds for what comes out."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    content = gzip.compress(json.dumps(DATASET | {"comment": "x" * 100_000}).encode())
    with StandInThread(max_body_bytes=10_000) as stand_in, log_in(stand_in) as client:
        assert client.post("/api/v4/datasets", content=content, headers=headers).status_code == 500


def test_everybody_may_create_when_no_group_is_set() -> None:
    """CREATE_DATASET_GROUPS left out means everybody who can log in, without a pid."""
    with StandInThread(powers=Powers(create=("#all",))) as stand_in, log_in(stand_in, "guest") as client:
        dataset = DATASET | {"ownerGroup": "guest"}
        assert client.post("/api/v4/datasets", json=dataset).status_code == 403
        del dataset["pid"]
        assert client.post("/api/v4/datasets", json=dataset).status_code == 201


@pytest.mark.parametrize("body", [[], [1], {"datasetlifecycle": []}, {"size": 1e999}], ids=str)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_odd_bodies_are_answered(client: httpx.Client, method: str, body: Any) -> None:
    """No body makes the stand-in itself fail."""
    client.post("/api/v4/datasets", json=DATASET)
    path = "/api/v4/datasets" if method == "POST" else "/api/v4/datasets/p%2F1"
    content = json.dumps(body).replace("Infinity", "1e999")
    response = client.request(method, path, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in {200, 400}


# Its life


def test_a_stop_is_an_outage_and_nothing_more() -> None:
    """Stopped, nobody answers; started again, it is at the same address with the same documents."""

    async def scenario() -> None:
        async with StandIn() as stand_in, httpx.AsyncClient() as client:
            url, health = stand_in.url, f"{stand_in.url}/api/v3/health"
            assert (await client.get(health)).status_code == 200
            await stand_in.stop()
            with pytest.raises(httpx.TransportError):
                await client.get(health)
            await stand_in.start()
            assert stand_in.url == url
            assert (await client.get(health)).status_code == 200

    asyncio.run(scenario())


def test_a_taken_port_is_an_error() -> None:
    """Both forms say so where they are started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="address already in use"):
            StandInThread(port=port).start()


def test_the_description_names_address_and_accounts() -> None:
    """A user reads where it is, how to log in, and whether the data stays."""

    async def scenario() -> None:
        started: asyncio.Future[StandIn] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve_forever(StandInConfig(), started))
        stand_in = await started
        text = describe(stand_in)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stand_in.url in text
        assert "ingestor-password" in text
        assert "in memory" in text

    asyncio.run(scenario())


def test_serving_ends_with_a_crash() -> None:
    """A server that poison stopped returns to the command that started it."""

    async def scenario() -> None:
        started: asyncio.Future[StandIn] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve_forever(StandInConfig(crash_on_poison=True), started))
        stand_in = await started
        async with httpx.AsyncClient(base_url=stand_in.url) as client:
            account = stand_in.account("ingestor")
            credentials = {"username": account.username, "password": account.password}
            token = (await client.post("/api/v3/auth/login", json=credentials)).json()["id"]
            dataset = DATASET | {"scientificMetadata": {"a": None}}
            headers = {"Authorization": f"Bearer {token}"}
            assert (await client.post("/api/v4/datasets", json=dataset, headers=headers)).status_code == 201
            await task

    asyncio.run(scenario())


@pytest.mark.parametrize("pid", ["a/b c", "ü/50%", "x?y#z"])
def test_paths_are_decoded_once(client: httpx.Client, pid: str) -> None:
    """A pid is found by its percent-encoded form."""
    client.post("/api/v4/datasets", json=DATASET | {"pid": pid})
    assert client.get(f"/api/v4/datasets/{quote(pid, safe='')}").json()["pid"] == pid
