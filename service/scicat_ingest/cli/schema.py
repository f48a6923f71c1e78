"""`scicat-ingest schema`: the formats, as JSON Schema, and all topics as one AsyncAPI document."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scicat_ingest.consume.record import Record
from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.letters.letter import read_letter
from scicat_ingest.letters.resolution import write_resolution
from scicat_ingest.observe.status.model import StatusV1
from scicat_ingest.report.asyncapi import asyncapi_document
from scicat_ingest.report.contract import INGESTED, DeadLetterHeadersV1, ResolutionV1
from scicat_ingest.settings import Settings
from scicat_ingest.testing.sample_outcomes import sample_messages

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from scicat_ingest.report.contract import ResolutionKind
    from scicat_ingest.report.message import Message

EXAMPLES = """\
examples:
  scicat-ingest schema event > acquisition-completed.schema.json
  scicat-ingest schema asyncapi > asyncapi.json
"""
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument(
        "format",
        choices=list(DOCUMENTS),
        help="event: what producers send; ingested: the value of an answer; dead-letter: the headers of a dead letter; "
        "resolution: what became of one; "
        "status: what /api/status says; settings: the settings file; asyncapi: all topics and messages (AsyncAPI 3)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the document."""
    sys.stdout.write(json.dumps(DOCUMENTS[options.format](), indent=2, ensure_ascii=False) + "\n")
    return 0


def event_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of the native event."""
    schema = AcquisitionCompleted.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        for name, field in part["properties"].items():
            if name not in part.get("required", ()):
                _allow_null(field)
    return {"$schema": _DRAFT, **schema}


def _allow_null(field: dict[str, Any]) -> None:
    """Let a field that has a default be null, which means "not given"."""
    if {"type": "null"} in field.get("anyOf", ()):
        return
    said = {
        name: field.pop(name) for name in list(field) if name not in ("title", "description", "default", "examples")
    }
    field["anyOf"] = [said, {"type": "null"}]


def asyncapi() -> dict[str, Any]:
    """Give the AsyncAPI document, its examples written by the service's own code."""
    return asyncapi_document(event_schema(), sample_messages() | {"resolution": sample_resolutions()})


def sample_resolutions() -> list[Message]:
    """Give what `dlq replay` and `dlq purge` write behind the sample dead letters."""
    kinds: tuple[tuple[ResolutionKind, str | None, str], ...] = (
        ("replayed", "scicat.acquisitions", "the clock was set"),
        ("purged", None, "a test of the DAQ group"),
    )
    at = datetime(2026, 4, 23, 9, 0, tzinfo=UTC)
    written = []
    for message, (kind, to, why) in zip(sample_messages()["deadLetter"], kinds, strict=True):
        letter = read_letter(Record(message.topic, 0, 0, -1, message.key, message.value, message.headers))
        written.append(write_resolution(letter, message.key, kind, by="ada@daq01", at=at, why=why, to=to))
    return written


DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "event": event_schema,
    "ingested": lambda: {"$schema": _DRAFT, **INGESTED.json_schema()},
    "dead-letter": lambda: {"$schema": _DRAFT, **DeadLetterHeadersV1.model_json_schema()},
    "resolution": lambda: {"$schema": _DRAFT, **ResolutionV1.model_json_schema()},
    "status": lambda: {"$schema": _DRAFT, **StatusV1.model_json_schema(by_alias=True)},
    "settings": lambda: {"$schema": _DRAFT, **Settings.model_json_schema()},
    "asyncapi": asyncapi,
}
