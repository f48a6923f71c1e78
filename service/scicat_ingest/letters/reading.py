"""The letters of a dead-letter topic as they are now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from scicat_ingest.catalogue.times import parse_time
from scicat_ingest.consume.topic_reader import Span
from scicat_ingest.letters.answer import read_answer
from scicat_ingest.letters.book import LetterBook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import KafkaSettings

CLOCKS_DIFFER_BY = timedelta(minutes=10)
"""How far the clocks of two copies of the service may be apart: so much earlier the ingested topic is read."""


class Reads(Protocol):
    """What is needed of a TopicReader."""

    def read(self, *spans: Span) -> AsyncIterator[list[Record]]:
        """Give the records of these spans, some at a time."""
        ...


async def read_letters(
    reader: Reads,
    settings: KafkaSettings,
    *,
    partitions: frozenset[int] = frozenset(),
    keep_resolved: bool = False,
    look_for_ingested: bool = True,
    progress: Callable[[int], None] = lambda _: None,
) -> LetterBook:
    """Read the dead-letter topic (or some partitions), and what was ingested since, to their ends.

    The whole topic is read, whatever time is asked for: its records have the timestamps of the original ones, so Kafka
    cannot tell when they failed. `progress` is told how many records each step has read.
    """
    book = LetterBook(keep_resolved=keep_resolved)
    async for records in reader.read(Span(settings.dead_letter_topic, partitions or None)):
        for record in records:
            book.take(record)
        progress(len(records))
    waiting = book.watch_pids() if look_for_ingested else {}
    if waiting:
        since = min(waiting.values()) - CLOCKS_DIFFER_BY
        span = Span(settings.ingested_topic, since_ms=round(since.timestamp() * 1000))
        async for records in reader.read(span):
            for record in records:
                _take_ingested(book, record, waiting)
            progress(len(records))
    return book


def _take_ingested(book: LetterBook, record: Record, waiting: dict[str, datetime]) -> None:
    if (record.key or b"").decode("utf-8", "replace") not in waiting:
        return
    answer = read_answer(record)
    if answer is None:
        return  # not written by us
    try:
        book.take_ingested(answer, parse_time(record.header("ce_time") or ""))
    except ValueError:
        return
