"""Several service processes of one group, and the check that every story about them ends with."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
from tests.integration.harness import PATIENCE_SECONDS, Process, Site, at_least, committed_offsets, read_outcomes
from tests.integration.harness import source_of as source_of_outcome

from scicat_ingest.bootstrap import open_producer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Sent = dict[tuple[int, int], bytes]
"""What was sent, by partition and offset."""
READING = "reading partitions: "


class Fleet:
    """Starts, watches and ends processes."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self._folder = folder
        self._all: list[Process] = []

    def start(self, name: str, **kafka: Any) -> Process:
        """Start a process, with Kafka settings of its own."""
        folder = self._folder / name
        document = {**self.site.document, "kafka": {**self.site.document["kafka"], **kafka}}
        process = Process(Site(document, self.site.stand_in), folder)
        self._all.append(process)
        return process

    def retire(self, process: Process) -> None:
        """End one in an orderly way."""
        process.terminate()
        assert process.exit_code() == 0, process.said

    def retire_all(self) -> None:
        """End all that live, at once."""
        living = [process for process in self._all if process.alive]
        for process in living:
            process.terminate()
        for process in living:
            assert process.exit_code() == 0, process.said

    def kill_all(self) -> None:
        """Leave nothing behind."""
        for process in self._all:
            if process.alive:
                process.thaw()
                process.kill()


@contextmanager
def fleet(site: Site, folder: Path) -> Iterator[Fleet]:
    """Give a fleet, of which nothing is left at the end."""
    made = Fleet(site, folder)
    try:
        yield made
    finally:
        made.kill_all()


def events(count: int, first: int = 0) -> list[tuple[bytes, bytes]]:
    """Give small events, keyed by acquisition: one file, one preview."""
    records = []
    for number in range(first, first + count):
        name = f"run-{number}"
        event = {
            "acquisitionId": name,
            "proposal": {"id": "p1001"},
            "source": {"folder": f"/data/{name}"},
            "files": [{"path": "a.nxs", "size": 3}],
            "attachments": [{"caption": "preview", "thumbnail": "data:image/png;base64,AAAA"}],
        }
        records.append((name.encode(), json.dumps(event).encode()))
    return records


async def send_slowly(site: Site, records: Iterable[tuple[bytes, bytes]], sent: Sent) -> None:
    """Send one after the other, each when Kafka has taken the one before: events flow while other things happen."""
    async with open_producer(site.settings.kafka) as producer:
        for key, value in records:
            where = await producer.send_and_wait(site.topic, key=key, value=value)
            sent[where.partition, where.offset] = value


async def until_said(process: Process, words: str, times: int = 1) -> None:
    """Wait until a process has logged some words so many times."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while process.said.count(words) < times:
            assert process.alive, process.said
            await anyio.sleep(0.05)


async def check_ending(site: Site, sent: Sent, *, dead: int = 0) -> Counter[tuple[int, int]]:
    """Require all that must hold at the end, when no service runs any more; give the outcomes by record.

    The acquisitions in the catalogue are those that were sent, each with its dataset, block and preview once and right
    totals; each record has outcomes with one id of its own; the committed offsets are the ends.
    """
    outcomes = await read_outcomes(site, at_least(len(sent)))
    ids: dict[tuple[int, int], set[str]] = {}
    for outcome in outcomes:
        ids.setdefault(source_of_outcome(outcome), set()).add(dict(outcome.headers)["ce_id"].decode())
    assert set(ids) == set(sent)
    assert all(len(names) == 1 for names in ids.values())
    assert len(set.union(*ids.values())) == len(ids), "two records share an outcome id"
    dead_letters = {source_of_outcome(one) for one in outcomes if one.topic == site.settings.kafka.dead_letter_topic}
    assert len(dead_letters) == dead
    store = site.stand_in.store
    wanted = {
        event["acquisitionId"]: {(file["path"], file["size"]) for file in event["files"]}
        for event in (json.loads(value) for here, value in sent.items() if here not in dead_letters)
    }
    datasets = store.datasets()
    names = Counter(dataset["scientificMetadata"]["ingest"]["acquisitionId"] for dataset in datasets)
    assert names == dict.fromkeys(wanted, 1)
    for dataset in datasets:
        files = wanted[dataset["scientificMetadata"]["ingest"]["acquisitionId"]]
        (block,) = store.origdatablocks(dataset["pid"])
        assert {(file["path"], file["size"]) for file in block["dataFileList"]} == files
        assert len(block["dataFileList"]) == dataset["numberOfFiles"] == len(files)
        assert dataset["size"] == sum(size for _, size in files)
        assert len(store.attachments(dataset["pid"])) == 1
    ends: dict[int, int] = {}
    for partition, offset in sent:
        ends[partition] = max(ends.get(partition, 0), offset + 1)
    assert await committed_offsets(site) == ends
    return Counter(source_of_outcome(outcome) for outcome in outcomes)
