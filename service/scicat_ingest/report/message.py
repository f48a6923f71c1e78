"""The messages that outcomes are published as (pure): CloudEvents 1.0 in binary mode."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from scicat_ingest.catalogue.times import from_epoch_ms, write_time
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.report.outcome import Outcome

INGESTED_TYPE = "scicat.dataset.ingested.v1"
DEAD_LETTER_TYPE = "scicat.acquisition.dead-letter.v1"
SOURCE = "/scicat-ingest"

_OUTCOME_NAMESPACE = UUID("5f0a3f0e-4a3c-5b7e-9d53-6a1c1f3c8e21")
_MOST_WARNINGS = 100
_LONGEST_TEXT = 1000
_MOST_IDS = 1000
_OVERHEAD_BYTES = 1000
"""Room for lengths, the batch header, and the headers that say that the value was left out."""

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None = None


def outcome_id(record: Record) -> str:
    """Name the record's outcome: UUIDv5 of source topic, partition, offset and record timestamp.

    A record that comes again gives the same id, so that consumers can drop repeats.
    """
    name = json.dumps([record.topic, record.partition, record.offset, record.timestamp_ms], separators=(",", ":"))
    return str(uuid5(_OUTCOME_NAMESPACE, name))


def write_message(outcome: Outcome, *, ingested_topic: str, dead_letter_topic: str) -> Message | None:
    """Give the message of an outcome; None where nothing is to be published."""
    match outcome:
        case Ingested():
            return _ingested(outcome, ingested_topic)
        case DeadLettered():
            return _dead_letter(outcome, dead_letter_topic)
        case Skipped():
            return None


def fit_message(message: Message, max_bytes: int) -> Message:
    """Give the message, or, if Kafka would not take it, the same without its value, but with its size and digest.

    Only a dead letter can be so large: its record filled the limit, and our headers come on top.
    """
    value = message.value or b""
    headers = sum(len(name) + len(text) for name, text in message.headers)
    if len(message.key or b"") + len(value) + headers + _OVERHEAD_BYTES <= max_bytes:
        return message
    return replace(
        message,
        value=None,
        headers=(
            *message.headers,
            *_texts(
                {
                    "ingest.dlq.value_omitted": "true",
                    "ingest.dlq.value_bytes": str(len(value)),
                    "ingest.dlq.value_sha256": hashlib.sha256(value).hexdigest(),
                }
            ),
        ),
    )


def _ingested(outcome: Ingested, topic: str) -> Message:
    plan, delivered, record = outcome.plan, outcome.delivered, outcome.record
    body: dict[str, Any] = {
        "pid": plan.pid,
        "acquisitionId": plan.acquisition_id,
        "revision": plan.revision,
        "verdict": delivered.verdict,
        "origdatablocks": {
            "created": delivered.blocks_created,
            "found": delivered.blocks_found,
            "ids": list(delivered.block_ids[:_MOST_IDS]),
        },
        "attachments": {
            "created": delivered.attachments_created,
            "found": delivered.attachments_found,
            "ids": list(delivered.attachment_ids[:_MOST_IDS]),
        },
        "files": plan.number_of_files,
        "bytes": plan.size,
        "drift": _bounded(list(delivered.drift)),
        "warnings": _bounded(list(dict.fromkeys((*plan.warnings, *delivered.warnings)))),
        "attempts": delivered.attempts,
        "timings": {
            "recordAt": _record_time(record),
            "receivedAt": write_time(outcome.received_at),
            "doneAt": write_time(outcome.done_at),
        },
        **({} if delivered.existing_pid is None else {"existingPid": delivered.existing_pid}),
        "mapping": {"name": plan.mapping, "digest": plan.mapping_digest},
        "source": _coordinates(record),
    }
    return Message(
        topic=topic,
        key=plan.pid.encode(),
        value=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        headers=(
            ("content-type", b"application/json"),
            *_cloud_event(record, INGESTED_TYPE, outcome.done_at, subject=plan.pid),
        ),
    )


def _dead_letter(outcome: DeadLettered, topic: str) -> Message:
    """Keep the original record as it is; ours are the headers after the first `ingest.dlq.original_headers` ones."""
    record, fault = outcome.record, outcome.fault
    ours = {
        "ingest.dlq.original_headers": str(len(record.headers)),
        "ingest.dlq.reason": fault.code,
        "ingest.dlq.class": fault.fault_class,
        "ingest.dlq.message": fault.message,
        "ingest.dlq.field": fault.field,
        "ingest.dlq.hint": fault.hint or None,
        "ingest.dlq.pid": outcome.pid,
        "ingest.dlq.topic": record.topic,
        "ingest.dlq.partition": str(record.partition),
        "ingest.dlq.offset": str(record.offset),
        "ingest.dlq.timestamp": str(record.timestamp_ms),
        "ingest.dlq.received_at": write_time(outcome.received_at),
        "ingest.dlq.failed_at": write_time(outcome.done_at),
        "__connect.errors.topic": record.topic,
        "__connect.errors.partition": str(record.partition),
        "__connect.errors.offset": str(record.offset),
        "__connect.errors.connector.name": "scicat-ingest",
        "__connect.errors.task.id": "0",
        "__connect.errors.stage": "TASK_PUT",
        "__connect.errors.class.name": "scicat_ingest",
        "__connect.errors.exception.class.name": type(fault).__name__,
        "__connect.errors.exception.message": str(fault),
    }
    return Message(
        topic=topic,
        key=record.key,
        value=record.value,
        headers=(
            *record.headers,
            *_texts(ours),
            *_cloud_event(record, DEAD_LETTER_TYPE, outcome.done_at, subject=outcome.pid),
        ),
        timestamp_ms=record.timestamp_ms if record.timestamp_ms >= 0 else None,
    )


def _cloud_event(record: Record, kind: str, at: datetime, *, subject: str | None) -> Headers:
    return _texts(
        {
            "ce_specversion": "1.0",
            "ce_id": outcome_id(record),
            "ce_source": SOURCE,
            "ce_type": kind,
            "ce_time": write_time(at),
            "ce_subject": subject,
        }
    )


def _texts(headers: dict[str, str | None]) -> Headers:
    return tuple(
        (name, text[:_LONGEST_TEXT].encode("utf-8", "replace")) for name, text in headers.items() if text is not None
    )


def _bounded(warnings: list[str]) -> list[str]:
    shown = [warning[:_LONGEST_TEXT] for warning in warnings[:_MOST_WARNINGS]]
    more = len(warnings) - len(shown)
    return [*shown, f"and {more} more warnings"] if more else shown


def _record_time(record: Record) -> str | None:
    try:
        return write_time(from_epoch_ms(record.timestamp_ms)) if record.timestamp_ms >= 0 else None
    except ValueError:
        return None


def _coordinates(record: Record) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
    }
