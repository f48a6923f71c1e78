"""The service as it is run, looked at over HTTP: probes, metrics and status beside a real Kafka."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.integration.harness import PARTITIONS, PATIENCE_SECONDS, Process, at_least, event, read_outcomes, send

from scicat_ingest.consume.topics import INPUT_RETENTION_MS
from scicat_ingest.observe.metrics.metric import PREFIX

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.integration.harness import Site

pytestmark = pytest.mark.anyio


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    with anyio.fail_after(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 (another process's state)
            await anyio.sleep(0.1)


def sums(text: str) -> dict[str, float]:
    """Add up the series of each metric."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name.removeprefix(PREFIX)
            found[name] = found.get(name, 0.0) + sample.value
    return found


async def test_a_running_service_shows_how_it_does(site: Site, tmp_path: Path) -> None:
    """It is ready once it has its partitions; then lag, retention and outcomes are what Kafka has."""
    process = Process(site, tmp_path, "--create-topics")
    found: list[str] = []

    async def listens() -> bool:
        found[:] = re.findall(r"http://127\.0\.0\.1:\d+", process.said)
        return bool(found)

    async def is_ready() -> bool:
        return (await client.get("/readyz")).status_code == 200

    async def has_committed() -> bool:
        seen.update(sums((await client.get("/metrics")).text))
        return seen["commits_total"] > 0 and seen["lag_records"] == 0

    seen: dict[str, float] = {}
    try:
        await until(listens)
        async with httpx.AsyncClient(base_url=found[0]) as client:
            assert (await client.get("/livez")).status_code == 200
            await until(is_ready)
            await send(site, [(b"run-1", event()), (b"run-1", event()), (b"broken", b"{")])
            await read_outcomes(site, at_least(3))
            await until(has_committed)
            status = (await client.get("/api/status")).json()
        process.terminate()
        assert process.exit_code() == 0, process.said
    finally:
        process.kill()
    assert seen["records_total"] == 3
    assert seen["assigned_partitions"] == PARTITIONS
    assert seen["topic_retention_seconds"] == INPUT_RETENTION_MS / 1000
    assert seen["publishes_total"] == 3
    assert seen["requests_in_flight"] == 0
    assert status["lag"]["records"] == 0
    assert {each["outcome"] for each in status["lastOutcomes"]} == {"created", "already_present", "dead_lettered"}
    assert all(each["message"] is None for each in status["lastOutcomes"])
    assert site.stand_in.account("ingestor").password not in str(status)
