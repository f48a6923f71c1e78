"""The catalogue under test: the stand-in, or a real SciCat.

Without any setting a stand-in runs for the session. With SCICAT_TEST_URL the suite runs on that server, as the account
in SCICAT_TEST_USERNAME and SCICAT_TEST_PASSWORD: the one that the service would use, allowed to create datasets with a
pid. Further accounts, each in SCICAT_TEST_{NAME}_USERNAME and _PASSWORD with NAME one of ADMIN, INGESTOR, PIDUSER,
PLAINUSER, GUEST, ARCHIVEMANAGER; a test for an account that was not given is skipped there, never on the stand-in.

Every test makes what it needs under fresh pids; none looks at what else is there. The datasets stay behind: only
DELETE_GROUPS may delete.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator

URL_VARIABLE = "SCICAT_TEST_URL"
TIMEOUT = 60.0
ACCOUNTS = ("admin", "ingestor", "pidUser", "plainUser", "guest", "archiveManager")
SERVICE_ON_STAND_IN = "ingestor"
TIME = "2026-11-23T10:00:00.000Z"


@dataclass
class Caller:
    """One account, logged in; or nobody."""

    client: httpx.Client
    username: str = ""
    groups: tuple[str, ...] = ()
    email: str = ""

    @property
    def group(self) -> str:
        """The account's last group: the one that says least about its rights."""
        return self.groups[-1]

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        """GET; parameters as httpx takes them."""
        return self.client.get(path, params=parameters or None)

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        """POST JSON."""
        return self.client.post(path, json=body, **options)

    def patch(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """PATCH JSON. Header names are written with underscores."""
        return self.client.patch(path, json=body, headers=_headers(headers))

    def put(self, path: str, body: Any) -> httpx.Response:
        """PUT JSON."""
        return self.client.put(path, json=body)

    def delete(self, path: str) -> httpx.Response:
        """DELETE."""
        return self.client.delete(path)

    def dataset(self, version: str = "v4", /, *, drop: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
        """Return the least that creates a dataset of the account's own group, with a fresh pid."""
        kind = changes.get("type", "raw")
        payload: dict[str, Any] = {
            "pid": new_pid(),
            "type": kind,
            "ownerGroup": self.group,
            "owner": "Ada Lovelace",
            "contactEmail": "ada@example.org",
            "sourceFolder": "/data/visit/42",
            "creationTime": TIME,
            "datasetName": "a test",
        }
        if version == "v3" and kind == "raw":
            payload |= {"principalInvestigator": "Ada Lovelace", "creationLocation": "here"}
        if version == "v3" and kind == "derived":
            payload |= {"investigator": "Ada Lovelace", "inputDatasets": ["a"], "usedSoftware": ["b"]}
        return {name: value for name, value in (payload | changes).items() if name not in drop}

    def create(self, version: str = "v4", /, **changes: Any) -> httpx.Response:
        """POST a dataset."""
        return self.post(f"/api/{version}/datasets", self.dataset(version, **changes))

    def created(self, version: str = "v4", /, **changes: Any) -> dict[str, Any]:
        """POST a dataset that must be taken, and return it."""
        created: dict[str, Any] = expect(self.create(version, **changes), 201)
        return created

    def read(self, pid: str, version: str = "v4", **parameters: Any) -> dict[str, Any]:
        """GET a dataset that must be there, and return it."""
        found: dict[str, Any] = expect(self.get(self.path(pid, version), **parameters), 200)
        return found

    def listed(self, pid: str, version: str = "v4", **more: Any) -> list[dict[str, Any]]:
        """GET the datasets with this pid by a filter, with further parts of the filter."""
        text = json.dumps({"where": {"pid": pid}} | more)
        found: list[dict[str, Any]] = expect(self.get(f"/api/{version}/datasets", filter=text), 200)
        return found

    def path(self, pid: str, version: str = "v4") -> str:
        """Return the path of a dataset, its pid encoded once."""
        return f"/api/{version}/datasets/{quote(pid, safe='')}"

    def block(self, pid: str, route: str = "v3", *, files: int = 1, **changes: Any) -> httpx.Response:
        """POST a block of one-byte files by "v3", "v4", or "sub": v3's route below a dataset."""
        payload = block_payload(files, **changes)
        if route == "sub":
            return self.post(f"{self.path(pid, 'v3')}/origdatablocks", payload)
        return self.post(f"/api/{route}/origdatablocks", {"datasetId": pid} | payload)

    def attachment(self, pid: str, version: str = "v3", **changes: Any) -> httpx.Response:
        """POST an attachment by v3 below a dataset, or by v4 with a relationship to it."""
        payload = {"caption": "a picture", "ownerGroup": self.group} | changes
        if version == "v3":
            return self.post(f"{self.path(pid, 'v3')}/attachments", payload)
        relation = {"targetId": pid, "targetType": "dataset"}
        return self.post("/api/v4/attachments", {"isPublished": False, "relationships": [relation]} | payload)


@dataclass
class Catalogue:
    """The server under test and its accounts."""

    url: str
    is_stand_in: bool
    passwords: dict[str, tuple[str, str]]
    service_account: str
    clients: list[httpx.Client] = field(default_factory=list)
    callers: dict[str, Caller] = field(default_factory=dict)

    def caller(self, name: str) -> Caller:
        """Return an account by its part; skips the test if a real server's was not given."""
        if name not in self.passwords:
            assert not self.is_stand_in, name
            pytest.skip(f"needs SCICAT_TEST_{name.upper()}_USERNAME and _PASSWORD")
        if name not in self.callers:
            self.callers[name] = self.log_in(*self.passwords[name])
        return self.callers[name]

    def service(self) -> Caller:
        """Return the account that the service would use."""
        return self.caller(self.service_account)

    def log_in(self, username: str, password: str) -> Caller:
        """Return a caller with a token of its own."""
        caller = self.anonymous()
        login = expect(caller.post("/api/v3/auth/login", {"username": username, "password": password}), 201)
        caller = self.with_authorization(f"Bearer {login['access_token']}")
        user = expect(caller.get("/api/v3/auth/whoami"), 200)
        return Caller(caller.client, username, tuple(user["currentGroups"]), user["email"])

    def with_authorization(self, value: str, header: str = "Authorization") -> Caller:
        """Return a caller that sends this header."""
        caller = self.anonymous()
        caller.client.headers[header] = value
        return caller

    def anonymous(self) -> Caller:
        """Return a caller without a token."""
        client = httpx.Client(base_url=self.url, timeout=TIMEOUT)
        self.clients.append(client)
        return Caller(client)

    def close(self) -> None:
        """Close all connections."""
        for client in self.clients:
            client.close()


def expect(response: httpx.Response, status: int) -> Any:
    """Return the body of an answer that must have this status."""
    assert response.status_code == status, response.text
    return response.json()


def new_pid() -> str:
    """Return a pid that nobody has."""
    return f"contract.test/{uuid.uuid4()}"


def block_payload(files: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a block without its dataset."""
    listed = [{"path": f"file_{number}.h5", "size": 1, "time": TIME} for number in range(files)]
    return {"size": files, "dataFileList": listed} | changes


def _headers(names: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in names.items()}


def _given_accounts() -> dict[str, tuple[str, str]]:
    given = {}
    for name in ("service", *ACCOUNTS):
        prefix = "SCICAT_TEST_" if name == "service" else f"SCICAT_TEST_{name.upper()}_"
        if f"{prefix}USERNAME" in os.environ:
            given[name] = (os.environ[f"{prefix}USERNAME"], os.environ[f"{prefix}PASSWORD"])
    return given


@pytest.fixture(scope="session")
def catalogue() -> Iterator[Catalogue]:
    """Return the server under test."""
    url = os.environ.get(URL_VARIABLE)
    if url:
        given = Catalogue(url.rstrip("/"), is_stand_in=False, passwords=_given_accounts(), service_account="service")
        yield given
        given.close()
        return
    with StandInThread() as stand_in:
        accounts = {name: (name, stand_in.account(name).password) for name in ACCOUNTS}
        made = Catalogue(stand_in.url, is_stand_in=True, passwords=accounts, service_account=SERVICE_ON_STAND_IN)
        yield made
        made.close()


@pytest.fixture
def service(catalogue: Catalogue) -> Caller:
    """Return the account that the service would use."""
    return catalogue.service()


@pytest.fixture
def anonymous(catalogue: Catalogue) -> Iterator[Caller]:
    """Return nobody."""
    caller = catalogue.anonymous()
    yield caller
    caller.client.close()


@pytest.fixture
def admin(catalogue: Catalogue) -> Caller:
    """Return an account in ADMIN_GROUPS."""
    return catalogue.caller("admin")


@pytest.fixture
def ingestor(catalogue: Catalogue) -> Caller:
    """Return an account in CREATE_DATASET_PRIVILEGED_GROUPS."""
    return catalogue.caller("ingestor")


@pytest.fixture
def plain_user(catalogue: Catalogue) -> Caller:
    """Return an account in CREATE_DATASET_GROUPS."""
    return catalogue.caller("plainUser")


@pytest.fixture
def archive_manager(catalogue: Catalogue) -> Caller:
    """Return an account in DELETE_GROUPS and UPDATE_DATASET_LIFECYCLE_GROUPS."""
    return catalogue.caller("archiveManager")


@pytest.fixture
def foreign_group() -> str:
    """Return a group that no account is in."""
    return f"group-{uuid.uuid4()}"


@pytest.fixture(params=["v3", "v4"])
def version(request: pytest.FixtureRequest) -> str:
    """Return each version of the API in turn."""
    return str(request.param)


@pytest.fixture(params=["v3", "sub", "v4"])
def block_route(request: pytest.FixtureRequest) -> str:
    """Return each route for blocks in turn: v3's own, v3's below a dataset, v4's."""
    return str(request.param)
