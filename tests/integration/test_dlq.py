"""`scicat-ingest dlq` as an operator runs it, on a real Kafka: processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from tests.integration.harness import at_least, event, read_outcomes, running, send
from tests.integration.letters_stage import bury, cases_of, create_topics, records_of, send_events

from scicat_ingest.consume.connection import connection_arguments
from scicat_ingest.letters.resolution import is_resolution

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.harness import Site

    from scicat_ingest.consume.record import Record

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 120
Dlq = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def dlq(site: Site, tmp_path: Path) -> Dlq:
    """Run `dlq` with arguments; gives exit code, standard output and standard error."""
    config = site.write(tmp_path)

    async def run(*arguments: str) -> tuple[int, str, str]:
        with anyio.fail_after(PATIENCE_SECONDS):
            done = await anyio.run_process(command(config, *arguments), check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


def command(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "scicat_ingest", "dlq", *arguments, "--config", str(config)]


def lines(said: str) -> list[Any]:
    return [json.loads(line) for line in said.splitlines()]


def replay_headers(record: Record) -> dict[str, str]:
    return {
        name.removeprefix("ingest.replay."): value.decode()
        for name, value in record.headers
        if name.startswith("ingest.replay.")
    }


async def test_a_letter_is_found_repaired_replayed_and_gone(site: Site, dlq: Dlq) -> None:
    """The whole way, with the service running: the letter is closed, the dataset is there, the service goes on."""
    async with running(site):
        await send(site, [(b"k", event(acquisitionId=7)), (b"k", event(status="failed"))])
        await read_outcomes(site, at_least(2))
        code, said, _ = await dlq("list", "--json", "--by", "reason")
        assert code == 0
        assert {group["name"]: group["count"] for group in lines(said)} == {"invalid_field": 1, "acquisition_failed": 1}
        [letter] = lines((await dlq("list", "--json", "--reason", "invalid_field"))[1])
        code, said, complained = await dlq("show", letter["id"][:8], "--json")
        assert code == 0, complained
        shown = json.loads(said)
        assert (shown["event"]["acquisitionId"], shown["now"]["fault"]["code"]) == (7, "invalid_field")

        code, said, complained = await dlq("replay", letter["id"], "--by", "ada", "--why", "to see")
        assert (code, said) == (0, "1 replayed, 0 refused\n"), complained
        await read_outcomes(site, lambda found: len(found) >= 4)  # the replay failed again, and the resolution
        again, other = sorted(lines((await dlq("list", "--json"))[1]), key=lambda each: -each["replays"])
        assert (again["replays"], again["replay_of"], again["reason"]) == (1, letter["id"], "invalid_field")
        assert other["reason"] == "acquisition_failed"
        everything = {each["id"]: each for each in lines((await dlq("list", "--json", "--all"))[1])}
        how = everything[letter["id"]]["resolved"]
        assert (how["kind"], how["by"], how["why"], how["to"]) == ("replayed", "ada", "to see", site.topic)

        code, said, _ = await dlq("purge", "--reason", "invalid_field", "--why", "a test", "--yes", "--json")
        assert (code, [line["result"] for line in lines(said)]) == (0, ["purged"])
        assert [each["id"] for each in lines((await dlq("list", "--json"))[1])] == [other["id"]]


@pytest.mark.parametrize(
    "bad",
    [
        {"files": [{"path": "/somewhere/else.nxs", "size": 1}, {"path": "/somewhere/else.nxs", "size": 1}]},
        {"endedAt": "yesterday"},
    ],
)
async def test_a_letter_whose_dataset_was_ingested_later_is_not_open(site: Site, dlq: Dlq, bad: dict[str, Any]) -> None:
    """The producer sent a better event for the same pid; nobody need do anything."""
    async with running(site):
        await send(site, [(b"run-1", event(**bad))])
        [letter] = await read_outcomes(site, at_least(1))
        assert dict(letter.headers).get("ingest.dlq.pid") is not None
        assert len(lines((await dlq("list", "--json"))[1])) == 1
        await send(site, [(b"run-1", event())])
        await read_outcomes(site, at_least(2))
    assert lines((await dlq("list", "--json"))[1]) == []
    [resolved] = lines((await dlq("list", "--json", "--all"))[1])
    assert resolved["resolved"]["kind"] == "ingested"
    assert len(lines((await dlq("list", "--json", "--without-ingested"))[1])) == 1
    code, said, _ = await dlq("replay", resolved["id"], "--json")
    assert (code, lines(said)[0]["result"]) == (1, "refused")


async def test_show_tells_how_scicat_differs(site: Site, dlq: Dlq) -> None:
    """Field by field; with --offline nothing is asked."""
    async with running(site):
        await send(site, [(b"run-1", event(title="before"))])
        await read_outcomes(site, at_least(1))
        records = list(await records_of(site, site.topic))
        await send(site, [(b"run-1", event(title="after"))])
        await read_outcomes(site, at_least(2))
        later = [record for record in await records_of(site, site.topic) if record not in records]
    await bury(site, later)
    code, said, complained = await dlq("show", "/".join(map(str, [site.topic, later[0].partition, later[0].offset])))
    assert code == 0, complained
    assert 'datasetName: "before" there, "after" now' in said
    [letter] = lines((await dlq("list", "--all", "--json"))[1])
    assert (
        json.loads((await dlq("show", letter["id"], "--json"))[1])["catalogue"]["fields"]["datasetName"]["now"]
        == "after"
    )
    assert json.loads((await dlq("show", letter["id"], "--json", "--offline"))[1])["catalogue"] is None


async def test_a_replayed_record_is_the_original_with_headers_that_say_so(site: Site, dlq: Dlq) -> None:
    """Key, value, timestamp, own headers and partition are as they were; on another topic the key decides."""
    elsewhere = site.topic + ".repaired"
    await create_topics(site, elsewhere)
    originals = await send_events(site, 5)
    await bury(site, originals)
    code, said, complained = await dlq("replay", "--everything", "--to", elsewhere, "--limit", "2")
    assert (code, said) == (0, "2 replayed, 0 refused\n"), complained
    code, said, complained = await dlq("replay", "--everything")
    assert (code, said) == (0, "3 replayed, 0 refused\n"), complained
    copies = [*await records_of(site, elsewhere), *(await records_of(site, site.topic))]
    replayed = {record.key: record for record in copies if replay_headers(record)}
    assert len(replayed) == 5
    letters = {case.letter.key: case.letter for case in await cases_of(site, keep_resolved=True)}
    for original in originals:
        copy = replayed[original.key]
        assert (copy.value, copy.timestamp_ms) == (original.value, original.timestamp_ms)
        assert copy.headers[: len(original.headers)] == original.headers
        assert copy.topic == elsewhere or copy.partition == original.partition
        assert replay_headers(copy) == {
            "count": "1",
            "of": letters[(original.key or b"").decode()].id,
            "topic": original.topic,
            "partition": str(original.partition),
            "offset": str(original.offset),
            "timestamp": str(original.timestamp_ms),
        }


async def test_a_dry_run_changes_nothing_and_the_third_failure_is_the_last(site: Site, dlq: Dlq) -> None:
    """A record that was replayed three times is refused, unless somebody insists."""
    await create_topics(site)
    await bury(site, await send_events(site, 1))
    for trip in range(4):
        code, said, _ = await dlq("replay", "--everything", "--dry-run", "--json")
        assert (code, lines(said)[0]["result"]) == ((0, "would_replay") if trip < 3 else (1, "refused"))
        code, _, complained = await dlq("replay", "--everything", *(["--force"] if trip == 3 else []))
        assert code == 0, complained
        newest = max(await records_of(site, site.topic), key=lambda record: replay_headers(record).get("count", "0"))
        assert replay_headers(newest)["count"] == str(trip + 1)
        await bury(site, [newest])
    assert len(await records_of(site, site.topic)) == 5


async def test_a_value_that_was_left_out_is_fetched_from_its_topic_or_missed(site: Site, dlq: Dlq) -> None:
    """While the record is there it is replayed whole; afterwards it is refused with the reason."""
    await create_topics(site, partitions=1)
    there, gone = await send_events(site, 2, size=999_700)
    await bury(site, [gone, there])
    kafka = site.settings.kafka
    assert {case.letter.value_sha256 is not None for case in await cases_of(site)} == {True}
    shown = json.loads((await dlq("show", f"{there.topic}/{there.partition}/{there.offset}", "--json", "--offline"))[1])
    assert (shown["event"]["acquisitionId"], shown["value_omitted"]) == ("run-0", True)
    code, said, complained = await dlq("replay", f"{there.topic}/{there.partition}/{there.offset}")
    assert (code, said) == (0, "1 replayed, 0 refused\n"), complained
    assert (await records_of(site, site.topic))[-1].value == there.value
    admin = AIOKafkaAdminClient(**connection_arguments(kafka))
    await admin.start()
    await admin.delete_records({TopicPartition(site.topic, 0): RecordsToDelete(gone.offset + 1)})
    await admin.close()
    code, said, complained = await dlq("replay", "--everything")
    assert (code, said) == (1, "0 replayed, 1 refused\n")
    assert "its value was left out" in complained
    assert "gone from Kafka" in complained


async def test_a_record_that_kafka_would_delete_at_once_is_not_replayed_by_itself(site: Site, dlq: Dlq) -> None:
    """Its timestamp is kept, and retention goes by that."""
    await create_topics(site, configuration={"retention.ms": str(30 * 86_400_000)})
    await bury(site, await send_events(site, 1))
    code, _, complained = await dlq("replay", "--everything")
    assert (code, "keeps records for 30.0 days" in complained) == (1, True)
    assert (await dlq("replay", "--everything", "--force"))[0] == 0


async def test_kill_9_in_the_middle_of_a_replay_loses_and_doubles_nothing(site: Site, tmp_path: Path, dlq: Dlq) -> None:
    """Killed again and again while it writes, started again: each record once, no letter open."""
    await create_topics(site)
    originals = await send_events(site, 300)
    await bury(site, originals)
    config = site.write(tmp_path)
    killed = 0
    for told in (1, 5, 20, 40, 7, 33):
        async with await anyio.open_process(
            command(config, "replay", "--everything", "--rate", "100", "--json"), stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            said = b""
            with anyio.fail_after(PATIENCE_SECONDS):
                while said.count(b"\n") < told:
                    said += await process.stdout.receive()
            killed += process.returncode is None
            process.kill()
    assert killed == 6
    code, _, complained = await dlq("replay", "--everything")
    assert code == 0, complained
    records = await records_of(site, site.topic)
    copies = Counter(record.key for record in records if replay_headers(record))
    assert copies == Counter(record.key for record in originals)
    resolutions = [one for one in await records_of(site, site.settings.kafka.dead_letter_topic) if is_resolution(one)]
    assert len(resolutions) == 300
    assert not [case for case in await cases_of(site) if case.is_open]
    assert (await dlq("list"))[1] == "0 open\n"


async def test_what_is_wrong_with_the_call_or_the_configuration_has_its_exit_code(site: Site, dlq: Dlq) -> None:
    """2 for the call, 1 for a letter that is not there, 78 for a topic that is not there."""
    assert (await dlq("replay"))[0] == 2
    assert (await dlq("purge", "--why", "x"))[0] == 2
    assert (await dlq("purge", "--why", "x", "--reason", "y"))[0] == 2, "nobody is there to say yes"
    code, _, complained = await dlq("list")
    assert (code, "missing_topic" in complained) == (78, True)
    await create_topics(site)
    assert (await dlq("list"))[:2] == (0, "0 open\n")
    assert (await dlq("show", "12345678"))[0] == 1
    assert (await dlq("replay", "12345678"))[0] == 1
    assert (await dlq("replay", "--everything", "--to", site.topic + ".nowhere"))[0] == 78
    assert (await dlq("replay", "--everything", "--to", site.settings.kafka.ingested_topic))[0] == 2
