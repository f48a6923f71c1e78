"""Confluent's framing: which schema a value is written in, and where the value itself begins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from scicat_ingest.decode.document import Document, NeedsSchema
from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.decode.formats.allowance import Allowance
from scicat_ingest.decode.formats.avro import read_avro
from scicat_ingest.decode.formats.cloud_event import event_source
from scicat_ingest.decode.formats.protobuf import read_protobuf
from scicat_ingest.decode.formats.schema_text import SchemaText
from scicat_ingest.decode.formats.signs import SCHEMA_ID_HEADER, shows
from scicat_ingest.decode.formats.varint import read_zigzag
from scicat_ingest.decode.json_object import parse_json_object
from scicat_ingest.faults import CorruptRecord, TooDeep

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import FormatName, LimitsSettings

_ID_MAGIC, _GUID_MAGIC = 0, 1
_MOST_INDEXES = 100


class SchemaRegistryFraming:
    """Both variants: magic byte 0 and a number before the value, or a GUID in the header `__value_schema_id`."""

    name: FormatName = "schema_registry"

    def recognises(self, record: Record) -> bool:
        """Tell whether the header is there, or the value begins with the magic byte."""
        return shows(self.name, record)

    def read(self, record: Record, limits: LimitsSettings) -> NeedsSchema:
        """Give the schema's id, and how to read the value with it.

        What the registry gave may come as `SchemaRegistry.get` returns it. A JSON value is not validated again: its
        producer's serialiser did, and a schema's patterns can be made to take for ever.
        """
        value = record.value or b""
        Allowance(limits).admit(len(value))
        header = _raw_header(record)
        if header is not None:
            reference, rest = _reference(header, f"header {SCHEMA_ID_HEADER}")
            return NeedsSchema(reference, partial(_read, record, value, rest, limits))
        reference, rest = _reference(value, "value")
        return NeedsSchema(reference, partial(_read, record, rest, None, limits))


def _raw_header(record: Record) -> bytes | None:
    return next((value for name, value in reversed(record.headers) if name.lower() == SCHEMA_ID_HEADER), None)


def _reference(framed: bytes, where: str) -> tuple[int | str, bytes]:
    """Split off the schema's id or GUID."""
    if len(framed) >= 5 and framed[0] == _ID_MAGIC:
        return int.from_bytes(framed[1:5], "big"), framed[5:]
    if len(framed) >= 17 and framed[0] == _GUID_MAGIC:
        return str(UUID(bytes=framed[1:17])), framed[17:]
    raise CorruptRecord(f"expected a schema id in the {where}, it begins with {excerpt(framed[:17].hex())}")


def _read(record: Record, payload: bytes, header_rest: bytes | None, limits: LimitsSettings, answer: Any) -> Document:
    """Read the value. `header_rest` is what follows the id in the header, None where the id was in the value."""
    allowance = Allowance(limits)
    try:
        content = _content(payload, header_rest, SchemaText.of(answer), allowance, limits)
    except RecursionError:
        raise TooDeep(f"expected at most {limits.max_event_depth} levels of objects and arrays") from None
    return Document("schema_registry", content, event_source(record), record.header("ce_type"), allowance.warnings)


def _content(
    payload: bytes, header_rest: bytes | None, schema: SchemaText, allowance: Allowance, limits: LimitsSettings
) -> dict[str, Any]:
    match schema.kind:
        case "AVRO":
            return read_avro(payload, schema, allowance)
        case "JSON":
            return parse_json_object(payload, max_bytes=limits.max_event_bytes, max_depth=limits.max_event_depth)
        case "PROTOBUF":
            indexes, rest = _message_indexes(payload if header_rest is None else header_rest)
            return read_protobuf(rest if header_rest is None else payload, schema, indexes, allowance)
        case other:
            raise CorruptRecord(f"expected a schema of type AVRO, JSON or PROTOBUF, got {excerpt(other)}")


def _message_indexes(framed: bytes) -> tuple[tuple[int, ...], bytes]:
    """Give which message of the schema it is: the way down through nested ones; a single 0 stands for the first."""
    count, at = read_zigzag(framed, 0)
    if not 0 <= count <= _MOST_INDEXES:
        raise CorruptRecord(f"expected at most {_MOST_INDEXES} message indexes, got {count}")
    indexes = []
    for _ in range(count):
        index, at = read_zigzag(framed, at)
        if index < 0:
            raise CorruptRecord(f"expected a message index, got {index}")
        indexes.append(index)
    return tuple(indexes) or (0,), framed[at:]
