"""`scicat-ingest reprocess` as an operator runs it, on a real Kafka: a process of its own, beside the service."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.integration.harness import at_least, committed_offsets, event, read_outcomes, running, send

from scicat_ingest.testing.stand_in.store import ATTACHMENTS, BLOCKS, DATASETS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.harness import Site

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 120
EVER = ("--from", "2020-01-01T00:00:00Z")


def changed(site: Site, **mapping: Any) -> Site:
    """Give the same site with other mapping settings."""
    return replace(site, document={**site.document, "mapping": {**site.document["mapping"], **mapping}})


def as_admin(site: Site) -> Site:
    """Give the same site with an account that may change datasets."""
    account = site.stand_in.account("admin")
    login = {"username": account.username, "password": account.password, "read_back_group": account.groups[0]}
    return replace(site, document={**site.document, "scicat": {**site.document["scicat"], **login}})


async def reprocess(site: Site, folder: Path, *arguments: str) -> tuple[int, list[Any], str]:
    """Run it; gives exit code, what it said as JSON, and its complaints."""
    command = [sys.executable, "-m", "scicat_ingest", "reprocess", *arguments, "--json", "--rate", "1000"]
    with anyio.fail_after(PATIENCE_SECONDS):
        done = await anyio.run_process(
            [*command, "--config", str(site.write(folder))], check=False, stdin=subprocess.DEVNULL
        )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


async def ingest(site: Site) -> list[Any]:
    """Ingest two runs of ODIN and one of LOKI, and one that cannot be ingested."""
    events = [event(acquisitionId=f"run-{number}", source={"folder": f"/data/{number}"}) for number in (1, 2)]
    loki = event(acquisitionId="run-3", instrument={"id": "LOKI"}, source={"folder": "/data/3"})
    await send(site, [(b"k", value) for value in (*events, loki, event(status="failed"))])
    return await read_outcomes(site, at_least(4))


def forget(site: Site, pid: str) -> None:
    """Take a dataset and all its parts out of the catalogue, as a restored backup would."""
    store = site.stand_in.store
    for block in store.origdatablocks(pid):
        store.delete(BLOCKS, block["_id"])
    for attachment in store.attachments(pid):
        store.delete(ATTACHMENTS, attachment["aid"])
    store.delete(DATASETS, pid)


async def test_what_would_change_is_shown_field_by_field_and_then_written(site: Site, tmp_path: Path) -> None:
    """A comparison writes nothing; an update writes what is ours; afterwards all is the same. The service goes on."""
    site = as_admin(site)
    after = changed(site, contact_email="new@example.org")
    async with running(site):
        await ingest(site)
        code, said, complained = await reprocess(after, tmp_path, *EVER, "--dry-run")
        assert code == 1, complained  # a record fails, as it did
        summary = said[-1]["summary"]
        assert summary["results"] == {"would_change": 3, "fault": 1}
        assert summary["fields"]["contactEmail"] == 3
        item = next(each for each in said if each.get("result") == "would_change")
        assert item["fields"]["contactEmail"] == {
            "there": "data@example.org",
            "now": "new@example.org",
            "would_change": True,
        }
        assert {dataset["contactEmail"] for dataset in site.stand_in.store.datasets()} == {"data@example.org"}

        code, said, complained = await reprocess(
            after, tmp_path, *EVER, "--instrument", "loki", "--on-conflict", "update", "--yes"
        )
        assert code == 0, (said, complained)
        assert said[-1]["summary"]["results"] == {"updated": 1}
        emails = sorted(dataset["contactEmail"] for dataset in site.stand_in.store.datasets())
        assert emails == ["data@example.org", "data@example.org", "new@example.org"]

        outcomes = await read_outcomes(site, lambda found: len(found) >= 5)
        again = [json.loads(each.value) for each in outcomes if b'"reprocess"' in (each.value or b"")]
        assert [answer["verdict"] for answer in again] == ["updated"]
        assert len({dict(each.headers)["ce_id"] for each in outcomes}) == 5
        await send(site, [(b"k", event(acquisitionId="run-9", source={"folder": "/data/9"}))])
        await read_outcomes(site, lambda found: len(found) >= 6)
    code, said, _ = await reprocess(after, tmp_path, *EVER, "--instrument", "LOKI", "--dry-run")
    assert (code, said[-1]["summary"]["results"]) == (0, {"same": 1})


async def test_a_catalogue_that_was_restored_from_an_older_backup_gets_back_what_it_lost(
    site: Site, tmp_path: Path
) -> None:
    """Only what is missing is written, and no offset of the service is touched."""
    async with running(site):
        await ingest(site)
    lost = site.stand_in.store.datasets()[0]["pid"]
    committed = await committed_offsets(site)
    forget(site, lost)
    for result in ({"already_present": 2, "created": 1, "fault": 1}, {"already_present": 3, "fault": 1}):
        code, said, complained = await reprocess(site, tmp_path, *EVER, "--on-conflict", "keep", "--yes")
        assert code == 1, complained
        assert said[-1]["summary"]["results"] == result
    assert len(site.stand_in.store.datasets()) == 3
    assert await committed_offsets(site) == committed


async def test_pids_that_become_others_are_listed(site: Site, tmp_path: Path) -> None:
    """Nobody removes the old datasets but a curator."""
    async with running(site):
        await ingest(site)
    old = {dataset["pid"] for dataset in site.stand_in.store.datasets()}
    other = changed(site, namespace="00000000-0000-4000-8000-000000000000")
    _, said, _ = await reprocess(other, tmp_path, *EVER, "--dry-run")
    assert set(said[-1]["summary"]["old_pids"]) == old
    assert said[-1]["summary"]["results"]["would_create"] == 3


async def test_offsets_choose_single_records(site: Site, tmp_path: Path) -> None:
    """By partition and offset, without a time."""
    async with running(site):
        outcomes = await ingest(site)
    source = json.loads(next(each.value for each in outcomes if b'"run-2"' in each.value))["source"]
    where = ("--topic", site.topic, "--partition", str(source["partition"]))
    first = source["offset"]
    code, said, complained = await reprocess(site, tmp_path, *where, "--offset", f"{first}:{first + 1}", "--dry-run")
    assert (code, said[-1]["summary"]["records"]) == (0, 1), complained
    assert said[0]["record"] == f"{site.topic}/{source['partition']}/{first}"


async def test_what_is_wrong_with_the_call_has_its_exit_code(site: Site, tmp_path: Path) -> None:
    """2 for the call, 78 for a topic that is none of ours or a SciCat that refuses us."""
    assert (await reprocess(site, tmp_path, "--dry-run"))[0] == 2
    assert (await reprocess(site, tmp_path, *EVER, "--on-conflict", "keep"))[0] == 2, "nobody is there to say yes"
    assert (await reprocess(site, tmp_path, *EVER, "--dry-run", "--topic", "other"))[0] == 78
    assert (await reprocess(site, tmp_path, *EVER, "--dry-run"))[0] == 78, "no topic yet"
    async with running(site):
        await ingest(site)
    wrong = replace(site, document={**site.document, "scicat": {**site.document["scicat"], "password": "wrong"}})
    code, _, complained = await reprocess(wrong, tmp_path, *EVER, "--dry-run")
    assert (code, "credentials_rejected" in complained) == (78, True)
