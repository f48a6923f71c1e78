"""The messages that outcomes are published as (pure): CloudEvents 1.0 in binary mode."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from scicat_ingest.catalogue.times import from_epoch_ms, write_time
from scicat_ingest.mapping.pid import derive_uuid
from scicat_ingest.mapping.rules import PRODUCED_BY
from scicat_ingest.report.contract import (
    DEAD_LETTER_TYPE,
    INGESTED,
    INGESTED_TYPE,
    SOURCE,
    Coordinates,
    DeadLetterHeadersV1,
    Documents,
    IngestedV1,
    Mapping,
    SourceRecord,
    Timings,
)
from scicat_ingest.report.outcome import DeadLettered, Ingested, Skipped

if TYPE_CHECKING:
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.report.outcome import Outcome

_OUTCOME_NAMESPACE = UUID("5f0a3f0e-4a3c-5b7e-9d53-6a1c1f3c8e21")
_MOST_WARNINGS = 100
_LONGEST_TEXT = 1000
_MOST_IDS = 1000
_MOST_IDS_IN_HEADER = 20
REPLAY = "ingest.replay."
"""Begins the headers of a record that was replayed: count, topic, partition, offset and timestamp of the first one."""
REPROCESS = "ingest.reprocess"
"""The header of a record that `reprocess` takes up again: which run of it. Its outcome has an id of its own."""
_TRACE = ("traceparent", "tracestate")
"""Headers of W3C Trace Context that are carried on."""
_OVERHEAD_BYTES = 1000
"""Room for lengths and the batch header."""
_HEADER_BYTES = 6
"""Room for the two lengths of a header."""
_ORIGINAL_HEADERS = "ingest.dlq.original_headers"

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to Kafka."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int | None = None

    def json(self) -> Any:
        """Give the value of an ingested event."""
        return json.loads(self.value or b"null")


def outcome_id(record: Record) -> str:
    """Name the record's outcome: UUIDv5 of source topic, partition, offset and record timestamp.

    A record that comes again gives the same id, so that consumers can drop repeats; one that is reprocessed gives
    another one for each run of `reprocess`.
    """
    run = record.header(REPROCESS)
    name = _outcome_id if run is None else _outcome_id.__wrapped__  # not to be kept: a producer may have sent anything
    return name(record.topic, record.partition, record.offset, record.timestamp_ms, run)


@lru_cache(1024)  # the message, the log line and others ask for it
def _outcome_id(topic: str, partition: int, offset: int, timestamp_ms: int, run: str | None) -> str:
    where = (topic, partition, offset, timestamp_ms)
    return derive_uuid(_OUTCOME_NAMESPACE, *(where if run is None else (*where, run)))


def write_message(
    outcome: Outcome, *, ingested_topic: str, dead_letter_topic: str, dataset_page: str | None = None
) -> Message | None:
    """Give the message of an outcome; None where nothing is to be published.

    `dataset_page` is a template of the dataset's address for people, with `{pid}` in it.
    """
    match outcome:
        case Ingested():
            return _ingested(outcome, ingested_topic, dataset_page)
        case DeadLettered():
            return _dead_letter(outcome, dead_letter_topic)
        case Skipped():
            return None


def fit_message(message: Message, max_bytes: int) -> Message:
    """Give the message, or, if Kafka would not take it, the same without its value, but with its size and digest.

    Only a dead letter can be so large: its record filled the limit, and our headers come on top. If that is still too
    large, the record's key and headers are left out too: a letter of some kilobytes always fits.
    """
    if _size_of(message) <= max_bytes:
        return message
    value = message.value or b""
    omitted: dict[str, str | None] = {
        "ingest.dlq.value_omitted": "true",
        "ingest.dlq.value_bytes": str(len(value)),
        "ingest.dlq.value_sha256": hashlib.sha256(value).hexdigest(),
    }
    without_value = replace(message, value=None, headers=(*message.headers, *_texts(omitted)))
    if _size_of(without_value) <= max_bytes:
        return without_value
    ours = without_value.headers[count_original(message.headers) + 1 :]
    said: dict[str, str | None] = {_ORIGINAL_HEADERS: "0", "ingest.dlq.headers_omitted": "true"}
    return replace(without_value, key=None, headers=(*_texts(said), *ours))


def count_original(headers: Headers) -> int:
    """Say how many headers of a dead letter are the record's own; -1 if none of ours says so.

    A record may have brought headers of our names: the last one counts that stands where it says.
    """
    for index in range(len(headers) - 1, -1, -1):
        name, text = headers[index]
        if name == _ORIGINAL_HEADERS and text == str(index).encode():
            return index
    return -1


def _size_of(message: Message) -> int:
    headers = sum(len(name.encode()) + len(text) + _HEADER_BYTES for name, text in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers + _OVERHEAD_BYTES


def _ingested(outcome: Ingested, topic: str, dataset_page: str | None) -> Message:
    plan, delivered, record = outcome.plan, outcome.delivered, outcome.record
    body = IngestedV1(
        pid=plan.pid,
        acquisitionId=plan.acquisition_id,
        instrument=plan.instrument,
        runNumber=plan.dataset.payload.get("runNumber"),
        revision=plan.revision,
        verdict=delivered.verdict,
        existingPid=delivered.existing_pid,
        datasetUrl=None if dataset_page is None else dataset_page.replace("{pid}", quote(plan.pid, safe="")),
        origdatablocks=Documents(
            created=delivered.blocks_created, found=delivered.blocks_found, ids=list(delivered.block_ids[:_MOST_IDS])
        ),
        attachments=Documents(
            created=delivered.attachments_created,
            found=delivered.attachments_found,
            ids=list(delivered.attachment_ids[:_MOST_IDS]),
        ),
        files=plan.number_of_files,
        filesMode=None if plan.files_complete else "additional",
        bytes=plan.size,
        drift=_bounded(list(delivered.drift)),
        warnings=_bounded(list(dict.fromkeys((*plan.warnings, *delivered.warnings)))),
        attempts=delivered.attempts,
        timings=Timings(
            eventAt=plan.dataset.payload.get("endTime"),
            recordAt=_record_time(record),
            receivedAt=write_time(outcome.received_at),
            firstAttemptAt=_time_or_none(outcome.first_attempt_at),
            doneAt=write_time(outcome.done_at),
        ),
        mapping=Mapping(name=plan.mapping, digest=plan.mapping_digest),
        producedBy=PRODUCED_BY,
        source=_source(record),
    )
    return Message(
        topic=topic,
        key=plan.pid.encode(),
        value=INGESTED.dump_json(body, exclude_none=True),
        headers=(
            ("content-type", b"application/json"),
            *_cloud_event(record, INGESTED_TYPE, outcome.done_at, subject=plan.pid),
            *((name, text) for name, text in record.headers if name in _TRACE and len(text) <= _LONGEST_TEXT),
        ),
    )


def _dead_letter(outcome: DeadLettered, topic: str) -> Message:
    """Keep the original record as it is; ours are the headers after the first `ingest.dlq.original_headers` ones."""
    record, fault, so_far = outcome.record, outcome.fault, outcome.so_far
    ours = DeadLetterHeadersV1(
        original_headers=str(len(record.headers)),
        reason=fault.code,
        fault_class=fault.fault_class,
        message=fault.message,
        field=fault.field,
        hint=fault.hint or None,
        pid=outcome.pid,
        status=None if (status := getattr(fault, "status", None)) is None else str(status),
        attempts=None if so_far is None else str(so_far.attempts),
        dataset_created=None if so_far is None else str(so_far.dataset_created).lower(),
        block_ids=None if so_far is None else _ids(so_far.block_ids),
        attachment_ids=None if so_far is None else _ids(so_far.attachment_ids),
        topic=record.topic,
        partition=str(record.partition),
        offset=str(record.offset),
        timestamp=str(record.timestamp_ms),
        received_at=write_time(outcome.received_at),
        first_attempt_at=_time_or_none(outcome.first_attempt_at),
        failed_at=write_time(outcome.done_at),
        connect_topic=record.topic,
        connect_partition=str(record.partition),
        connect_offset=str(record.offset),
        connect_connector="scicat-ingest",
        connect_task="0",
        connect_stage="TASK_PUT",
        connect_class="scicat_ingest",
        connect_exception=type(fault).__name__,
        connect_message=str(fault),
    )
    return Message(
        topic=topic,
        key=record.key,
        value=record.value,
        headers=(
            *record.headers,
            *_texts(ours.model_dump(by_alias=True, exclude_none=True)),
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


def _time_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else write_time(moment)


def _ids(ids: tuple[str, ...]) -> str | None:
    """Give the first ones that fit into a header, and how many more there are."""
    shown = list(ids[:_MOST_IDS_IN_HEADER])
    more = len(ids) - len(shown)
    return ",".join([*shown, *([f"and {more} more"] if more else [])]) or None


def _source(record: Record) -> SourceRecord:
    """Give the record's coordinates; a replayed one says in its headers where it was first."""
    source = SourceRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp_ms,
        reprocess=record.header(REPROCESS),
    )
    said = {name.removeprefix(REPLAY): text for name, text in record.headers if name.startswith(REPLAY)}
    try:
        first = Coordinates(
            topic=said["topic"].decode(),
            partition=int(said["partition"]),
            offset=int(said["offset"]),
            timestamp=int(said["timestamp"]),
        )
        replays = int(said["count"])
    except (KeyError, ValueError):  # not replayed, or not by us
        return source
    ours = min(first.partition, first.offset, replays) >= 0
    return replace(source, first=first, replays=replays) if ours else source
