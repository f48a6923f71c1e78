"""Values whose schema is in a Confluent registry: framing, Avro, JSON Schema, Protobuf."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, prefix_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, struct_pb2, wrappers_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decode.formats.samples import (
    AVRO_ANSWER,
    AVRO_SCHEMA,
    AVRO_VALUE,
    JSON,
    PROTO_ANSWER,
    PROTO_SECOND_MESSAGE,
    avro,
    framed,
    needs_schema,
    proto_file,
    proto_message,
    proto_value,
    read,
    serialized,
    without_logical_types,
)

from scicat_ingest.decode.document import Document
from scicat_ingest.faults import CorruptRecord, DuplicateKey, InvalidUtf8, NotAnObject

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
GUID = UUID("00010203-0405-0607-0809-0a0b0c0d0e0f")


def decode(value: bytes, answer: Mapping[str, Any], **how: Any) -> Document:
    found = needs_schema(value, **how).read(answer)
    assert isinstance(found, Document)
    return found


def read_avro(schema: Any, value: Any) -> Document:
    """Write a value with fastavro as the only field of a record, and read it."""
    record = {"type": "record", "name": "R", "fields": [{"name": "x", "type": schema}]}
    return decode(framed(avro(record, {"x": value})), {"schema": json.dumps(record)})


def test_the_number_of_the_schema_is_in_front_of_the_value() -> None:
    """Four bytes after the magic one, without a sign."""
    assert needs_schema(framed(b"", 42)).reference == 42
    assert needs_schema(framed(b"", 2**32 - 1)).reference == 2**32 - 1


@pytest.mark.parametrize(("header", "reference"), [(b"\1" + GUID.bytes, str(GUID)), (b"\0\0\0\0\x07", 7)])
def test_the_schema_may_be_in_a_header(header: bytes, reference: int | str) -> None:
    """Then the value is not framed."""
    value = avro(without_logical_types(AVRO_SCHEMA), AVRO_VALUE)
    found = needs_schema(value, headers={"__value_schema_id": header})
    assert found.reference == reference
    assert found.read(AVRO_ANSWER).content["id"] == "røn-1"  # type: ignore[union-attr]


@pytest.mark.parametrize("header", [b"", b"\1", b"\1" + b"x" * 15, b"\2" * 17, b"\0\0\0\1"])
def test_a_header_that_names_no_schema_is_refused(header: bytes) -> None:
    """The message says what it begins with."""
    with pytest.raises(CorruptRecord, match="expected a schema id in the header"):
        read(b"x", headers={"__value_schema_id": header})


def test_avro_is_read_as_json() -> None:
    """Each type of Avro, with named types used again and integers beyond a double's."""
    value = avro(without_logical_types(AVRO_SCHEMA), AVRO_VALUE)
    found = decode(framed(value), AVRO_ANSWER)
    assert (found.format, found.event_source, found.warnings) == ("schema_registry", "events", ())
    assert found.content == AVRO_VALUE | {
        "digest": "AP8=",
        "seal": "YWJj",
        "started": "2023-11-14T22:13:20.123Z",
        "price": "123.45",
    }


def test_confluents_own_serialiser_is_understood() -> None:
    """With its schema, as its registry in memory has it."""
    registry = SchemaRegistryClient.new_client({"url": "mock://formats"})
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": "long"}]}
    serialise = AvroSerializer(registry, json.dumps(schema), conf={"schema.id.serializer": prefix_schema_id_serializer})
    value = serialise({"x": 5}, SerializationContext("t", MessageField.VALUE))
    assert value is not None
    reference = needs_schema(value).reference
    assert isinstance(reference, int)
    stored = registry.get_schema(reference)
    assert isinstance(stored, Schema)
    assert decode(value, {"schema": stored.schema_str}).content == {"x": 5}


@pytest.mark.parametrize(
    ("base", "logical", "value", "wanted"),
    [
        ("int", "date", date(2026, 4, 22), "2026-04-22"),
        ("int", "time-millis", time(8, 5, 0, 7000), "08:05:00.007"),
        ("long", "time-micros", time(8, 5), "08:05:00"),
        ("long", "timestamp-millis", datetime(2026, 4, 22, 8, 54, 53, 642000, UTC), "2026-04-22T08:54:53.642Z"),
        ("long", "timestamp-micros", datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), "1969-12-31T23:59:59.999999Z"),
        ("long", "local-timestamp-millis", datetime(2026, 4, 22, 8, 54, 53), "2026-04-22T08:54:53"),  # noqa: DTZ001
        ("string", "uuid", GUID, str(GUID)),
    ],
)
def test_avros_dates_and_times_are_rfc_3339(base: str, logical: str, value: Any, wanted: str) -> None:
    """Local ones without an offset: whoever maps them knows the zone."""
    assert read_avro({"type": base, "logicalType": logical}, value).content == {"x": wanted}


@pytest.mark.parametrize("value", [2**62, -(2**62), -62_135_596_800_000])
def test_a_time_that_no_calendar_has_stays_a_number(value: int) -> None:
    """With a warning, not a dead letter."""
    record = {"type": "record", "name": "R", "fields": [{"name": "x", "type": "long"}]}
    logical = json.dumps(record).replace('"long"', '{"type": "long", "logicalType": "timestamp-millis"}')
    found = decode(framed(avro(record, {"x": value})), {"schema": logical})
    assert found.content == {"x": value}
    assert len(found.warnings) == 1


@given(number=st.decimals(-(10**12), 10**12, places=3))
def test_avros_decimals_keep_all_their_digits(number: Decimal) -> None:
    """As text: JSON's readers make doubles of numbers."""
    schema = {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 3}
    assert Decimal(read_avro(schema, number).content["x"]) == number


def test_avros_durations_and_fixed_uuids_are_text() -> None:
    """Of ISO 8601 and RFC 9562."""
    fixed: dict[str, Any] = {"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"}
    record = {"type": "record", "name": "R", "fields": [{"name": "x", "type": fixed | {"logicalType": "none"}}]}
    value = b"\1\0\0\0\2\0\0\0\xf4\x01\0\0"
    logical = json.dumps(record).replace("none", "duration")
    assert decode(framed(avro(record, {"x": value})), {"schema": logical}).content == {"x": "P1M2DT0.500S"}
    record = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "x", "type": fixed | {"size": 16, "logicalType": "u"}}],
    }
    logical = json.dumps(record).replace('"u"', '"uuid"')
    assert decode(framed(avro(record, {"x": GUID.bytes})), {"schema": logical}).content == {"x": str(GUID)}


def test_numbers_that_json_has_not_are_null_with_a_warning() -> None:
    """Counted."""
    found = read_avro({"type": "array", "items": "float"}, [math.nan, 1.5, -math.inf])
    assert found.content == {"x": [None, 1.5, None]}
    assert found.warnings == ("NaN and infinity are null, as JSON has none: 2 numbers",)


LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    ("null", st.none()),
    ("boolean", st.booleans()),
    ("int", st.integers(-(2**31), 2**31 - 1)),
    ("long", st.integers(-(2**63), 2**63 - 1)),
    ("double", st.floats(allow_nan=False, allow_infinity=False)),
    ("string", TEXT),
]


@given(data=st.data())
def test_any_avro_of_plain_types_is_read_as_it_was_written(data: st.DataObject) -> None:
    """Arrays, maps and unions of each, as fastavro writes them."""
    kind, values = data.draw(st.sampled_from(LEAVES))
    wrap = data.draw(st.sampled_from(["plain", "array", "map", "union"]))
    schema: Any = kind
    strategy: st.SearchStrategy[Any] = values
    match wrap:
        case "array":
            schema, strategy = {"type": "array", "items": kind}, st.lists(values, max_size=5)
        case "map":
            schema, strategy = {"type": "map", "values": kind}, st.dictionaries(TEXT, values, max_size=5)
        case "union" if kind != "null":
            schema, strategy = ["null", kind], st.none() | values
    value = data.draw(strategy)
    assert read_avro(schema, value).content == {"x": value}


def test_blocks_that_tell_their_size_are_read() -> None:
    """Java's writers do so: a negative count is followed by the number of bytes."""
    record = {"type": "record", "name": "R", "fields": [{"name": "x", "type": {"type": "array", "items": "long"}}]}
    assert decode(framed(b"\3\4\2\4\0"), {"schema": json.dumps(record)}).content == {"x": [1, 2]}


@pytest.mark.parametrize(
    ("schema", "payload", "fault"),
    [
        ("long", b"", CorruptRecord),
        ("long", b"\xff" * 11, CorruptRecord),
        ("long", b"\2\2", CorruptRecord),
        ("string", b"\x7f", CorruptRecord),
        ("string", b"\1", CorruptRecord),
        ("string", b"\2\xff", InvalidUtf8),
        (["null", "long"], b"\4", CorruptRecord),
        ({"type": "map", "values": "null"}, b"\4\2a\2a\0", DuplicateKey),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\2", CorruptRecord),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 999, "scale": 0},
            b"\x84\x02" + b"x" * 130,
            CorruptRecord,
        ),
    ],
)
def test_avro_that_does_not_fit_its_schema_is_refused(schema: Any, payload: bytes, fault: type[Exception]) -> None:
    """Also what is left over at the end."""
    record = {"type": "record", "name": "R", "fields": [{"name": "x", "type": schema}]}
    with pytest.raises(fault):
        decode(framed(payload), {"schema": json.dumps(record)})


@pytest.mark.parametrize("schema", ['"long"', '{"type": "array", "items": "long"}', '{"type": "int"}'])
def test_an_avro_value_that_is_no_record_is_no_event(schema: str) -> None:
    """An event is an object."""
    with pytest.raises(NotAnObject):
        decode(framed(b"\0"), {"schema": schema})


@pytest.mark.parametrize(
    "schema",
    ["", "{", "5", '{"type": "x"}', '{"type": 5}', '{"type": "record"}', '{"type": "enum", "name": "E"}', '"Other"'],
)
def test_an_avro_schema_that_is_none_is_refused(schema: str) -> None:
    """It is the record's fault: it names this schema."""
    with pytest.raises(CorruptRecord, match="Avro schema"):
        decode(framed(b"\0"), {"schema": schema})


def test_names_of_an_avro_schema_are_unicode_and_come_once() -> None:
    """They become the event's keys."""
    half = r'{"type": "record", "name": "R", "fields": [{"name": "\ud800", "type": "int"}]}'
    with pytest.raises(CorruptRecord):
        decode(framed(b"\0"), {"schema": half})
    twice = {"type": "record", "name": "R", "fields": [{"name": "x", "type": "int"}, {"name": "x", "type": "int"}]}
    with pytest.raises(DuplicateKey):
        decode(framed(b"\0\0"), {"schema": json.dumps(twice)})


def test_references_between_schemas_are_followed() -> None:
    """They come with the registry's answer, each after those that it refers to itself."""
    references = [
        {
            "name": "a.Inner",
            "schema": '{"type": "record", "name": "a.Inner", "fields": [{"name": "n", "type": "int"}]}',
        },
        {
            "name": "b.Outer",
            "schema": '{"type": "record", "name": "b.Outer", "fields": [{"name": "i", "type": "a.Inner"}]}',
        },
    ]
    fields = [{"name": "o", "type": "b.Outer"}, {"name": "i", "type": "a.Inner"}]
    answer = {"schema": json.dumps({"type": "record", "name": "R", "fields": fields}), "references": references}
    assert decode(framed(b"\2\4"), answer).content == {"o": {"i": {"n": 1}}, "i": {"n": 2}}


def test_json_schema_is_json_behind_the_frame() -> None:
    """It was validated by who wrote it."""
    answer = {"schemaType": "JSON", "schema": '{"type": "string"}'}
    assert decode(framed(JSON[0]), answer).content == json.loads(JSON[0])


def test_protobuf_is_read_as_json() -> None:
    """Integers stay integers; what is not set is null where the schema tells that from 0."""
    value = framed(PROTO_SECOND_MESSAGE + proto_value().SerializeToString())
    nothing = {"id": "", "number": 0, "energy": 0.0, "digest": "", "kind": "RAW", "files": [], "tags": {}}
    assert decode(value, PROTO_ANSWER).content == {
        "id": "røn-1",
        "number": 9_007_199_254_740_993,
        "energy": 12.5,
        "digest": "AP8=",
        "kind": "RAW",
        "files": [{"path": "a.h5", "sizes": [1, 2]}],
        "started": "2023-11-14T22:13:20.123Z",
        "parent": nothing | {"id": "run-0", "started": None, "parent": None},
        "tags": {"x": 0.5},
    }


@pytest.mark.parametrize(
    ("indexes", "name", "content"),
    [
        (b"\0", "Other", {"x": 5}),
        (b"\2\0", "Other", {"x": 5}),
        (b"\4\2\0", "Run.File", {"path": "a", "sizes": []}),
    ],
)
def test_the_message_is_found_by_its_indexes(indexes: bytes, name: str, content: dict[str, Any]) -> None:
    """A single 0 is the first one; more lead down into nested ones."""
    message = proto_message(f"org.facility.{name}")
    setattr(message, *next(iter(content.items())))
    assert decode(framed(indexes + message.SerializeToString()), PROTO_ANSWER).content == content


def test_indexes_are_in_the_header_where_the_schema_is() -> None:
    """As Confluent's serialisers write them."""
    header = b"\1" + GUID.bytes + PROTO_SECOND_MESSAGE
    found = decode(proto_value().SerializeToString(), PROTO_ANSWER, headers={"__value_schema_id": header})
    assert found.content["id"] == "røn-1"


@pytest.mark.parametrize("indexes", [b"", b"\x80", b"\1", b"\2\6", b"\2\1", b"\4\2\x14", b"\xd0\x0f" + b"\0" * 2000])
def test_indexes_that_lead_nowhere_are_refused(indexes: bytes) -> None:
    """Negative ones as well."""
    with pytest.raises(CorruptRecord):
        decode(framed(indexes), PROTO_ANSWER)


def test_protobufs_own_types_are_what_they_stand_for() -> None:
    """A struct is an object, a wrapped number a number; durations are text as in Protobuf's JSON."""
    file = descriptor_pb2.FileDescriptorProto(name="r.proto", syntax="proto3")
    names = {"s": "Struct", "d": "Duration", "w": "Int64Value", "n": "Value", "bad": "Timestamp"}
    file.dependency.extend(f"google/protobuf/{name}.proto" for name in ("struct", "duration", "wrappers", "timestamp"))
    message = file.message_type.add(name="R")
    for number, (field, name) in enumerate(names.items(), 1):
        message.field.add(name=field, number=number, type=11, type_name=f".google.protobuf.{name}", label=1)
    values = struct_pb2.Struct()
    values.update({"a": [1, None, {"b": True}], "c": "x"})
    parts = [
        values.SerializeToString(),
        b"\x08\x05\x10\x80\xca\xb5\xee\x01",
        wrappers_pb2.Int64Value(value=2**60).SerializeToString(),
        struct_pb2.Value(number_value=math.nan).SerializeToString(),
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    ]
    payload = b"".join(bytes([number << 3 | 2, len(part)]) + part for number, part in enumerate(parts, 1))
    found = decode(framed(b"\0" + payload), {"schemaType": "PROTOBUF", "schema": serialized(file)})
    assert found.content == {
        "s": {"a": [1.0, None, {"b": True}], "c": "x"}, "d": "5.500s", "w": 2**60, "n": None, "bad": None,
    }  # fmt: skip
    assert len(found.warnings) == 2


def test_imports_of_a_protobuf_schema_come_with_the_answer() -> None:
    """Or with Protobuf; anything else is missing."""
    main = descriptor_pb2.FileDescriptorProto(name="m.proto", syntax="proto3", dependency=["facility/run.proto"])
    main.message_type.add(name="M").field.add(name="r", number=1, type=11, type_name=".org.facility.Other", label=1)
    answer = {
        "schemaType": "PROTOBUF",
        "schema": serialized(main),
        "references": [{"name": "facility/run.proto", "schema": serialized(proto_file())}],
    }
    assert decode(framed(b"\0\x0a\x02\x08\x05"), answer).content == {"r": {"x": 5}}
    with pytest.raises(CorruptRecord, match=r"imports .*run\.proto"):
        decode(framed(b"\0"), answer | {"references": []})


def test_a_protobuf_schema_as_text_is_refused_with_what_is_needed() -> None:
    """A registry that does not know `format=serialized` gives the text."""
    answer = {"schemaType": "PROTOBUF", "schema": 'syntax = "proto3";'}
    with pytest.raises(CorruptRecord, match="no serialized descriptor") as caught:
        decode(framed(b"\0"), answer)
    assert "format=serialized" in caught.value.hint


@pytest.mark.parametrize("payload", [b"\x0a\x01\xff", b"\x12\x03\x0a\x01\xff", b"\x12\x03\x12\x01\xff"])
def test_texts_of_proto2_that_are_no_utf8_are_refused(payload: bytes) -> None:
    """Its parser lets them pass, and gives bytes, or an error when they are looked at."""
    file = descriptor_pb2.FileDescriptorProto(name="r.proto", syntax="proto2")
    message = file.message_type.add(name="R")
    message.field.add(name="s", number=1, type=9, label=1)
    message.field.add(name="m", number=2, type=11, type_name=".R.MEntry", label=3)
    message.field.add(name="d", number=3, type=5, label=1, default_value="7")
    entry = message.nested_type.add(name="MEntry", options=descriptor_pb2.MessageOptions(map_entry=True))
    entry.field.add(name="key", number=1, type=9, label=1)
    entry.field.add(name="value", number=2, type=9, label=1)
    answer = {"schemaType": "PROTOBUF", "schema": serialized(file)}
    with pytest.raises(InvalidUtf8):
        decode(framed(b"\0" + payload), answer)
    assert decode(framed(b"\0"), answer).content == {"s": None, "m": {}, "d": 7}


def test_bytes_that_are_no_message_are_refused() -> None:
    """By Protobuf's own parser."""
    with pytest.raises(CorruptRecord, match=r"org\.facility\.Run"):
        decode(framed(PROTO_SECOND_MESSAGE + b"\x0a\xff"), PROTO_ANSWER)
