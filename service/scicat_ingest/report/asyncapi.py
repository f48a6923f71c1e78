"""The topics and their messages as one AsyncAPI 3 document (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest import __version__
from scicat_ingest.decode.event import CLOUD_EVENT_TYPE, MAX_ACQUISITION_ID
from scicat_ingest.report.contract import (
    DEAD_LETTER_TYPE,
    INGESTED,
    INGESTED_TYPE,
    RESOLUTION_TYPE,
    DeadLetterHeadersV1,
    ResolutionV1,
)
from scicat_ingest.settings import KafkaSettings, SourceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scicat_ingest.report.message import Message

_TEXT = {"type": "string"}
_ABOUT = (
    "Acquisition events in, datasets in SciCat, and an answer for each. Messages are CloudEvents 1.0 in binary mode: "
    "the attributes are Kafka headers ce_*. Within a major version only fields that may be missing are added."
)
_ABOUT_DEAD_LETTERS = (
    "Key, value, timestamp and headers of the original record, whatever they are; ours come behind the first "
    "ingest.dlq.original_headers headers."
)
_ABOUT_THE_DEAD_LETTER_TOPIC = (
    "records that could not be ingested, and what became of them; to be read with isolation.level=read_committed"
)
_ALWAYS = ("specversion", "id", "source", "type", "time")


def asyncapi_document(event_schema: Mapping[str, Any], examples: Mapping[str, Sequence[Message]]) -> dict[str, Any]:
    """Give the document, with the default names of the topics.

    `event_schema` is the JSON Schema of the native event, with its parts in `$defs`; `examples` are real messages by
    the name of their kind: `ingested`, `deadLetter`, `resolution`.
    """
    parts: dict[str, Any] = {}
    schemas = {
        "AcquisitionCompleted": _hoisted(event_schema, parts),
        "Ingested": _hoisted(INGESTED.json_schema(), parts),
        "DeadLetterHeaders": _hoisted(DeadLetterHeadersV1.model_json_schema(), parts),
        "Resolution": _hoisted(ResolutionV1.model_json_schema(), parts),
    }
    kafka = KafkaSettings()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "scicat-ingest",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "BSD-3-Clause"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "acquisitions": _channel(SourceSettings().topic, "acquisitionCompleted", description="what producers send"),
            "ingested": _channel(kafka.ingested_topic, "ingested", description="datasets that are in SciCat"),
            "deadLetters": _channel(
                kafka.dead_letter_topic, "deadLetter", "resolution", description=_ABOUT_THE_DEAD_LETTER_TOPIC
            ),
        },
        "operations": {
            "receiveAcquisitions": _operation("receive", "acquisitions", "acquisitionCompleted"),
            "sendIngested": _operation("send", "ingested", "ingested"),
            "sendDeadLetters": _operation("send", "deadLetters", "deadLetter", "resolution"),
        },
        "components": {
            "messages": {
                "acquisitionCompleted": {
                    "title": "An acquisition is complete",
                    "contentType": "application/json",
                    "headers": _cloud_event(CLOUD_EVENT_TYPE, required=()),
                    "payload": _ref("AcquisitionCompleted"),
                    "bindings": _key("its acquisitionId", {"type": "string", "maxLength": MAX_ACQUISITION_ID}),
                },
                "ingested": {
                    "title": "A dataset and all its parts are in SciCat",
                    "contentType": "application/json",
                    "headers": _cloud_event(INGESTED_TYPE),
                    "payload": _ref("Ingested"),
                    "bindings": _key("the dataset's pid", _TEXT),
                    "examples": [_example(message, value=True) for message in examples["ingested"]],
                },
                "deadLetter": {
                    "title": "A record could not be ingested",
                    "description": _ABOUT_DEAD_LETTERS,
                    "headers": {"allOf": [_ref("DeadLetterHeaders"), _cloud_event(DEAD_LETTER_TYPE)]},
                    "payload": {
                        "description": "the original value, of any format; empty where ingest.dlq.value_omitted"
                    },
                    "bindings": _key("of the original record", {}),
                    "examples": [_example(message, value=False) for message in examples["deadLetter"]],
                },
                "resolution": {
                    "title": "A dead letter was replayed or purged",
                    "contentType": "application/json",
                    "headers": _cloud_event(RESOLUTION_TYPE, about="ce_id of the dead letter"),
                    "payload": _ref("Resolution"),
                    "bindings": _key("of the dead letter", {}),
                    "examples": [_example(message, value=True) for message in examples["resolution"]],
                },
            },
            "schemas": {**schemas, **parts},
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _channel(topic: str, *names: str, description: str) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {"address": topic, "description": description, "messages": messages}


def _operation(action: str, channel: str, *names: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _cloud_event(kind: str, required: Sequence[str] = _ALWAYS, about: str = "pid of the dataset") -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {**_TEXT, "description": "the same when a record comes again: consumers can drop repeats"},
            "ce_source": _TEXT,
            "ce_type": {"const": kind},
            "ce_time": {**_TEXT, "format": "date-time"},
            "ce_subject": {**_TEXT, "description": about},
            "traceparent": {**_TEXT, "description": "W3C Trace Context, carried on from the record"},
            "tracestate": _TEXT,
        },
        "required": [f"ce_{name}" for name in required],
    }


def _key(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"kafka": {"key": {**schema, "description": description}, "bindingVersion": "0.5.0"}}


def _example(message: Message, *, value: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"headers": {name: text.decode() for name, text in message.headers}}
    if value:
        shown["payload"] = message.json()
    return shown


def _hoisted(schema: Mapping[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Put a schema's own definitions beside it: `#` is the whole document here."""
    for name, part in schema.get("$defs", {}).items():
        parts[name] = _refer(part)
    rest = {name: value for name, value in schema.items() if name not in ("$defs", "$schema")}
    hoisted: dict[str, Any] = _refer(rest)
    return hoisted


def _refer(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: item.replace("#/$defs/", "#/components/schemas/") if name == "$ref" else _refer(item)
            for name, item in value.items()
        }
    return [_refer(item) for item in value] if isinstance(value, list) else value
