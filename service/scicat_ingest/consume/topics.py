"""The topics: what they must be, and making them so on request."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from scicat_ingest.consume.connection import ask, connection_arguments, one_clear_error
from scicat_ingest.faults import MissingTopic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from scicat_ingest.settings import KafkaSettings, Settings

_LOG = logging.getLogger(__name__)

_TOPIC_ALREADY_EXISTS = 36
_ANY_TIME = str(2**63 - 1)
_METADATA_LOOKS = 100
DAY_MS = 24 * 3600 * 1000
INPUT_RETENTION_MS = 30 * DAY_MS
"""An input record must outlive the longest outage that people overlook."""
INGESTED_RETENTION_MS = 365 * DAY_MS
UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class TopicSpecification:
    """A topic that the service needs."""

    name: str
    partitions: int
    retention_ms: int
    """-1: for ever."""

    def configuration(self, replicas: int) -> dict[str, str]:
        """Give the settings to create it with."""
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "min.insync.replicas": str(max(1, replicas - 1)),
            "message.timestamp.after.max.ms": _ANY_TIME,  # a producer with a wrong clock loses nothing
        }


def needed_topics(settings: Settings) -> list[TopicSpecification]:
    """List the topics that the service reads and writes."""
    kafka = settings.kafka
    inputs = [TopicSpecification(source.topic, kafka.partitions, INPUT_RETENTION_MS) for source in settings.sources]
    return [
        *inputs,
        TopicSpecification(kafka.ingested_topic, kafka.partitions, INGESTED_RETENTION_MS),
        TopicSpecification(kafka.dead_letter_topic, kafka.partitions, UNLIMITED),
    ]


def judge_configuration(wanted: TopicSpecification, configuration: Mapping[str, str | None]) -> list[str]:
    """Say what is dangerous about a topic that exists (pure)."""
    doubts = []
    if "compact" in (configuration.get("cleanup.policy") or ""):
        doubts.append(f"topic {wanted.name} is compacted: records of one key replace each other and are lost")
    retention = int(configuration.get("retention.ms") or UNLIMITED)
    too_short = retention != UNLIMITED and (wanted.retention_ms == UNLIMITED or retention < wanted.retention_ms)
    if too_short:
        need = "for ever" if wanted.retention_ms == UNLIMITED else f"{wanted.retention_ms // DAY_MS} days"
        doubts.append(
            f"topic {wanted.name} keeps records for {retention / DAY_MS:.1f} days only; {need} are needed to lose none "
            f"(retention.ms={wanted.retention_ms})"
        )
    return doubts


def retention_seconds(configuration: Mapping[str, str | None]) -> float | None:
    """Tell how long a topic keeps its records (pure); None: for ever."""
    retention = int(configuration.get("retention.ms") or UNLIMITED)
    return None if retention == UNLIMITED else retention / 1000


@asynccontextmanager
async def _open_admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection_arguments(kafka), request_timeout_ms=30_000)
    try:
        with one_clear_error(kafka), anyio.fail_after(kafka.connect_timeout_seconds):
            await admin.start()
            yield admin
    finally:
        with anyio.move_on_after(5, shield=True):
            await admin.close()


async def existing_topics(kafka: KafkaSettings) -> set[str]:
    """List the topics that there are, without creating any by asking. Raises KafkaUnreachable."""
    async with _open_admin(kafka) as admin:
        return set(await ask(admin.list_topics))


async def committed_offsets(kafka: KafkaSettings) -> dict[tuple[str, int], int]:
    """Give the next offset that the service's group reads of each topic and partition. Raises KafkaUnreachable."""
    async with _open_admin(kafka) as admin:
        found = await ask(lambda: admin.list_consumer_group_offsets(kafka.group_id))
    return {tuple(partition): at.offset for partition, at in found.items() if at.offset >= 0}


async def read_retention(kafka: KafkaSettings, topics: Collection[str]) -> dict[str, int]:
    """Give for how many milliseconds these topics keep a record by its own timestamp.

    One that keeps records for ever, goes by the time of appending, or whose settings we may not see, is missing. Raises
    KafkaUnreachable.
    """
    async with _open_admin(kafka) as admin:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(topics)]
        answers = await ask(lambda: admin.describe_configs(resources)) if resources else []
    kept = {}
    for code, _, _, name, entries in (resource for answer in answers for resource in answer.resources):
        settings = {} if code else {entry[0]: entry[1] for entry in entries}
        retention = int(settings.get("retention.ms") or UNLIMITED)
        deletes = "delete" in (settings.get("cleanup.policy") or "")
        if deletes and retention != UNLIMITED and settings.get("message.timestamp.type") != "LogAppendTime":
            kept[name] = retention
    return kept


async def prepare_topics(settings: Settings, *, create: bool) -> dict[str, float | None]:
    """Make sure that all topics exist, and warn of settings that can lose records.

    Gives the seconds for which each topic keeps its records, None: for ever; what we may not read is left out.
    Raises KafkaUnreachable, and MissingTopic unless `create`.
    """
    async with _open_admin(settings.kafka) as admin:
        needed = needed_topics(settings)
        present = set(await ask(admin.list_topics))
        missing = [topic for topic in needed if topic.name not in present]
        if missing and create:
            await _create(admin, missing, settings)
        elif missing:
            names = ", ".join(topic.name for topic in missing)
            raise MissingTopic(f"{settings.kafka.bootstrap_servers} has no topic {names}")
        configurations, unread = await _read_configurations(admin, [topic.name for topic in needed])
        doubts = [
            doubt
            for topic in needed
            if topic not in missing and topic.name in configurations
            for doubt in judge_configuration(topic, configurations[topic.name])
        ]
        for doubt in (*unread, *doubts):
            _LOG.warning(doubt)
        return {name: retention_seconds(configuration) for name, configuration in configurations.items()}


async def _create(admin: AIOKafkaAdminClient, missing: Sequence[TopicSpecification], settings: Settings) -> None:
    brokers = len((await ask(admin.describe_cluster))["brokers"])
    replicas = settings.kafka.replication_factor or min(3, brokers)
    new = [
        NewTopic(topic.name, topic.partitions, replicas, topic_configs=topic.configuration(replicas))
        for topic in missing
    ]
    answer = await ask(lambda: admin.create_topics(new))
    for name, code, *why in answer.topic_errors:  # create_topics does not raise
        if code not in (0, _TOPIC_ALREADY_EXISTS):
            reason = next((text for text in why if text), f"error {code}")
            raise MissingTopic(f"topic {name} cannot be created: {reason}", hint="create it by hand")
    _LOG.info("created the topics %s", ", ".join(topic.name for topic in missing))
    for _ in range(_METADATA_LOOKS):  # brokers learn of new topics a little later
        if {topic.name for topic in missing} <= set(await ask(admin.list_topics)):
            return
        await anyio.sleep(0.1)


async def _read_configurations(
    admin: AIOKafkaAdminClient, topics: Sequence[str]
) -> tuple[dict[str, dict[str, str | None]], list[str]]:
    """Give the settings of topics, and a warning for each whose settings we may not read."""
    found, unread = {}, []
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    for response in await ask(lambda: admin.describe_configs(resources)):
        for code, why, _, name, entries in response.resources:
            if code:  # no right to DescribeConfigs, which is needed for nothing else
                unread.append(f"topic {name} may lose records, its settings cannot be read: {why or code}")
            else:
                found[name] = {entry[0]: entry[1] for entry in entries}
    return found, unread
