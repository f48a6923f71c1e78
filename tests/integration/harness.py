"""The service on a real Kafka and the SciCat stand-in, and what came of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition

from scicat_ingest.bootstrap import open_engine, open_producer
from scicat_ingest.consume.connection import connection_arguments, stop_client
from scicat_ingest.observe.logs import OutcomeLog
from scicat_ingest.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from scicat_ingest.engine.engine import Engine
    from scicat_ingest.observe.ops import Ops
    from scicat_ingest.testing.stand_in import StandIn, StandInThread

PATIENCE_SECONDS = 120
PARTITIONS = 3


@dataclass(frozen=True)
class Site:
    """A facility: its Kafka, its SciCat, and its settings as a document."""

    document: dict[str, Any]
    stand_in: StandIn | StandInThread

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(self.document)

    @property
    def topic(self) -> str:
        return self.settings.sources[0].topic

    def write(self, folder: Path) -> Path:
        path = folder / "ingest.yaml"
        path.write_text(yaml.safe_dump(self.document))
        return path


def make_site(
    bootstrap_servers: str, stand_in: StandIn | StandInThread, name: Callable[[str], str], **groups: Any
) -> Site:
    """Describe a site; `groups` are merged into the settings."""
    account = stand_in.account("ingestor")
    document: dict[str, Any] = {
        "kafka": {
            "bootstrap_servers": bootstrap_servers,
            "group_id": name("group"),
            "ingested_topic": name("ingested"),
            "dead_letter_topic": name("dead-letters"),
            "partitions": PARTITIONS,
            "session_timeout_seconds": 6,
        },
        "sources": [{"topic": name("acquisitions")}],
        "scicat": {
            "url": stand_in.url,
            "username": account.username,
            "password": account.password,
            "read_back_group": account.groups[0],
            "settle_seconds": 1,
        },
        "limits": {"requests_per_second": None},
        "mapping": {
            "pid_prefix": "20.500.12345",
            "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
            "fallback_owner_group": "unassigned",
            "owner": "Data Service",
            "contact_email": "data@example.org",
        },
        "ops": {"port": 0},
        "log": {"format": "json"},
    }
    for group, values in groups.items():
        document[group] = {**document.get(group, {}), **values} if isinstance(values, dict) else values
    return Site(document, stand_in)


@asynccontextmanager
async def running(site: Site, *, accept_loss: bool = False, ops: Ops | None = None) -> AsyncIterator[Engine]:
    """Run the service in this process; it is stopped in an orderly way at the end."""
    async with (
        anyio.create_task_group() as tasks,
        open_engine(site.settings, OutcomeLog(), create_topics=True, accept_loss=accept_loss, ops=ops) as engine,
    ):
        tasks.start_soon(engine.run)
        yield engine
        await engine.stop()


class Process:
    """The service in a process of its own, as `scicat-ingest run`."""

    def __init__(self, site: Site, folder: Path, *arguments: str) -> None:
        folder.mkdir(exist_ok=True)
        self.log = folder / "service.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scicat_ingest", "run", "--config", str(site.write(folder)), *arguments],
                stdout=log,
                stderr=log,
                env={name: value for name, value in os.environ.items() if not name.startswith("SCICAT_INGEST_")},
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def exit_code(self) -> int:
        return self._process.wait(PATIENCE_SECONDS)

    @property
    def said(self) -> str:
        return self.log.read_text()


async def send(
    site: Site, records: Iterable[tuple[bytes | None, bytes | None]], **extra: Any
) -> dict[tuple[int, int], bytes]:
    """Send (key, value) records; give the values by (partition, offset)."""
    sent = {}
    async with open_producer(site.settings.kafka) as producer:
        futures = [(await producer.send(site.topic, key=key, value=value, **extra), value) for key, value in records]
        await producer.flush()
        for future, value in futures:
            where = await future
            sent[where.partition, where.offset] = value or b""
    return sent


async def read_outcomes(site: Site, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Read both outcome topics from the beginning until `enough` says so."""
    kafka = site.settings.kafka
    consumer = AIOKafkaConsumer(**connection_arguments(kafka), auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        topics = (kafka.ingested_topic, kafka.dead_letter_topic)
        consumer.assign([TopicPartition(topic, number) for topic in topics for number in range(kafka.partitions)])
        messages: list[Any] = []
        with anyio.fail_after(PATIENCE_SECONDS):
            while not enough(messages):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    messages += batch
        return messages
    finally:
        await stop_client(consumer)


def sources_of(messages: Iterable[Any]) -> Counter[tuple[int, int]]:
    """Count outcomes by the (partition, offset) of their record."""
    return Counter(source_of(message) for message in messages)


def source_of(message: Any) -> tuple[int, int]:
    headers = dict(message.headers)
    if "ingest.dlq.offset" in headers:
        return int(headers["ingest.dlq.partition"]), int(headers["ingest.dlq.offset"])
    source = json.loads(message.value)["source"]
    return source["partition"], source["offset"]


async def committed_offsets(site: Site) -> dict[int, int]:
    """Give the group's committed offset of each partition of the input topic that has one."""
    kafka = site.settings.kafka
    consumer = AIOKafkaConsumer(**connection_arguments(kafka), group_id=kafka.group_id, enable_auto_commit=False)
    await consumer.start()
    try:
        offsets = {}
        for number in range(kafka.partitions):
            partition = TopicPartition(site.topic, number)
            consumer.assign([partition])
            committed = await consumer.committed(partition)
            if committed is not None:
                offsets[number] = committed
        return offsets
    finally:
        await stop_client(consumer)


MINIMAL = {
    "acquisitionId": "run-1",
    "instrument": {"id": "ODIN"},
    "proposal": {"id": "p1001", "principalInvestigators": ["Ada Lovelace"]},
    "endedAt": "2026-04-22T10:54:53+02:00",
    "source": {"folder": "/data/odin/run-1"},
    "files": [{"path": "a.nxs", "size": 3, "checksum": "ab"}, {"path": "b.nxs", "size": 4}],
    "checksumAlgorithm": "sha256",
    "attachments": [{"caption": "preview", "thumbnail": "data:image/png;base64,AAAA"}],
}
"""An event with two files and a preview."""


def event(**changes: Any) -> bytes:
    return json.dumps(MINIMAL | changes).encode()


def at_least(count: int) -> Callable[[list[Any]], bool]:
    return lambda found: len(sources_of(found)) >= count


def many(count: int) -> list[tuple[bytes, bytes]]:
    records = []
    for number in range(count):
        name = f"run-{number}"
        records.append((name.encode(), event(acquisitionId=name, source={"folder": f"/data/{name}"})))
    return records


def assert_each_is_there_once(stand_in: StandIn | StandInThread, count: int) -> None:
    """Every acquisition has one dataset with right totals, one block, and one attachment."""
    datasets = stand_in.store.datasets()
    acquisitions = Counter(dataset["scientificMetadata"]["ingest"]["acquisitionId"] for dataset in datasets)
    assert acquisitions == {f"run-{number}": 1 for number in range(count)}
    assert Counter(block["datasetId"] for block in stand_in.store.origdatablocks()) == {
        dataset["pid"]: 1 for dataset in datasets
    }
    for dataset in datasets:
        assert (dataset["size"], dataset["numberOfFiles"]) == (7, 2)
        assert len(stand_in.store.attachments(dataset["pid"])) == 1
