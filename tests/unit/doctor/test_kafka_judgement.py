"""What the settings of topics mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scicat_ingest.consume.topics import DAY_MS, TopicSpecification
from scicat_ingest.doctor.kafka_facts import NOT_GIVEN, READ, WRITE, Cluster, Topic
from scicat_ingest.doctor.kafka_judgement import (
    judge_compaction,
    judge_existence,
    judge_message_size,
    judge_partitions,
    judge_replication,
    judge_retention,
    judge_right,
)

SOUND = Topic(
    name="t",
    partitions=6,
    replicas=3,
    in_sync=3,
    operations=1 << READ | 1 << WRITE,
    configuration={"cleanup.policy": "delete", "retention.ms": "-1", "min.insync.replicas": "2"},
)


def topic(name: str = "t", **facts: Any) -> Topic:
    return replace(SOUND, name=name, **facts)


@pytest.mark.parametrize(
    ("error", "will_create", "status", "words"),
    [
        (0, False, "ok", "t"),
        (3, False, "failed", "not there"),
        (3, True, "warning", "not there yet"),
        (29, True, "failed", "may not be seen"),
        (17, True, "failed", "InvalidTopic"),
    ],
)
def test_a_topic_that_is_missing_hidden_or_broken_is_told(
    error: int,
    will_create: bool,  # noqa: FBT001 (a parameter of the test)
    status: str,
    words: str,
) -> None:
    """A missing one is no failure if the service creates it at its start."""
    finding = judge_existence(Cluster(1, {"t": topic(error=error)}), ["t"], will_create=will_create)
    assert finding.status == status
    assert words in finding.seen


@pytest.mark.parametrize(("operations", "status"), [(1 << READ, "ok"), (1 << WRITE, "failed"), (NOT_GIVEN, "warning")])
def test_a_right_is_what_the_broker_says(operations: int, status: str) -> None:
    """A broker that does not tell proves nothing."""
    assert judge_right([topic(operations=operations)], READ, "Read").status == status


def test_more_replicas_than_partitions_fail() -> None:
    """Without a number of replicas, the most that have work are told; all input topics count."""
    inputs = [topic("a", partitions=2), topic("b", partitions=3)]
    assert "at most 5 replicas" in judge_partitions(inputs, None).seen
    assert judge_partitions(inputs, 5).status == "ok"
    assert judge_partitions(inputs, 6).status == "failed"


@pytest.mark.parametrize(
    ("configuration", "status"),
    [
        ({"retention.ms": "-1"}, "ok"),
        ({"retention.ms": str(30 * DAY_MS)}, "ok"),
        ({"retention.ms": str(7 * DAY_MS)}, "warning"),
        ({"retention.ms": "-1", "retention.bytes": "1000000"}, "warning"),
        (None, "warning"),
    ],
)
def test_records_that_do_not_outlive_an_outage_are_a_warning(
    configuration: dict[str, str | None] | None, status: str
) -> None:
    """By time or by size; unreadable settings are a warning too."""
    wanted = [TopicSpecification("t", 6, 30 * DAY_MS)]
    assert judge_retention(wanted, [topic(configuration=configuration)]).status == status


@pytest.mark.parametrize(("policy", "status"), [("delete", "ok"), ("compact", "failed"), ("compact,delete", "failed")])
def test_a_compacted_topic_fails(policy: str, status: str) -> None:
    """Outcomes are keyed by pid: the last one would replace all before."""
    assert judge_compaction([topic(configuration={"cleanup.policy": policy})]).status == status


def test_a_topic_that_takes_smaller_messages_than_ours_fails() -> None:
    """The default of Kafka is a little more than our own."""
    assert judge_message_size([topic()], 1_000_000).status == "ok"
    small = topic(configuration={"max.message.bytes": "500000"})
    assert judge_message_size([topic(), small], 1_000_000).status == "failed"
    assert judge_message_size([topic(configuration=None)], 1_000_000).status == "warning"


@pytest.mark.parametrize(
    ("facts", "brokers", "status"),
    [
        ({}, 3, "ok"),
        ({"replicas": 1, "in_sync": 1, "configuration": {}}, 1, "ok"),
        ({"replicas": 1, "in_sync": 1, "configuration": {}}, 3, "warning"),
        ({"configuration": {"min.insync.replicas": "1"}}, 3, "warning"),
        ({"configuration": {"min.insync.replicas": "3"}}, 3, "warning"),
        ({"in_sync": 1}, 3, "failed"),
    ],
)
def test_what_the_death_of_a_broker_would_do_is_told(facts: dict[str, Any], brokers: int, status: str) -> None:
    """With three brokers three replicas are wanted, two of them in sync; below the minimum nothing can be written."""
    assert judge_replication([topic(**facts)], brokers).status == status


def test_topics_that_are_not_there_are_not_judged() -> None:
    """That they are missing is told once."""
    findings = [
        judge_right([], READ, "Read"),
        judge_partitions([], 3),
        judge_retention([], []),
        judge_compaction([]),
        judge_message_size([], 1),
        judge_replication([], 3),
    ]
    assert {finding.status.value for finding in findings} == {"skipped"}
