"""What the demo does: real Kafka, a SciCat stand-in, the service and a producer, and a look at every outcome."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import anyio
from aiokafka import AIOKafkaConsumer, TopicPartition

from scicat_ingest.bootstrap import open_catalogue, open_engine, open_producer
from scicat_ingest.consume.connection import connection_arguments, stop_client
from scicat_ingest.consume.topics import prepare_topics
from scicat_ingest.engine.observer import Observer
from scicat_ingest.faults import CatalogueUnavailable
from scicat_ingest.report.outcome import Skipped
from scicat_ingest.settings import Settings
from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandIn, StandInConfig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.testing.sample_events import SampleEvent

ACCOUNT = StandInConfig().account("ingestor")
"""A privileged account without admin rights: what a facility would give the service."""

GIVE_UP_SECONDS = 150.0
"""Without a new outcome for this long, the demo has failed."""

Coordinates = tuple[int, int]
"""Partition and offset on the input topic."""


class Progress(Protocol):
    """Shows how far the demo is."""

    def step(self, what: str) -> None:
        """Say what is going on."""

    def count(self, done: int, total: int) -> None:
        """Say how many events have ended."""


@dataclass(slots=True)
class Tally(Observer):
    """An observer that counts what is not published, and ticks."""

    ignored: int = 0
    done: int = 0
    is_ready: anyio.Event = field(default_factory=anyio.Event)

    def ready(self) -> None:
        """Note that the service reads."""
        self.is_ready.set()

    def published(self, outcome: Outcome) -> None:
        """Count."""
        self.done += 1
        self.ignored += isinstance(outcome, Skipped)


@dataclass(frozen=True, slots=True)
class Stage:
    """What is running."""

    settings: Settings
    bootstrap_servers: str
    scicat_url: str


@dataclass(slots=True)
class Summary:
    """How the demo ended, as read from the outcome topics and from the catalogue."""

    sent: int = 0
    ingested: int = 0
    already_present: int = 0
    dead_lettered: Counter[str] = field(default_factory=Counter)
    ignored: int = 0
    repeated_outcomes: int = 0
    seconds: float = 0.0
    datasets: int = 0
    example_pid: str = ""
    mismatches: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Give the object that `demo --json` prints."""
        return {
            "sent": self.sent,
            "ingested": self.ingested,
            "already_present": self.already_present,
            "dead_lettered": dict(self.dead_lettered),
            "ignored": self.ignored,
            "repeated_outcomes": self.repeated_outcomes,
            "seconds": round(self.seconds, 2),
        }


@asynccontextmanager
async def open_stage(bootstrap_servers: str | None, progress: Progress) -> AsyncIterator[Stage]:
    """Start Kafka (unless one is given) and the stand-in. Raises EmbeddedKafkaUnavailable."""
    async with AsyncExitStack() as stack:
        if bootstrap_servers is None:
            progress.step("starting Apache Kafka (the first time, its jars are downloaded: about 45 MB)")
            kafka = EmbeddedKafka()
            stack.push_async_callback(_in_thread, kafka.stop)
            await anyio.to_thread.run_sync(kafka.start)
            bootstrap_servers = kafka.bootstrap_servers
        progress.step("starting the SciCat stand-in")
        stand_in = await stack.enter_async_context(StandIn(StandInConfig()))
        yield Stage(_settings(bootstrap_servers, stand_in.url), bootstrap_servers, stand_in.url)


@asynccontextmanager
async def performed(
    stage: Stage, observer: Observer, tally: Tally, events: Sequence[SampleEvent], progress: Progress
) -> AsyncIterator[Summary]:
    """Send the events, let the service work, and compare every outcome with what the event demands.

    Gives the summary while the service still runs; it is stopped at the end of the `async with`.
    """
    summary = Summary(sent=len(events))
    await prepare_topics(stage.settings, create=True)
    async with anyio.create_task_group() as tasks, open_engine(stage.settings, observer) as engine:
        tasks.start_soon(engine.run)
        await tally.is_ready.wait()
        progress.step(f"sending {len(events)} events to {stage.settings.sources[0].topic}")
        began = time.monotonic()
        sent = await _send(stage.settings, events)
        progress.step("ingesting")
        outcomes = await _collect(stage.settings, sent, tally, progress)
        summary.seconds = time.monotonic() - began
        _judge(summary, sent, outcomes, tally)
        summary.datasets = await _count_datasets(stage.settings, summary)
        yield summary
        await engine.stop()


def _settings(bootstrap_servers: str, scicat_url: str) -> Settings:
    name = f"demo-{uuid4().hex[:8]}"
    return Settings.model_validate(
        {
            "kafka": {
                "bootstrap_servers": bootstrap_servers,
                "group_id": name,
                "ingested_topic": f"{name}.ingested",
                "dead_letter_topic": f"{name}.dead-letters",
                "partitions": 3,
            },
            "sources": [{"topic": f"{name}.acquisitions", "roots": ["/data"]}],
            "scicat": {
                "url": scicat_url,
                "username": ACCOUNT.username,
                "password": ACCOUNT.password,
                "read_back_group": ACCOUNT.groups[0],
            },
            "limits": {"requests_per_second": None},
            "mapping": {
                "pid_prefix": "20.500.12345",
                "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
                "fallback_owner_group": "unassigned",
                "access_groups": ["{instrument.id}-staff"],
                "owner": "Data Service",
                "contact_email": "data@example.org",
            },
        }
    )


async def _send(settings: Settings, events: Sequence[SampleEvent]) -> dict[Coordinates, SampleEvent]:
    sent = {}
    async with open_producer(settings.kafka) as producer:
        with anyio.fail_after(60):
            for event in events:
                where = await producer.send_and_wait(settings.sources[0].topic, value=event.value, key=event.key)
                sent[where.partition, where.offset] = event
    return sent


@dataclass(frozen=True, slots=True)
class _Published:
    outcome_id: str
    source: Coordinates
    ending: str
    reason: str
    pid: str


async def _collect(
    settings: Settings, sent: dict[Coordinates, SampleEvent], tally: Tally, progress: Progress
) -> list[_Published]:
    """Read the outcome topics until every event has ended, or nothing has happened for a long time."""
    published: list[_Published] = []
    async with _reader(settings) as reader:
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < GIVE_UP_SECONDS:
            batches = await reader.getmany(timeout_ms=200)
            news = [_read(message, settings) for messages in batches.values() for message in messages]
            published += news
            ended = len({outcome.source for outcome in published}) + tally.ignored
            progress.count(ended, len(sent))
            if ended >= len(sent):
                break
            if news:
                quiet_since = time.monotonic()
    return published


@asynccontextmanager
async def _reader(settings: Settings) -> AsyncIterator[Any]:
    kafka = settings.kafka
    reader = AIOKafkaConsumer(**connection_arguments(kafka), auto_offset_reset="earliest", enable_auto_commit=False)
    await reader.start()
    try:
        reader.assign(
            [
                TopicPartition(topic, partition)
                for topic in (kafka.ingested_topic, kafka.dead_letter_topic)
                for partition in range(kafka.partitions)
            ]
        )
        yield reader
    finally:
        await stop_client(reader)


def _read(message: Any, settings: Settings) -> _Published:
    headers = {name: value.decode() for name, value in message.headers}
    if message.topic == settings.kafka.dead_letter_topic:
        source = (int(headers["ingest.dlq.partition"]), int(headers["ingest.dlq.offset"]))
        return _Published(headers["ce_id"], source, "dead_lettered", headers["ingest.dlq.reason"], "")
    body = json.loads(message.value)
    ending = "already_present" if body["verdict"] == "already_present" else "ingested"
    source = (body["source"]["partition"], body["source"]["offset"])
    return _Published(headers["ce_id"], source, ending, "", body["pid"])


def _judge(
    summary: Summary, sent: dict[Coordinates, SampleEvent], outcomes: Sequence[_Published], tally: Tally
) -> None:
    summary.ignored = tally.ignored
    summary.repeated_outcomes = len(outcomes) - len({outcome.outcome_id for outcome in outcomes})
    by_source = {outcome.source: outcome for outcome in outcomes}
    for source, event in sent.items():
        outcome = by_source.get(source)
        ending, reason = (outcome.ending, outcome.reason) if outcome else ("ignored", "")
        if ending == "dead_lettered":
            summary.dead_lettered[reason] += 1
        elif ending == "ingested":
            summary.ingested += 1
        elif ending == "already_present":
            summary.already_present += 1
        if (ending, reason) != (event.ending, event.reason):
            name = (event.key or b"?").decode("utf-8", "replace")
            wanted = f"{event.ending} {event.reason}".strip()
            summary.mismatches.append(f"{name}: should have been {wanted}, was {ending} {reason}".rstrip())
        if outcome and outcome.pid and not summary.example_pid:
            summary.example_pid = outcome.pid


async def _count_datasets(settings: Settings, summary: Summary) -> int:
    """Count the demo's datasets in the catalogue itself: outcomes alone could be wrong."""
    filters = {
        "where": {"accessGroups": settings.scicat.read_back_group},
        "fields": ["pid"],
        "limits": {"limit": 100_000},
    }
    async with open_catalogue(settings) as deliveries:
        client = deliveries.parts.client
        answer, _ = await client.find_datasets("v3", filters)
    if not isinstance(answer.body, list):
        raise CatalogueUnavailable(f"counting datasets: {answer.status} {answer.message}")
    if len(answer.body) != summary.ingested:
        summary.mismatches.append(f"the catalogue has {len(answer.body)} datasets, should have {summary.ingested}")
    return len(answer.body)


async def _in_thread(act: Any) -> None:
    with anyio.CancelScope(shield=True):
        await anyio.to_thread.run_sync(act)
