"""A stand-in on a real socket whose failures are told by the test, and clients of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from scicat_ingest.testing.failures import FailureScript, parse_script
from scicat_ingest.testing.stand_in import StandIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@pytest.fixture
def anyio_backend() -> str:
    """Choose what aiohttp runs on."""
    return "asyncio"


@pytest.fixture
def script() -> Callable[..., FailureScript]:
    """Make a script of rules as they are written in JSON."""
    return lambda *rules, **more: parse_script(json.dumps({"rules": rules, **more}))


@pytest.fixture
def dataset() -> dict[str, Any]:
    """Give a dataset that the ingestor may create."""
    return {
        "pid": "p/1",
        "type": "raw",
        "ownerGroup": "ingestor",
        "owner": "o",
        "contactEmail": "a@example.org",
        "sourceFolder": "/data/a",
        "creationTime": "2026-11-23T10:00:00Z",
        "datasetName": "n",
    }


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    """Run a stand-in with nothing in it and a control."""
    async with StandIn(control_port=0) as running:
        yield running


@pytest.fixture
async def client(stand_in: StandIn) -> AsyncIterator[httpx.AsyncClient]:
    """Log the ingestor in."""
    async with httpx.AsyncClient(base_url=stand_in.url) as client:
        credentials = {"username": "ingestor", "password": stand_in.account("ingestor").password}
        login = await client.post("/api/v3/auth/login", json=credentials)
        client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        yield client
