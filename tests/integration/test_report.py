"""`scicat-ingest report` as an operator runs it, on a real Kafka."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.integration.harness import at_least, event, read_outcomes, running, send

from scicat_ingest.testing.stand_in.store import DATASETS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.harness import Site

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 120
EVER = ("--since", "2020-01-01T00:00:00Z")


async def cli(site: Site, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run it; gives exit code, standard output and standard error."""
    command = [sys.executable, "-m", "scicat_ingest", *arguments, "--config", str(site.write(folder))]
    with anyio.fail_after(PATIENCE_SECONDS):
        done = await anyio.run_process(command, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def run_of(number: int, **changes: Any) -> tuple[bytes, bytes]:
    name = f"run-{number}"
    return name.encode(), event(acquisitionId=name, runNumber=number, source={"folder": f"/data/{name}"}, **changes)


async def test_every_acquisition_is_in_the_report_once(site: Site, tmp_path: Path) -> None:
    """Ingested, dead-lettered, ignored, open, missing: in JSON, as CSV and for people."""
    bad = (b"run-5", event(acquisitionId="run-5", runNumber=5, files=[{"path": "a", "size": -1}]))
    async with running(site):
        await send(site, [run_of(1), run_of(2), run_of(2), run_of(4), bad, (b"x", None)])
        await read_outcomes(site, at_least(5))
        (tmp_path / "list").write_text("run-1\nrun-7\n")
    await send(site, [run_of(6)])
    code, said, complained = await cli(site, tmp_path, "report", *EVER, "--json", "--expected", f"{tmp_path}/list")
    assert code == 1, complained
    found = json.loads(said)
    assert found["totals"] == {"ingested": 3, "dead-lettered": 1, "open": 1, "ignored": 1}
    assert found["gaps"] == [{"instrument": "ODIN", "runs": "3"}]
    assert found["missing"] == [{"acquisitionId": "run-7"}]
    assert found["dead_lettered"][0]["reason"] == "invalid_field"
    assert [each["acquisitionId"] for each in found["open"]] == ["run-6"]
    assert found["covers"][site.topic] is None

    code, said, complained = await cli(site, tmp_path, "report", *EVER, "--csv", "--no-gaps")
    rows = {row["instrument"]: row for row in csv.DictReader(io.StringIO(said))}
    assert (code, rows["ODIN"]["seen"], rows["ODIN"]["ingested"], rows["ODIN"]["open"]) == (0, "5", "3", "1")
    code, said, complained = await cli(site, tmp_path, "report", *EVER)
    assert (code, "dead letters: scicat-ingest dlq list" in said) == (1, True)
    assert "gaps in run numbers; runs missing: 1\n  ODIN: 3\n" in said


async def test_what_is_gone_from_scicat_is_found(site: Site, tmp_path: Path) -> None:
    """By asking for every dataset that was ingested."""
    async with running(site):
        await send(site, [run_of(1), run_of(2)])
        await read_outcomes(site, at_least(2))
    code, said, complained = await cli(site, tmp_path, "report", *EVER, "--verify", "--json")
    assert (code, json.loads(said)["not_in_scicat"]) == (0, {}), complained
    store = site.stand_in.store
    gone, thin = (dataset["pid"] for dataset in store.datasets())
    store.delete(DATASETS, gone)
    store.replace(DATASETS, thin, {**(store.dataset(thin) or {}), "numberOfFiles": 1})
    code, said, _ = await cli(site, tmp_path, "report", *EVER, "--verify", "--json")
    assert (code, set(json.loads(said)["not_in_scicat"])) == (1, {gone, thin})


async def test_a_replay_is_part_of_its_acquisition(site: Site, tmp_path: Path) -> None:
    """Broken, repaired by the settings, replayed: one acquisition, ingested."""
    site.document["mapping"]["on_status"] = {"failed": "dead_letter"}
    async with running(site):
        await send(site, [run_of(1, status="failed")])
        await read_outcomes(site, at_least(1))
    site.document["mapping"]["on_status"] = {"failed": "ingest"}
    async with running(site):
        code, _, complained = await cli(site, tmp_path, "dlq", "replay", "--everything")
        assert code == 0, complained
        await read_outcomes(site, lambda found: len(found) >= 3)
    code, said, _ = await cli(site, tmp_path, "report", *EVER, "--json", "--verify")
    assert (code, json.loads(said)["totals"]) == (0, {"ingested": 1})
