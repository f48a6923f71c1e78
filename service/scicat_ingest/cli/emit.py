"""`scicat-ingest emit`: events onto the input topic."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.bootstrap import open_producer
from scicat_ingest.cli.event_input import add_event_arguments, read_events
from scicat_ingest.consume.topics import existing_topics
from scicat_ingest.faults import MissingTopic
from scicat_ingest.settings import EmitSettings, load_settings

if TYPE_CHECKING:
    import argparse

    from scicat_ingest.preview.events import EventBytes

EXAMPLES = """\
examples:
  scicat-ingest emit run42.json --config ingest.yaml
  scicat-ingest emit events.jsonl --config ingest.yaml
  SCICAT_INGEST_KAFKA__BOOTSTRAP_SERVERS=localhost:9092 scicat-ingest emit - < run42.json

The record key is the event's acquisitionId, unless --key is given. Events are sent as they are: `map` checks them.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    add_event_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Send every event and wait for the acknowledgement of all in-sync replicas."""
    settings = load_settings(EmitSettings, options.config)
    topic = options.topic or settings.sources[0].topic
    sent = anyio.run(_send, options, settings, topic)
    sys.stdout.write(f"sent {sent} events to {topic}\n")
    return 0


def key_of(event: EventBytes) -> bytes | None:
    """Give the record key that producers should set: acquisitionId; None where it cannot be read."""
    try:
        document = json.loads(event.value)
    except (ValueError, RecursionError):
        return None
    name = document.get("acquisitionId") if isinstance(document, dict) else None
    return name.encode("utf-8", "replace") if isinstance(name, str) else None


async def _send(options: argparse.Namespace, settings: EmitSettings, topic: str) -> int:
    if topic not in await existing_topics(settings.kafka):
        raise MissingTopic(f"{settings.kafka.bootstrap_servers} has no topic {topic}")
    sent = 0
    async with open_producer(settings.kafka) as producer:
        for event in read_events(options.events):
            with anyio.fail_after(60):
                await producer.send_and_wait(
                    topic,
                    value=event.value,
                    key=options.key.encode() if options.key else key_of(event),
                    headers=options.header,
                    timestamp_ms=options.timestamp,
                )
            sent += 1
    return sent
