"""CloudEvents 1.0 on Kafka, by its protocol binding; why not by the SDK: docs/decisions/0014.

A structured event is turned into the same event in binary mode, so that its data are read like those of any record.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.decode.formats.signs import is_json_media_type, media_type
from scicat_ingest.decode.json_object import parse_json_object
from scicat_ingest.faults import CorruptRecord, NotAnObject, UnknownFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import LimitsSettings

_STRUCTURED = "application/cloudevents"
_REQUIRED = ("specversion", "id", "source", "type")
_HINT = "docs/formats.md: CloudEvents 1.0 in binary mode, or structured as application/cloudevents+json"


def open_cloud_event(record: Record, limits: LimitsSettings) -> Record:
    """Give a record whose value is the event's data, its attributes in `ce_*` headers and in content-type.

    Any other record is given back as it is. Raises UndecodableRecord: a batch, a format other than JSON, another
    version than 1.0, an attribute that is missing or no text, data that are neither or both of `data` and
    `data_base64`.
    """
    media = media_type(record)
    if media is None or not media.startswith(_STRUCTURED):
        if record.header("ce_specversion") is not None:
            _check_attributes({name: record.header(f"ce_{name}") for name in _REQUIRED}, prefix="ce_")
        return record
    if media.startswith(f"{_STRUCTURED}-batch"):
        raise UnknownFormat(
            f"expected one CloudEvent a record, got a batch ({excerpt(media)})",
            field="content-type",
            hint="send each event as a record of its own",
        )
    if media != f"{_STRUCTURED}+json":
        raise UnknownFormat(f"expected CloudEvents as JSON, got {excerpt(media)}", field="content-type", hint=_HINT)
    event = parse_json_object(
        record.value or b"", max_bytes=limits.max_event_bytes, max_depth=limits.max_event_depth + 1
    )
    event = {name: value for name, value in event.items() if value is not None}
    _check_attributes(event)
    content_type = event.get("datacontenttype", "application/json")
    if not isinstance(content_type, str):
        raise CorruptRecord("expected text", field="datacontenttype", hint=_HINT)
    others = [(name, value) for name, value in record.headers if not _is_attribute(name)]
    attributes = [
        (f"ce_{name}", _attribute(value))
        for name, value in event.items()
        if name not in ("data", "data_base64", "datacontenttype") and not isinstance(value, (dict, list))
    ]
    headers = (*others, *attributes, ("content-type", content_type.encode()))
    return replace(record, value=_data(event, content_type), headers=headers)


def event_source(record: Record) -> str:
    """Say who sent the record: the CloudEvents source, else the topic."""
    return record.header("ce_source") or record.topic


def _is_attribute(header: str) -> bool:
    return header.lower().startswith("ce_") or header.lower() == "content-type"


def _attribute(value: Any) -> bytes:
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def _check_attributes(attributes: Mapping[str, Any], prefix: str = "") -> None:
    for name in _REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            got = "is missing" if value is None else f"must be text, got {excerpt(value)}"
            raise CorruptRecord(f"this attribute of a CloudEvent {got}", field=f"{prefix}{name}", hint=_HINT)
    if attributes["specversion"] != "1.0":
        version = excerpt(attributes["specversion"])
        raise UnknownFormat(f'expected CloudEvents "1.0", got {version}', field=f"{prefix}specversion", hint=_HINT)


def _data(event: Mapping[str, Any], content_type: str) -> bytes:
    if "data" in event and "data_base64" in event:
        raise CorruptRecord("expected one of data and data_base64, got both", field="data_base64", hint=_HINT)
    if "data_base64" in event:
        encoded = event["data_base64"]
        try:
            return base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else _no_base64()
        except (binascii.Error, ValueError):
            _no_base64()
    if "data" not in event:
        raise NotAnObject("the CloudEvent has no data", field="data", hint=_HINT)
    data = event["data"]
    if isinstance(data, str) and not is_json_media_type(content_type.partition(";")[0].strip().lower()):
        return data.encode()
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _no_base64() -> bytes:
    raise CorruptRecord("expected base64", field="data_base64", hint=_HINT)
