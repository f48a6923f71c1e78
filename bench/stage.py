"""Where the contestants work: a real Kafka, the sink, and one contestant after another on the same records."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from bench.figures import LOOP_ON_HTTPX, PYSCICAT, SERVICE, Figures
from bench.processes import Watched, python
from bench.reference import PREFIX, WRITES

from scicat_ingest.bootstrap import open_producer
from scicat_ingest.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bench.sink_process import Sink

PARTITIONS = 6
WARM_UP = 0.15
"""Not measured: imports, connections, and the service's search for how much SciCat bears."""
COOL_DOWN = 0.03
"""As much at the end, when fewer and fewer are in flight."""
LONGEST_SECONDS = 120.0
TICK_SECONDS = 0.02


@dataclass
class Stage:
    """Kafka and the sink."""

    kafka: str
    sink: Sink
    folder: Path
    concurrency: int = 64
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the service's settings, by group."""
    number: int = 0
    filled: set[str] = field(default_factory=set)

    def document(self, topic: str) -> dict[str, Any]:
        """Give the service's settings: everything that is on by default, and no rate limit."""
        groups: dict[str, dict[str, Any]] = {
            "kafka": {
                "bootstrap_servers": self.kafka,
                "partitions": PARTITIONS,
                "group_id": f"service-{self.number}",
                "create_topics": True,
            },
            "scicat": {"url": self.sink.url, "username": "ingestor", "password": "sink"},
            "limits": {"requests_per_second": None, "max_concurrency": self.concurrency},
            "mapping": {
                "pid_prefix": PREFIX,
                "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
                "fallback_owner_group": "unassigned",
                "owner": "Data Service",
                "contact_email": "data@example.org",
            },
            "ops": {"port": 0},
        }
        changed = {name: {**groups.get(name, {}), **self.changes.get(name, {})} for name in {*groups, *self.changes}}
        return {**changed, "sources": [{"topic": topic, "roots": ["/data"]}]}

    async def fill(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Make a topic with these records, unless it is there."""
        if topic not in self.filled:
            self.filled.add(topic)
            await self.make_topic(topic)
            await self.send(topic, records)

    async def new_topic(self, name: str) -> str:
        """Make an empty topic of another name than all before."""
        topic = f"{name}-{self.number}"
        await self.make_topic(topic)
        return topic

    async def make_topic(self, name: str, partitions: int = PARTITIONS) -> None:
        """Create a topic."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, partitions, 1)])
        finally:
            await admin.close()

    async def send(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Send (key, value) records as fast as Kafka takes them."""
        async with open_producer(Settings.model_validate(self.document(topic)).kafka) as producer:
            for key, value in records:
                await producer.send(topic, key=key, value=value)
            await producer.flush()

    @contextmanager
    def changed(self, **changes: dict[str, Any]) -> Iterator[None]:
        """Give the service other settings, by group, until the end of the block."""
        before, self.changes = self.changes, changes
        try:
            yield
        finally:
            self.changes = before

    @contextmanager
    def contestant(self, name: str, topic: str, *, processes: int = 1) -> Iterator[list[Watched]]:
        """Run a contestant on a topic, from its first record."""
        self.number += 1
        log = self.folder / f"{self.number}-{name.replace(' ', '-')}.log"
        with ExitStack() as stack:
            yield [stack.enter_context(python(self._command(name, topic), log)) for _ in range(processes)]

    def _command(self, name: str, topic: str) -> list[str]:
        if name == SERVICE:
            config = self.folder / f"service-{self.number}.yaml"
            config.write_text(yaml.safe_dump(self.document(topic)))
            return ["-m", "scicat_ingest", "run", "--config", str(config)]
        where = ["--kafka", self.kafka, "--url", self.sink.url, "--topic", topic, "--group", f"other-{self.number}"]
        if name == PYSCICAT:
            return ["-m", "bench.contestants", "pyscicat", *where]
        transport = "httpx" if name == LOOP_ON_HTTPX else "httpx-aiohttp"
        concurrency = ["--concurrency", str(self.concurrency)]
        return ["-m", "bench.contestants", "loop", "--transport", transport, *concurrency, *where]

    def work_off(
        self, name: str, topic: str, events: int, *, delay_ms: float = 0, processes: int = 1, writes: int = WRITES
    ) -> Figures:
        """Let a contestant work off the first `events` records of a topic, and measure the middle part of it."""
        self.sink.reset(writes=writes, delay_ms=delay_ms)
        with self.contestant(name, topic, processes=processes) as running:
            begun = self.wait_for(round(events * WARM_UP), running)
            ended = self.wait_for(round(events * (1 - COOL_DOWN)), running)
            self.wait_for(events, running)
            peak = max(each.peak_mib for each in running)
        count = ended.whole - begun.whole
        return Figures(
            cpu_ms=(ended.cpu_seconds - begun.cpu_seconds) / count * 1000,
            events_per_second=count / (ended.at - begun.at),
            peak_mib=peak,
        )

    def wait_for(self, whole: int, running: list[Watched], *, within: float = LONGEST_SECONDS) -> Moment:
        """Wait until so many events are whole. Raises RuntimeError when that takes longer than `within` seconds."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            for each in running:
                each.require_alive()
            counts = self.sink.counts()
            if counts["whole"] >= whole:
                return Moment(counts["whole"], time.monotonic(), sum(each.cpu_seconds for each in running))
            time.sleep(TICK_SECONDS)
        raise RuntimeError(f"{whole} events were not there within {within:.0f} s: {self.sink.counts()}")

    async def send_steadily(self, topic: str, records: Iterable[tuple[bytes, bytes]], per_second: float) -> list[float]:
        """Send records at a rate; give when each was handed to the producer, in seconds since the epoch."""
        sent: list[float] = []
        began = time.monotonic()
        async with open_producer(Settings.model_validate(self.document(topic)).kafka) as producer:
            for key, value in records:
                await asyncio.sleep(max(began + len(sent) / per_second - time.monotonic(), 0))
                sent.append(time.time())
                await producer.send(topic, key=key, value=value)
            await producer.flush()
        return sent

    def ceiling(self, events: int, *, delay_ms: float = 0) -> Figures:
        """Let the sink's own program post the same documents, with no Kafka before it."""
        self.sink.reset(writes=WRITES, delay_ms=delay_ms)
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 (just built)
            [str(self.sink.program), "post", "-url", self.sink.url,
             "-events", str(events), "-concurrency", str(self.concurrency)]
        )  # fmt: skip
        _, status, usage = _wait(process)
        assert status == 0
        seconds = time.monotonic() - began
        cpu = usage.ru_utime + usage.ru_stime
        return Figures(cpu / events * 1000, events / seconds, usage.ru_maxrss / 1024)


@dataclass(frozen=True, slots=True)
class Moment:
    """How far it was, and what it had cost."""

    whole: int
    at: float
    cpu_seconds: float


def _wait(process: subprocess.Popen[bytes]) -> Any:
    return os.wait4(process.pid, 0)
