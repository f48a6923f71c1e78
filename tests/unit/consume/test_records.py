"""Records, what is gone from the log, and what is dangerous about a topic."""

from __future__ import annotations

import pytest
from tests.unit.acquisition_events import settings

from scicat_ingest.consume.record import Record
from scicat_ingest.consume.start_offset import LostRecords
from scicat_ingest.consume.topics import (
    DAY_MS,
    TopicSpecification,
    judge_configuration,
    needed_topics,
    retention_seconds,
)


def test_a_header_is_found_in_any_case_and_the_last_one_counts() -> None:
    """Bytes that are no UTF-8 do not hurt."""
    record = Record("t", 3, 9, 0, None, None, (("CE_Type", b"a"), ("ce_type", b"b\xff"), ("x", b"")))
    assert (record.header("ce_type"), record.header("x"), record.header("y")) == ("b�", "", None)
    assert str(record) == "t[3]@9"


@pytest.mark.parametrize(
    ("committed", "beginning", "end", "count", "words"),
    [
        (5, 8, 20, 3, "t[0]: 3 records from offset 5 on are gone"),
        (8, 8, 20, 0, "0 records"),
        (50, 0, 20, 0, "t[0]: the committed offset 50 is after the log's end 20: the topic was made anew"),
    ],
)
def test_lost_records_are_counted(committed: int, beginning: int, end: int, count: int, words: str) -> None:
    """Where the log was made anew nobody knows how many."""
    lost = LostRecords("t[0]", committed, beginning, end)
    assert lost.count == count
    assert words in str(lost)


FOREVER, MONTH = TopicSpecification("t", 6, -1), TopicSpecification("t", 6, 30 * DAY_MS)


@pytest.mark.parametrize(
    ("wanted", "configuration", "words"),
    [
        (MONTH, {}, []),
        (MONTH, {"cleanup.policy": "delete", "retention.ms": "-1"}, []),
        (MONTH, {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)}, []),
        (MONTH, {"retention.ms": str(7 * DAY_MS)}, ["keeps records for 7.0 days only; 30 days are needed"]),
        (FOREVER, {"retention.ms": str(365 * DAY_MS)}, ["365.0 days only; for ever are needed"]),
        (FOREVER, {"retention.ms": None, "cleanup.policy": None}, []),
        (MONTH, {"cleanup.policy": "compact,delete", "retention.ms": "1"}, ["is compacted", "0.0 days only"]),
    ],
)
def test_a_topic_that_loses_records_is_doubted(
    wanted: TopicSpecification, configuration: dict[str, str | None], words: list[str]
) -> None:
    """Too short a retention, or compaction."""
    doubts = judge_configuration(wanted, configuration)
    assert len(doubts) == len(words)
    for doubt, word in zip(doubts, words, strict=True):
        assert word in doubt


def test_topics_are_created_so_that_they_lose_nothing() -> None:
    """Never compacted; outcomes for a year, dead letters for ever."""
    topics = needed_topics(settings())
    assert [(topic.name, topic.retention_ms // DAY_MS) for topic in topics] == [
        ("scicat.acquisitions", 30),
        ("scicat.ingested", 365),
        ("scicat.dead-letters", -1),
    ]
    for topic in topics:
        configuration = topic.configuration(3)
        assert judge_configuration(topic, dict(configuration)) == []
        assert configuration["min.insync.replicas"] == "2"
        assert topic.configuration(1)["min.insync.replicas"] == "1"


def test_the_retention_is_in_seconds_or_for_ever() -> None:
    """Kafka's -1, and no value at all, mean for ever."""
    assert retention_seconds({"retention.ms": "604800000"}) == 604800.0
    assert retention_seconds({"retention.ms": "-1"}) is None
    assert retention_seconds({}) is None
