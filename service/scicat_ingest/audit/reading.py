"""Reads the topics into a reckoning, in the order that makes it true while the service goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from scicat_ingest.audit.reckoning import Reckoning
from scicat_ingest.catalogue.times import from_epoch_ms
from scicat_ingest.consume.topic_reader import Span
from scicat_ingest.consume.topics import committed_offsets
from scicat_ingest.letters.answer import read_answer
from scicat_ingest.letters.reading import read_letters
from scicat_ingest.preview.glimpse import glimpse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from scicat_ingest.consume.position import Position
    from scicat_ingest.consume.topic_reader import TopicReader
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.settings import Settings

CLOCKS_DIFFER_BY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Since when a topic holds every record. None: since it was made."""

    topic: str
    since: datetime | None


async def read_topics(
    reader: TopicReader,
    settings: Settings,
    rules: Mapping[str, MappingRules],
    since: datetime,
    until: datetime | None,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Reckoning, list[Coverage]]:
    """Read what became of the records of a time. Raises what reading raises, and MissingTopic."""
    kafka = settings.kafka
    # First of all: what is committed now has its outcome on the topics already.
    committed = await committed_offsets(kafka)
    answered = Span(kafka.ingested_topic, since_ms=_ms(since - CLOCKS_DIFFER_BY))
    covered = {
        topic: await reader.covers_since(topic) for topic in (*rules, kafka.ingested_topic, kafka.dead_letter_topic)
    }
    outcomes_since = max(covered[kafka.ingested_topic] or 0, covered[kafka.dead_letter_topic] or 0)

    def is_committed(at: Position) -> bool:
        return at.offset < committed.get((at.topic, at.partition), 0)

    reckoning = Reckoning(is_committed, lambda timestamp_ms: timestamp_ms >= outcomes_since)
    book = await read_letters(reader, kafka, keep_resolved=True, progress=progress)
    reckoning.take_letters(book.cases())
    async for records in reader.read(answered):
        for record in records:
            answer = read_answer(record)
            if answer is not None:
                reckoning.take_answer(answer)
        progress(len(records))
    first_ms, end_ms = _ms(since), None if until is None else _ms(until)
    async for records in reader.read(*(Span(topic, since_ms=first_ms) for topic in rules)):
        for record in records:
            stamp = record.timestamp_ms
            if stamp >= first_ms and (end_ms is None or stamp < end_ms):
                reckoning.take_record(record, partial(glimpse, rules=rules[record.topic]))
        progress(len(records))
    return reckoning, [Coverage(topic, _time(stamp)) for topic, stamp in covered.items()]


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _time(stamp: int | None) -> datetime | None:
    return None if stamp is None else from_epoch_ms(max(stamp, 0))
