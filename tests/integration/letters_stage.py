"""Dead letters on a real Kafka without the service: published by its own publisher, read back record by record."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from scicat_ingest.bootstrap import open_producer
from scicat_ingest.consume.connection import connection_arguments
from scicat_ingest.consume.record import Record
from scicat_ingest.consume.topic_reader import Span, TopicReader, open_reader
from scicat_ingest.faults import MissingField, RecordFault
from scicat_ingest.letters.reading import read_letters
from scicat_ingest.report.outcome import DeadLettered
from scicat_ingest.report.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.harness import Site

    from scicat_ingest.letters.book import Case

FAILED_AT = datetime(2026, 4, 22, 9, 0, tzinfo=UTC)


async def create_topics(
    site: Site, *more: str, partitions: int = 3, configuration: dict[str, str] | None = None
) -> None:
    kafka = site.settings.kafka
    settings = {"retention.ms": "-1"} | (configuration or {})
    names = [site.topic, kafka.ingested_topic, kafka.dead_letter_topic, *more]
    admin = AIOKafkaAdminClient(**connection_arguments(kafka))
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=settings) for name in names])
    finally:
        await admin.close()


async def send_events(site: Site, count: int, *, size: int = 0) -> list[Record]:
    """Put events on the input topic and give their records."""
    records = []
    async with open_producer(site.settings.kafka) as producer:
        for number in range(count):
            key, headers = f"run-{number}".encode(), (("trace", b"\xff"),)
            value = json.dumps({"acquisitionId": f"run-{number}", "instrument": {"id": "ODIN"}, "x": "x" * size})
            sent = await producer.send(
                site.topic, value.encode(), key=key, headers=list(headers), timestamp_ms=1_776_848_000_000 + number
            )
            at = await sent
            records.append(Record(site.topic, at.partition, at.offset, at.timestamp, key, value.encode(), headers))
    return records


async def bury(site: Site, records: list[Record], fault: RecordFault | None = None, pid: str | None = None) -> None:
    """Dead-letter records as the service does."""
    async with open_producer(site.settings.kafka) as producer:
        publisher = Publisher(producer, site.settings.kafka)
        for number, record in enumerate(records):
            moment = FAILED_AT + timedelta(seconds=number)
            await publisher.publish(
                DeadLettered(record, fault or MissingField("it is missing", field="source"), pid, FAILED_AT, moment)
            )


@asynccontextmanager
async def reading(site: Site) -> AsyncIterator[TopicReader]:
    async with open_reader(site.settings.kafka) as reader:
        yield reader


async def cases_of(site: Site, **options: Any) -> list[Case]:
    async with reading(site) as reader:
        return (await read_letters(reader, site.settings.kafka, **options)).cases()


async def records_of(site: Site, topic: str) -> list[Record]:
    """Give what a reader of committed records sees, from the beginning."""
    async with reading(site) as reader:
        return [record async for records in reader.read(Span(topic)) for record in records]
