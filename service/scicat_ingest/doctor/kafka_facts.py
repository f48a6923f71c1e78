"""What a broker says about topics and a group, and about what we may do to them, without a record being written.

aiokafka does not ask for authorized operations (KIP-430), so the two requests that do are spelt out here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiokafka.errors import for_code
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Bytes, Int16, Int32, Schema, String

from scicat_ingest.consume.connection import ask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiokafka.client import AIOKafkaClient

READ, WRITE, DESCRIBE, IDEMPOTENT_WRITE = 3, 4, 8, 12
"""Codes of org.apache.kafka.common.acl.AclOperation; the bits of an authorized-operations field."""
NOT_GIVEN = -(2**31)
"""What a broker answers that does not tell operations."""
UNKNOWN_TOPIC, TOPIC_FORBIDDEN = 3, 29
_TOPIC_RESOURCE = 2
_TEXT = String("utf-8")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic, as the broker describes it to us."""

    name: str
    error: int = 0
    """Kafka's error code; 0: it is there and we may see it."""
    partitions: int = 0
    replicas: int = 0
    """The fewest of any partition."""
    in_sync: int = 0
    """The fewest of any partition."""
    operations: int = NOT_GIVEN
    configuration: Mapping[str, str | None] | None = None
    """None if we may not read it."""

    def may(self, operation: int) -> bool | None:
        """Tell whether we may do it; None if the broker does not say."""
        return None if self.operations == NOT_GIVEN else bool(self.operations >> operation & 1)

    def text(self, setting: str) -> str:
        """Give a word of its configuration; empty if it is not known."""
        return (self.configuration or {}).get(setting) or ""

    def number(self, setting: str, default: int) -> int:
        """Give a number of its configuration."""
        value = self.text(setting)
        return int(value) if value else default


@dataclass(frozen=True, slots=True)
class Cluster:
    """The brokers, and our topics on them by name."""

    brokers: int
    topics: Mapping[str, Topic] = field(default_factory=dict)

    def present(self, names: Sequence[str]) -> list[Topic]:
        """Give those of the topics that are there."""
        return [self.topics[name] for name in names if name in self.topics and not self.topics[name].error]


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group, as its coordinator describes it to us."""

    error: int
    state: str
    members: int
    may_read: bool | None
    """None if the broker does not say."""


class _MetadataResponse(Response):  # type: ignore[misc]  # aiokafka has no types; so below
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT))),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("name", _TEXT),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _MetadataStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8  # Kafka 2.3
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", Array(_TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _MetadataRequest(Request[_MetadataStruct]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)

    def build(self, struct: type[_MetadataStruct]) -> _MetadataStruct:
        return struct(self._names, False, False, True)  # noqa: FBT003 (the wire's order)


class _GroupsResponse(Response):  # type: ignore[misc]
    API_KEY = 15
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", _TEXT),
                ("state", _TEXT),
                ("protocol_type", _TEXT),
                ("protocol", _TEXT),
                (
                    "members",
                    Array(
                        ("member_id", _TEXT),
                        ("client_id", _TEXT),
                        ("client_host", _TEXT),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class _GroupsStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 15
    API_VERSION = 3  # Kafka 2.3; aiokafka 0.14 has it, but reads its answer as version 2
    RESPONSE_TYPE = _GroupsResponse
    SCHEMA = Schema(("groups", Array(_TEXT)), ("include_authorized_operations", Boolean))


class _GroupsRequest(Request[_GroupsStruct]):  # type: ignore[misc]
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, struct: type[_GroupsStruct]) -> _GroupsStruct:
        return struct([self._group], True)  # noqa: FBT003 (the wire's order)


async def describe_cluster(client: AIOKafkaClient, names: Sequence[str]) -> Cluster:
    """Ask for topics, without creating any by asking. Raises KafkaError."""
    answer = (await ask(lambda: client.send(client.get_random_node(), _MetadataRequest(names)))).to_object()
    present = [topic["name"] for topic in answer["topics"] if not topic["error_code"]]
    configurations = await _configurations(client, present)
    topics = [_topic(topic, configurations.get(topic["name"])) for topic in answer["topics"]]
    return Cluster(len(answer["brokers"]), {topic.name: topic for topic in topics})


async def describe_group(client: AIOKafkaClient, name: str, coordinator: int) -> Group:
    """Ask a group's coordinator for it, without joining. Raises KafkaError."""
    answer = (await client.send(coordinator, _GroupsRequest(name))).to_object()["groups"][0]
    operations = answer["authorized_operations"]
    may_read = None if operations == NOT_GIVEN else bool(operations >> READ & 1)
    return Group(answer["error_code"], answer["state"], len(answer["members"]), may_read)


def error_name(code: int) -> str:
    """Give the name of an error code, as Kafka's documentation lists it."""
    return str(for_code(code).__name__).removesuffix("Error")


async def _configurations(client: AIOKafkaClient, names: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """Give the configuration of each topic that lets us read it."""
    if not names:
        return {}
    request = DescribeConfigsRequest([(_TOPIC_RESOURCE, name, None) for name in names])
    answer = await ask(lambda: client.send(client.get_random_node(), request))
    return {
        name: {entry[0]: entry[1] for entry in entries} for code, _, _, name, entries in answer.resources if code == 0
    }


def _topic(described: Mapping[str, Any], configuration: Mapping[str, str | None] | None) -> Topic:
    partitions = described["partitions"]
    return Topic(
        name=described["name"],
        error=described["error_code"],
        partitions=len(partitions),
        replicas=min((len(partition["replicas"]) for partition in partitions), default=0),
        in_sync=min((len(partition["isr"]) for partition in partitions), default=0),
        operations=described["authorized_operations"],
        configuration=configuration,
    )
