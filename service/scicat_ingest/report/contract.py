"""What consumers of the outcome topics can rely on: values of answers and resolutions, headers of dead letters.

A later version of the same major number only adds fields that may be missing. What is not known is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from scicat_ingest.catalogue.times import Instant
from scicat_ingest.deliver.delivered import DatasetVerdict  # noqa: TC001 (pydantic reads the annotations)

INGESTED_TYPE = "scicat.dataset.ingested.v1"
DEAD_LETTER_TYPE = "scicat.acquisition.dead-letter.v1"
RESOLUTION_TYPE = "scicat.acquisition.resolution.v1"
SOURCE = "/scicat-ingest"

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 in UTC with milliseconds."""
Count = Annotated[int, Field(ge=0)]


# An answer. Dataclasses: we make one for each record, of what was checked before.


@dataclass(slots=True, kw_only=True)
class Documents:
    """Blocks or attachments of the dataset."""

    created: Annotated[Count, Field(description="made for this record")]
    found: Annotated[Count, Field(description="there already")]
    ids: Annotated[list[str], Field(description="of those created, as SciCat names them; at most 1 000")]


@dataclass(slots=True, kw_only=True)
class Coordinates:
    """Where a record is, or was."""

    topic: str
    partition: Count
    offset: Count
    timestamp: Annotated[int, Field(description="of the record, milliseconds since 1970; -1: it has none")]


@dataclass(slots=True, kw_only=True)
class SourceRecord(Coordinates):
    """The record that asked for it."""

    first: Annotated[Coordinates | None, Field(description="after a replay: the record that came first")] = None
    replays: Annotated[Count | None, Field(description="how often it was replayed")] = None
    reprocess: Annotated[str | None, Field(description="which run of `scicat-ingest reprocess` took it up again")] = (
        None
    )


@dataclass(slots=True, kw_only=True)
class Timings:
    """When what happened."""

    eventAt: Annotated[Time | None, Field(description="end of the acquisition, by the event")] = None
    recordAt: Annotated[Time | None, Field(description="timestamp of the record")] = None
    receivedAt: Annotated[Time, Field(description="read from Kafka by the process that ended it")]
    firstAttemptAt: Annotated[Time | None, Field(description="first delivery begun by that process")] = None
    doneAt: Annotated[Time, Field(description="everything was in SciCat")]


@dataclass(slots=True, kw_only=True)
class Mapping:
    """What the dataset was made by."""

    name: Annotated[str, Field(description="of the mapping file, or native")]
    digest: Annotated[str, Field(description="tells settings and mapping file from all others, 16 hexadecimal digits")]


@dataclass(slots=True, kw_only=True)
class IngestedV1:
    """A dataset and all its parts are in SciCat."""

    __pydantic_config__ = ConfigDict(title="Ingested v1")

    pid: str
    acquisitionId: str
    instrument: Annotated[str | None, Field(description="id, else name, by the event")] = None
    runNumber: Annotated[str | None, Field(description="as the dataset has it")] = None
    revision: Count
    verdict: Annotated[
        DatasetVerdict,
        Field(description="created; already_present, whole; completed: parts were missing; updated: fields changed"),
    ]
    existingPid: Annotated[str | None, Field(description="a dataset of another pid that was taken for it")] = None
    datasetUrl: Annotated[str | None, Field(description="its page, by scicat.dataset_page")] = None
    origdatablocks: Documents
    attachments: Documents
    files: Annotated[Count, Field(description="files of the dataset, by the event")]
    filesMode: Annotated[
        Literal["additional"] | None,
        Field(description="additional: the event's files came on top of those of earlier events"),
    ] = None
    bytes: Annotated[Count, Field(description="their size")]
    drift: Annotated[list[str], Field(description="what differs from the event and was left alone")]
    warnings: Annotated[list[str], Field(description="at most 100, of at most 1 000 characters")]
    attempts: Annotated[Count, Field(description="how often the delivery was begun, by the process that ended it")]
    timings: Timings
    mapping: Mapping
    producedBy: Annotated[str, Field(description="scicat-ingest/VERSION", examples=["scicat-ingest/0.1.0"])]
    source: SourceRecord


INGESTED = TypeAdapter(IngestedV1)
"""Writes answers, and knows their JSON Schema."""


# The others


class ContractPart(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class DeadLetterHeadersV1(ContractPart):
    """Headers that are added behind those of the original record. All are UTF-8 text of at most 1 000 characters."""

    model_config = ConfigDict(title="Headers of a dead letter v1")

    original_headers: str = Field(alias="ingest.dlq.original_headers", description="how many headers the record had")
    reason: str = Field(alias="ingest.dlq.reason", description="stable code: docs/outcomes.md")
    fault_class: str = Field(alias="ingest.dlq.class", description="whose fault it is: record")
    message: str = Field(alias="ingest.dlq.message", description="what is wrong, for people")
    field: str | None = Field(None, alias="ingest.dlq.field", description="where in the event: files[3].size")
    hint: str | None = Field(None, alias="ingest.dlq.hint", description="what to do")
    pid: str | None = Field(None, alias="ingest.dlq.pid", description="of the dataset, if it could be told")
    status: str | None = Field(None, alias="ingest.dlq.status", description="HTTP status of SciCat's refusal")
    attempts: str | None = Field(None, alias="ingest.dlq.attempts", description="how often the delivery was begun")
    dataset_created: str | None = Field(
        None, alias="ingest.dlq.dataset_created", description="true: the dataset was made before the fault"
    )
    block_ids: str | None = Field(
        None, alias="ingest.dlq.block_ids", description="origdatablocks made before it, separated by commas"
    )
    attachment_ids: str | None = Field(
        None, alias="ingest.dlq.attachment_ids", description="attachments made before it"
    )
    topic: str = Field(alias="ingest.dlq.topic", description="where the record was")
    partition: str = Field(alias="ingest.dlq.partition")
    offset: str = Field(alias="ingest.dlq.offset")
    timestamp: str = Field(alias="ingest.dlq.timestamp", description="milliseconds since 1970; -1: it has none")
    received_at: Time = Field(alias="ingest.dlq.received_at")
    first_attempt_at: Time | None = Field(None, alias="ingest.dlq.first_attempt_at", description="delivery begun")
    failed_at: Time = Field(alias="ingest.dlq.failed_at")
    value_omitted: str | None = Field(
        None,
        alias="ingest.dlq.value_omitted",
        description="true: with our headers it was too large for Kafka",
    )
    headers_omitted: str | None = Field(
        None,
        alias="ingest.dlq.headers_omitted",
        description="true: the record's key and headers were too large too",
    )
    value_bytes: str | None = Field(None, alias="ingest.dlq.value_bytes", description="then: size of the value")
    value_sha256: str | None = Field(None, alias="ingest.dlq.value_sha256", description="then: its digest")
    connect_topic: str = Field(alias="__connect.errors.topic", description="these as Kafka Connect has them")
    connect_partition: str = Field(alias="__connect.errors.partition")
    connect_offset: str = Field(alias="__connect.errors.offset")
    connect_connector: str = Field(alias="__connect.errors.connector.name")
    connect_task: str = Field(alias="__connect.errors.task.id")
    connect_stage: str = Field(alias="__connect.errors.stage")
    connect_class: str = Field(alias="__connect.errors.class.name")
    connect_exception: str = Field(alias="__connect.errors.exception.class.name")
    connect_message: str = Field(alias="__connect.errors.exception.message")


ResolutionKind = Literal["replayed", "purged"]


class ResolutionV1(ContractPart):
    """What became of a dead letter: a record behind it on its topic, in its partition and with its key."""

    model_config = ConfigDict(title="Resolution v1")

    letter: str = Field(description="ce_id of the dead letter")
    letterFailedAt: Instant = Field(description="its ingest.dlq.failed_at: a letter that failed later is open")
    kind: ResolutionKind
    by: str = Field(description="who: user@host, or what was given")
    at: Instant
    why: str | None = None
    to: str | None = Field(None, description="the topic that it was replayed to")
    replays: int | None = Field(None, description="how often its record has been replayed, with this time")
