"""What the topics' settings mean for us (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.consume.topics import DAY_MS, UNLIMITED
from scicat_ingest.doctor.kafka_facts import TOPIC_FORBIDDEN, UNKNOWN_TOPIC, error_name
from scicat_ingest.doctor.step import failed, ok, skipped, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scicat_ingest.consume.topics import TopicSpecification
    from scicat_ingest.doctor.kafka_facts import Cluster, Topic
    from scicat_ingest.doctor.step import Finding

KAFKA_DEFAULT_MESSAGE_BYTES = 1_048_588
WANTED_REPLICAS = 3

_NONE_READABLE = (
    "the topics' settings cannot be read: they may lose records unseen",
    "ask the Kafka administrator for DescribeConfigs on the topics",
)


def judge_existence(cluster: Cluster, names: Sequence[str], *, will_create: bool) -> Finding:
    """Judge whether all topics are there."""
    absent = {name: cluster.topics[name].error if name in cluster.topics else UNKNOWN_TOPIC for name in names}
    hidden = [name for name, error in absent.items() if error == TOPIC_FORBIDDEN]
    missing = [name for name, error in absent.items() if error == UNKNOWN_TOPIC]
    troubled = [f"{name}: {error_name(error)}" for name, error in absent.items() if error]
    if hidden:
        return failed(
            f"may not be seen, or are not there: {', '.join(hidden)}",
            "ask the Kafka administrator for Describe on them (Read on input topics, Write on the outcome topics)",
        )
    if missing and will_create and len(missing) == len(troubled):
        return warning(f"not there yet: {', '.join(missing)}", "nothing; kafka.create_topics creates them at the start")
    if missing:
        return failed(
            f"not there: {', '.join(missing)}",
            "ask the Kafka administrator to create them, or start with `scicat-ingest run --create-topics`",
        )
    if troubled:
        return failed(", ".join(troubled), "ask the Kafka administrator")
    return ok(", ".join(names))


def judge_right(topics: Sequence[Topic], operation: int, word: str) -> Finding:
    """Judge whether we may do something to all topics, as the broker's authorizer says."""
    if not topics:
        return skipped("none of them is there")
    refused = [topic.name for topic in topics if topic.may(operation) is False]
    unknown = [topic.name for topic in topics if topic.may(operation) is None]
    if refused:
        return failed(
            f"we may not {word.lower()}: {', '.join(refused)}", f"ask the Kafka administrator for {word} on them"
        )
    if unknown:
        return warning(f"the broker does not tell rights on {', '.join(unknown)}", f"make sure that {word} is granted")
    return ok(f"{word} is allowed on {', '.join(topic.name for topic in topics)}")


def judge_partitions(inputs: Sequence[Topic], replicas: int | None) -> Finding:
    """Judge whether every replica gets a partition; the assignor deals out all input topics' partitions together."""
    if not inputs:
        return skipped("no input topic is there")
    count = sum(topic.partitions for topic in inputs)
    seen = f"{count} in {', '.join(topic.name for topic in inputs)}: at most {count} replicas have work"
    if replicas is not None and replicas > count:
        return failed(
            f"{seen}, and {replicas} are planned",
            f"ask the Kafka administrator for {replicas} partitions, or start fewer replicas",
        )
    return ok(seen)


def judge_retention(specifications: Iterable[TopicSpecification], present: Sequence[Topic]) -> Finding:
    """Judge whether records live long enough."""
    wanted = {specification.name: specification.retention_ms for specification in specifications}
    doubts, asks = [], []
    readable = [topic for topic in present if topic.configuration is not None and topic.name in wanted]
    for topic in readable:
        kept, need = topic.number("retention.ms", UNLIMITED), wanted[topic.name]
        if kept != UNLIMITED and (need == UNLIMITED or kept < need):
            doubts.append(f"{topic.name} keeps {kept / DAY_MS:.1f} days")
            asks.append(f"retention.ms={need} on {topic.name}")
        if (size := topic.number("retention.bytes", UNLIMITED)) != UNLIMITED:
            doubts.append(f"{topic.name} keeps {size} bytes a partition")
            asks.append(f"retention.bytes=-1 on {topic.name}")
    if doubts:
        return warning(
            f"{'; '.join(doubts)}: a long outage can lose records", f"ask the Kafka administrator for {', '.join(asks)}"
        )
    return ok("long enough") if readable else _unread(present)


def judge_compaction(present: Sequence[Topic]) -> Finding:
    """Judge whether records of one key replace each other."""
    readable = [topic for topic in present if topic.configuration is not None]
    compacted = [topic.name for topic in readable if "compact" in topic.text("cleanup.policy")]
    if compacted:
        return failed(
            f"{', '.join(compacted)}: compacted, records of one key replace each other and are lost",
            "ask the Kafka administrator for cleanup.policy=delete",
        )
    return ok("no topic is compacted") if readable else _unread(present)


def judge_message_size(outcomes: Sequence[Topic], needed: int) -> Finding:
    """Judge whether our largest outcome message is taken."""
    readable = [topic for topic in outcomes if topic.configuration is not None]
    small = [
        f"{topic.name} takes {size}"
        for topic in readable
        if (size := topic.number("max.message.bytes", KAFKA_DEFAULT_MESSAGE_BYTES)) < needed
    ]
    if small:
        return failed(
            f"{', '.join(small)} bytes, kafka.max_message_bytes is {needed}",
            f"ask the Kafka administrator for max.message.bytes={needed} on them, or lower kafka.max_message_bytes",
        )
    return ok(f"{needed} bytes are taken") if readable else _unread(outcomes)


def judge_replication(present: Sequence[Topic], brokers: int) -> Finding:
    """Judge what the death of a broker does to the topics."""
    if not present:
        return skipped("no topic is there")
    stuck = [topic.name for topic in present if topic.in_sync < topic.number("min.insync.replicas", 1)]
    if stuck:
        return failed(
            f"{', '.join(stuck)}: fewer replicas in sync than min.insync.replicas, nothing can be written",
            "ask the Kafka administrator: a broker is down, or min.insync.replicas is above the replication factor",
        )
    if brokers < WANTED_REPLICAS:
        return ok(f"{brokers} broker{'s' * (brokers != 1)}: enough to try, not to survive the death of one")
    doubts = []
    for topic in present:
        least = topic.number("min.insync.replicas", 1)
        if topic.replicas < WANTED_REPLICAS:
            doubts.append(f"{topic.name} has {topic.replicas} replicas (3 are wanted)")
        elif least < WANTED_REPLICAS - 1:
            doubts.append(f"{topic.name} has min.insync.replicas={least} (2 is wanted)")
        elif least >= topic.replicas:
            doubts.append(f"{topic.name} stops when one broker is away (min.insync.replicas={least})")
    if doubts:
        return warning(
            "; ".join(doubts), "ask the Kafka administrator for replication factor 3 and min.insync.replicas=2"
        )
    return ok(f"{brokers} brokers, at least {min(topic.replicas for topic in present)} replicas")


def _unread(topics: Sequence[Topic]) -> Finding:
    return warning(*_NONE_READABLE) if topics else skipped("none of the topics is there")
