"""A facility for the benchmarks: a real Kafka, the SciCat stand-in, and service processes that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition

from scicat_ingest.bootstrap import open_producer
from scicat_ingest.consume.connection import connection_arguments, stop_client
from scicat_ingest.consume.topics import prepare_topics
from scicat_ingest.settings import Settings
from scicat_ingest.testing.stand_in import StandInConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

TOPIC = "scicat.acquisitions"
PREFIX = "20.500.12345"


@dataclass
class Facility:
    """Where everything is."""

    bootstrap_servers: str
    scicat_url: str
    folder: Path
    partitions: int = 6
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By group of settings."""
    roots: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The settings."""
        account = StandInConfig().account("ingestor")
        groups: dict[str, dict[str, Any]] = {
            "kafka": {
                "bootstrap_servers": self.bootstrap_servers,
                "partitions": self.partitions,
                "session_timeout_seconds": 6,
            },
            "scicat": {
                "url": self.scicat_url,
                "username": account.username,
                "password": account.password,
                "read_back_group": account.groups[0],
            },
            "limits": {"requests_per_second": None},
            "mapping": {
                "pid_prefix": PREFIX,
                "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
                "fallback_owner_group": "unassigned",
                "owner": "Data Service",
                "contact_email": "data@example.org",
            },
            "ops": {"port": 0},
            "log": {"format": "json", "level": "WARNING"},
        }
        changed = {name: {**groups.get(name, {}), **self.changes.get(name, {})} for name in {*groups, *self.changes}}
        return {**changed, "sources": [{"topic": TOPIC, "roots": list(self.roots)}]}

    @property
    def settings(self) -> Settings:
        """The settings, read."""
        return Settings.model_validate(self.document)

    async def make_topics(self) -> None:
        """Create the topics."""
        await prepare_topics(self.settings, create=True)

    def start(self, name: str) -> ServiceProcess:
        """Start a service process."""
        config = self.folder / "ingest.yaml"
        config.write_text(yaml.safe_dump(self.document))
        return ServiceProcess(config, self.folder / f"{name}.log")

    async def send(self, events: Iterable[tuple[bytes, bytes]]) -> int:
        """Send (key, value) records as fast as Kafka takes them."""
        count = 0
        async with open_producer(self.settings.kafka) as producer:
            for key, value in events:
                await producer.send(TOPIC, key=key, value=value)
                count += 1
            await producer.flush()
        return count

    async def outcomes(self) -> AsyncIterator[list[Any]]:
        """Give the outcomes from the first one on, batch by batch; an empty batch each half second without any."""
        kafka = self.settings.kafka
        consumer = AIOKafkaConsumer(
            **connection_arguments(kafka), auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        try:
            topics = (kafka.ingested_topic, kafka.dead_letter_topic)
            consumer.assign([TopicPartition(topic, n) for topic in topics for n in range(self.partitions)])
            while True:
                batches = await consumer.getmany(timeout_ms=500)
                yield [message for batch in batches.values() for message in batch]
        finally:
            await stop_client(consumer)


class ServiceProcess:
    """`scicat-ingest run`."""

    def __init__(self, config: Path, log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 (our own command)
                [sys.executable, "-m", "scicat_ingest", "run", "--config", str(config)],
                stdout=output,
                stderr=output,
                env={name: value for name, value in os.environ.items() if not name.startswith("SCICAT_INGEST_")},
            )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def last_words(self) -> str:
        """Its exit code, and the last that it wrote."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return f"exit code {self._process.poll()}: {lines[-1] if lines else 'no word'}"

    @property
    def peak_bytes(self) -> int:
        """The most memory that it has held (VmHWM); 0 once it is gone."""
        return self._status("VmHWM")

    @property
    def cpu_seconds(self) -> float:
        """User and system time by now, of all its threads."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> int:
        try:
            lines = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)

    def pause(self) -> None:
        """SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; give the exit code."""
        self._process.terminate()
        return self._process.wait(60)


def events(count: int, *, first: int = 0) -> Iterable[tuple[bytes, bytes]]:
    """Give events with ten files and a preview, keyed by acquisition."""
    for number in range(first, first + count):
        name = f"run-{number}"
        event = {
            "acquisitionId": name,
            "instrument": {"id": "ODIN"},
            "proposal": {"id": "p1001", "principalInvestigators": ["Ada Lovelace"]},
            "endedAt": "2026-04-22T10:54:53+02:00",
            "source": {"folder": f"/data/odin/{name}"},
            "files": [{"path": f"{name}_{part}.nxs", "size": 1024 + part} for part in range(10)],
            "attachments": [{"caption": "preview", "thumbnail": "data:image/png;base64,AAAA"}],
        }
        yield name.encode(), json.dumps(event).encode()


def source_of(message: Any) -> tuple[int, int]:
    """Give the partition and offset of an outcome's record."""
    headers = dict(message.headers)
    if "ingest.dlq.offset" in headers:
        return int(headers["ingest.dlq.partition"]), int(headers["ingest.dlq.offset"])
    source = json.loads(message.value)["source"]
    return source["partition"], source["offset"]


def documents_twice(store: Any) -> dict[str, int]:
    """Count what is in the stand-in more than once: datasets by acquisition, blocks and attachments by dataset."""
    acquisitions = Counter(dataset["scientificMetadata"]["ingest"]["acquisitionId"] for dataset in store.datasets())
    blocks = Counter(block["datasetId"] for block in store.origdatablocks())
    attachments = Counter({pid: len(store.attachments(pid)) for pid in blocks})
    found = {"datasets": acquisitions, "origdatablocks": blocks, "attachments": attachments}
    return {what: sum(number - 1 for number in counts.values()) for what, counts in found.items()}
