"""Dead letters on a real Kafka: the original record, whatever it is."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import TYPE_CHECKING

import anyio
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests.integration.harness import PARTITIONS, at_least, event, read_outcomes, running, send, source_of
from tests.integration.letters_stage import records_of

from scicat_ingest.consume.connection import connection_arguments

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.harness import Site

pytestmark = pytest.mark.anyio


async def test_a_dead_letter_is_the_original_record_with_a_reason(site: Site) -> None:
    """Key, value, headers and timestamp are untouched; existing tools find Connect's headers."""
    original = [("trace", b"1"), ("ce_id", b"of the producer"), ("binary", b"\xff\x00")]
    async with running(site):
        await send(site, [(b"key", b'{"acquisitionId": 7}')], headers=original, timestamp_ms=1_700_000_000_123)
        (letter,) = await read_outcomes(site, at_least(1))
    assert (letter.key, letter.value, letter.timestamp) == (b"key", b'{"acquisitionId": 7}', 1_700_000_000_123)
    headers = dict(letter.headers)
    assert list(letter.headers[: int(headers["ingest.dlq.original_headers"])]) == original
    assert headers["ingest.dlq.reason"] == b"invalid_field"
    assert headers["ingest.dlq.field"] == b"acquisitionId"
    assert headers["__connect.errors.topic"].decode() == site.topic
    assert b"expected a valid string" in headers["__connect.errors.exception.message"]
    assert headers["ce_type"] == b"scicat.acquisition.dead-letter.v1"
    assert site.stand_in.store.datasets() == []


async def test_a_dead_letter_that_is_too_large_for_kafka_leaves_only_the_value_out(site: Site) -> None:
    """The record filled Kafka's limit, and our headers come on top: size and digest stand for the value."""
    value = b"x" * 999_900
    async with running(site):
        await send(site, [(b"k", value), (b"k", event())])
        letter, answer = sorted(await read_outcomes(site, at_least(2)), key=source_of)
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (b"k", None)
    assert headers["ingest.dlq.reason"] == b"invalid_json"
    assert headers["ingest.dlq.value_bytes"] == b"999900"
    assert headers["ingest.dlq.value_sha256"].decode() == hashlib.sha256(value).hexdigest()
    assert json.loads(answer.value)["verdict"] == "created"


async def test_a_record_whose_headers_fill_kafkas_limit_stops_nothing(site: Site, tmp_path: Path) -> None:
    """Its letter has its coordinates; a replay publishes the record whole, from its own topic."""
    huge = [("binary", b"\xff" * 1_047_500)]
    async with running(site):
        await send(site, [(b"k", b"garbage")], headers=huge)
        await send(site, [(b"k", event())])
        letter, answer = sorted(await read_outcomes(site, at_least(2)), key=source_of)
    headers = dict(letter.headers)
    assert (letter.key, letter.value, headers["ingest.dlq.headers_omitted"]) == (None, b"", b"true")
    assert json.loads(answer.value)["verdict"] == "created"
    command = [sys.executable, "-m", "scicat_ingest", "dlq", "replay", "--everything"]
    done = await anyio.run_process([*command, "--config", str(site.write(tmp_path))], check=False)
    assert (done.returncode, done.stdout) == (0, b"1 replayed, 0 refused\n"), done.stderr
    first, *_, again = [record for record in await records_of(site, site.topic) if record.value == b"garbage"]
    assert (again.key, again.headers[:1], again.timestamp_ms) == (first.key, first.headers, first.timestamp_ms)


async def test_a_dead_letter_from_the_future_is_published_all_the_same(site: Site) -> None:
    """Kafka refuses its timestamp on a topic with default settings: the header keeps it, and nothing is stuck."""
    kafka = site.settings.kafka
    admin = AIOKafkaAdminClient(**connection_arguments(kafka))
    await admin.start()
    try:
        await admin.create_topics([NewTopic(kafka.dead_letter_topic, PARTITIONS, 1)])
    finally:
        await admin.close()
    in_ten_days = int(time.time() * 1000) + 10 * 86_400_000
    async with running(site):
        await send(site, [(b"k", b"garbage")], timestamp_ms=in_ten_days)
        await send(site, [(b"k", event())])
        letter, _ = sorted(await read_outcomes(site, at_least(2)), key=source_of)
    assert (letter.key, letter.value) == (b"k", b"garbage")
    assert dict(letter.headers)["ingest.dlq.timestamp"] == str(in_ten_days).encode()
    assert letter.timestamp < in_ten_days
