"""The questions to Kafka. No record is written, and the group is not joined: a running service is not disturbed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.commit import OffsetFetchRequest

from scicat_ingest.bootstrap import open_producer
from scicat_ingest.consume.connection import ask, connection_arguments, one_clear_error
from scicat_ingest.consume.topics import needed_topics
from scicat_ingest.doctor.kafka_facts import (
    READ,
    WRITE,
    Cluster,
    Group,
    describe_cluster,
    describe_group,
    error_name,
)
from scicat_ingest.doctor.kafka_judgement import (
    judge_compaction,
    judge_existence,
    judge_message_size,
    judge_partitions,
    judge_replication,
    judge_retention,
    judge_right,
)
from scicat_ingest.doctor.step import failed, ok, warning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from scicat_ingest.doctor.step import Examination, Finding
    from scicat_ingest.settings import Settings

REACHABLE, TOPICS, READING, WRITING = "kafka reachable", "kafka topics", "kafka reading", "kafka writing"
PRODUCER, GROUP, PARTITIONS, RETENTION = "kafka producer", "kafka group", "kafka partitions", "kafka retention"
COMPACTION, MESSAGE_SIZE, REPLICATION = "kafka compaction", "kafka message size", "kafka replication"

_GROUP_READ = "ask the Kafka administrator for Read on the group"


class KafkaQuestions:
    """Asks them."""

    def __init__(self, settings: Settings, replicas: int | None) -> None:
        self._settings = settings
        self._kafka = settings.kafka
        self._replicas = replicas
        self._needed = needed_topics(settings)
        self._inputs = [source.topic for source in settings.sources]
        self._outcomes = [self._kafka.ingested_topic, self._kafka.dead_letter_topic]
        self._cluster = Cluster(0)

    async def ask_all(self, examination: Examination) -> None:
        """Do the steps."""
        await examination.step(REACHABLE, self.reachable)
        await examination.step(TOPICS, self.topics, needs=[REACHABLE])
        kafka, cluster = self._kafka, self._cluster
        inputs, outcomes = cluster.present(self._inputs), cluster.present(self._outcomes)
        every = [*inputs, *outcomes]
        judgements: dict[str, Callable[[], Finding]] = {
            READING: lambda: judge_right(inputs, READ, "Read"),
            WRITING: lambda: judge_right(outcomes, WRITE, "Write"),
            PARTITIONS: lambda: judge_partitions(inputs, self._replicas),
            RETENTION: lambda: judge_retention(self._needed, every),
            COMPACTION: lambda: judge_compaction(every),
            MESSAGE_SIZE: lambda: judge_message_size(outcomes, kafka.max_message_bytes),
            REPLICATION: lambda: judge_replication(every, cluster.brokers),
        }
        for name, judge in judgements.items():
            await examination.step(name, _at_once(judge), needs=[REACHABLE])
        await examination.step(PRODUCER, self.producer, needs=[REACHABLE])
        await examination.step(GROUP, self.group, needs=[REACHABLE])

    async def reachable(self) -> Finding:
        """Connect with the credentials, and ask for the topics."""
        async with self._client() as client:
            try:
                self._cluster = await describe_cluster(client, [topic.name for topic in self._needed])
            except NotImplementedError as error:  # aiokafka finds no version that both sides know
                return failed(f"the brokers are too old: {error}", "Kafka 2.3 or newer is needed")
        brokers = self._cluster.brokers
        user = f" as {self._kafka.sasl_username}" if self._kafka.security_protocol.startswith("SASL") else ""
        return ok(f"{self._kafka.bootstrap_servers}: {brokers} broker{'s' * (brokers != 1)}, connected{user}")

    async def topics(self) -> Finding:
        """Look whether they are all there."""
        names = [topic.name for topic in self._needed]
        return judge_existence(self._cluster, names, will_create=self._kafka.create_topics)

    async def producer(self) -> Finding:
        """Start one as the service does, which needs IdempotentWrite on the cluster or Write on a topic."""
        async with open_producer(self._kafka):
            return ok("an idempotent producer starts; that a record is acknowledged is not proven: none was written")

    async def group(self) -> Finding:
        """Describe it and read its offsets. Joining would move the partitions of a running service."""
        name = self._kafka.group_id
        async with self._client() as client:
            group, offsets = await ask(lambda: _ask_coordinator(client, name))
        if error := group.error or offsets.error_code:
            return failed(f"{name}: {error_name(error)}", _GROUP_READ)
        if group.may_read is False:
            return failed(f"{name}: we may see it, but not join and commit", _GROUP_READ)
        committed = sum(len(partitions) for _, partitions in offsets.topics)
        seen = f"{name}: {group.members} members, offsets of {committed} partitions committed"
        if group.may_read is None:
            return warning(f"{seen}; the broker does not tell our rights", f"make sure that Read is granted on {name}")
        return ok(f"{seen}; Read is allowed")

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AIOKafkaClient]:
        """Give a connected client. Raises KafkaUnreachable, KafkaForbidden, KafkaUnavailable."""
        kafka = self._kafka
        client = AIOKafkaClient(**connection_arguments(kafka), request_timeout_ms=30_000)
        try:
            with one_clear_error(kafka), anyio.fail_after(kafka.connect_timeout_seconds):
                await client.bootstrap()
                yield client
        finally:
            with anyio.move_on_after(5, shield=True):
                await client.close()


async def _ask_coordinator(client: AIOKafkaClient, name: str) -> tuple[Group, Any]:
    """Find a group's coordinator, which a fresh cluster needs a moment to make, and ask it for group and offsets."""
    coordinator = await client.coordinator_lookup(0, name)
    group = await describe_group(client, name, coordinator)
    return group, await client.send(coordinator, OffsetFetchRequest(name, None))


def _at_once(judge: Callable[[], Finding]) -> Callable[[], Awaitable[Finding]]:
    async def look() -> Finding:
        return judge()

    return look
