"""A real Prometheus watches the service through an outage: which alerts fire, and that they are over afterwards.

Minutes of the rules are seconds here, or a little more.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import yaml
from tests.alerts.promql import metric_names
from tests.integration.harness import PATIENCE_SECONDS, Process, at_least, event, read_outcomes, send
from tests.tools.programs import program

from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.integration.harness import Site

pytestmark = [pytest.mark.anyio, pytest.mark.tools]

CHART_FILES = Path(__file__).parents[2] / "helm" / "scicat-ingest" / "files"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def hurried_rules() -> dict[str, Any]:
    """Give the rules with `for` in seconds instead of minutes; those that wake somebody wait six times as long.

    A machine that is busy with other tests must not look like a service that is down.
    """
    rules: dict[str, Any] = yaml.safe_load((CHART_FILES / "rules.yaml").read_text())
    for group in rules["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            if "for" in rule:
                minutes = int(rule["for"].removesuffix("m")) if rule["for"].endswith("m") else 60
                rule["for"] = f"{minutes * (6 if rule['labels']['severity'] == 'critical' else 1)}s"
    return rules


class Prometheus:
    """What a Prometheus says."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def ask(self, path: str, **params: str) -> Any:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{self._url}/api/v1/{path}", params=params)
        answer.raise_for_status()  # while it starts, it is 503 Service Unavailable
        return answer.json()["data"]

    async def firing(self) -> set[str]:
        alerts = (await self.ask("alerts"))["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    async def ever_fired(self) -> set[str]:
        found = await self.ask("query", query='max_over_time(ALERTS{alertstate="firing"}[1h])')
        return {series["metric"]["alertname"] for series in found["result"]}

    async def is_up(self) -> bool:
        try:
            targets = (await self.ask("targets"))["activeTargets"]
        except httpx.HTTPError:
            return False
        return any(target["health"] == "up" for target in targets)


@contextmanager
def watching(folder: Path, ops_port: int) -> Iterator[Prometheus]:
    """Run a Prometheus that asks the service every two seconds."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(hurried_rules()))
    target = {"targets": [f"127.0.0.1:{ops_port}"], "labels": {"namespace": "test"}}
    configuration = {
        "global": {"scrape_interval": "2s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yaml")],
        "scrape_configs": [{"job_name": "scicat-ingest", "static_configs": [target]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


async def until(what: str, condition: Callable[[], Awaitable[bool]]) -> None:
    try:
        with anyio.fail_after(PATIENCE_SECONDS):
            while not await condition():  # noqa: ASYNC110 (another process's state)
                await anyio.sleep(0.2)
    except TimeoutError:
        pytest.fail(f"it did not come to this: {what}")


def run(number: int) -> tuple[bytes, bytes]:
    name = f"run-{number}"
    return name.encode(), event(acquisitionId=name, source={"folder": f"/data/{name}"})


async def test_an_outage_is_told_and_a_dead_letter_and_nothing_else(site: Site, tmp_path: Path) -> None:
    """A dead letter at once; the open circuit after its time, until SciCat is back; nothing that wakes anybody."""
    ops_port = free_port()
    site.document["ops"] = {"port": ops_port}
    site.document["limits"] = {"requests_per_second": 1000}
    service = Process(site, tmp_path, "--create-topics")

    async def is_ready() -> bool:
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"http://127.0.0.1:{ops_port}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        await until("the service is ready", is_ready)
        with watching(tmp_path, ops_port) as prometheus:
            await until("Prometheus has asked the service", prometheus.is_up)
            await send(site, [run(1), run(2), (b"bad", b"{")])
            await read_outcomes(site, at_least(3))

            async def fires(name: str) -> bool:
                return name in await prometheus.firing()

            await until("the dead letter is told", lambda: fires("ScicatIngestDeadLetters"))
            assert not await fires("ScicatIngestCircuitOpen")

            assert isinstance(site.stand_in, StandInThread)
            site.stand_in.crash()
            await send(site, [run(number) for number in range(3, 9)])
            await until("the open circuit is told", lambda: fires("ScicatIngestCircuitOpen"))
            site.stand_in.start_again()
            await read_outcomes(site, at_least(9))

            async def is_over() -> bool:
                return "ScicatIngestCircuitOpen" not in await prometheus.firing()

            await until("the alert is over", is_over)
            assert await prometheus.ever_fired() == {"ScicatIngestDeadLetters", "ScicatIngestCircuitOpen"}
            await what_dashboards_show_is_there(ops_port)
    finally:
        service.terminate()
        assert service.exit_code() == 0, service.said


async def what_dashboards_show_is_there(ops_port: int) -> None:
    """Look for every series of every panel in a scrape, or among those that the rules record; promtool agrees."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{ops_port}/metrics")).text
    done = await anyio.run_process([str(program("promtool")), "check", "metrics"], input=text.encode(), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    families = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    scraped = families | {f"{name}{suffix}" for name in families for suffix in ("_bucket", "_sum", "_count")}
    scraped |= {rule["record"] for group in hurried_rules()["groups"] for rule in group["rules"] if "record" in rule}
    asked = {
        name
        for path in (CHART_FILES / "dashboards").glob("*.json")
        for expr in expressions(json.loads(path.read_text()))
        for name in metric_names(expr)
    }
    of_others = {name for name in asked if not re.match(r"(job|job_\w+:)?.*scicat_ingest", name)}
    assert asked - scraped - of_others == set()


def expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("expr"), str):
            yield re.sub(r"\$\w+", "5m", value["expr"])
        for each in value.values():
            yield from expressions(each)
    elif isinstance(value, list):
        for each in value:
            yield from expressions(each)
