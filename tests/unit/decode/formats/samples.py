"""Real messages of every format, made by the official serialisers, and how to read them."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import fastavro
import msgpack
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from streaming_data_types import serialise_6s4t, serialise_f144, serialise_pl72, serialise_wrdn

from scicat_ingest.consume.record import Record
from scicat_ingest.decode.document import Document, NeedsSchema, Part
from scicat_ingest.decode.formats import formats_for, read_record
from scicat_ingest.settings import LimitsSettings, SourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scicat_ingest.decode.decoded import Ignored
    from scicat_ingest.settings import FormatName

RUN = "1a6b3f70-8c52-4c1e-9d0a-0b8f4f3c2d11"
DESCRIPTOR = "5e0d2c9a-61f3-4d55-8a57-6a1f4b2c7e90"
LIMITS = LimitsSettings()


def record_of(value: bytes | None, headers: Mapping[str, bytes] | None = None, key: bytes | None = None) -> Record:
    return Record("events", 0, 7, 1_700_000_000_000, key, value, tuple((headers or {}).items()))


def read(
    value: bytes | None,
    *formats: FormatName,
    headers: Mapping[str, bytes] | None = None,
    key: bytes | None = None,
    limits: LimitsSettings = LIMITS,
) -> Document | Part | NeedsSchema | Ignored:
    """Read a record of a topic that takes these formats; without any, every format."""
    taken = formats or tuple(FORMAT_NAMES)
    return read_record(record_of(value, headers, key), formats_for(SourceSettings(formats=frozenset(taken))), limits)


def document(value: bytes, *formats: FormatName, **how: Any) -> Document:
    found = read(value, *formats, **how)
    assert isinstance(found, Document)
    return found


def part(value: bytes, *formats: FormatName, **how: Any) -> Part:
    found = read(value, *formats, **how)
    assert isinstance(found, Part)
    return found


def needs_schema(value: bytes, **how: Any) -> NeedsSchema:
    found = read(value, "schema_registry", **how)
    assert isinstance(found, NeedsSchema)
    return found


def limits(**values: int) -> LimitsSettings:
    return LimitsSettings(**values)


def numpy_form(array: np.ndarray[Any, Any]) -> dict[bytes, Any]:
    """Give an array as msgpack_numpy puts it on the wire (0.4.8, `encode`)."""
    kind = {"V": b"V", "O": b"O"}.get(array.dtype.kind, b"")
    return {
        b"nd": True,
        b"type": array.dtype.str,
        b"kind": kind,
        b"shape": array.shape,
        b"data": array.tobytes(),
    }


def numpy_scalar(scalar: np.generic) -> dict[bytes, Any]:
    """Give one of numpy's numbers as msgpack_numpy puts it on the wire."""
    return {b"nd": False, b"type": scalar.dtype.str, b"data": scalar.tobytes()}


def packed(name: str, body: Mapping[str, Any]) -> bytes:
    value: bytes = msgpack.packb([name, body])
    return value


START = {
    "uid": RUN,
    "time": 1_700_000_000.25,
    "scan_id": 17,
    "plan_name": "count",
    "data_session": "p1234",
    "detectors": ["det"],
    "sample": {"name": "LaB6"},
    "positions": numpy_form(np.arange(6).reshape(2, 3) / 4),
    "exposure": numpy_scalar(np.float64(0.5)),
}
DESCRIPTOR_DOCUMENT = {
    "uid": DESCRIPTOR,
    "run_start": RUN,
    "time": 1_700_000_001.0,
    "name": "primary",
    "data_keys": {
        "det": {"source": "PV:det", "dtype": "array", "shape": [3, 4], "units": "counts", "external": "STREAM:"}
    },
    "configuration": {
        "det": {
            "data": {"det_exposure": 0.5},
            "timestamps": {"det_exposure": 1_700_000_000.0},
            "data_keys": {"det_exposure": {"source": "PV:exp", "dtype": "number", "shape": [], "units": "s"}},
        }
    },
    "hints": {},
    "object_keys": {"det": ["det"]},
}
STREAM_RESOURCE = {
    "uid": "c1f2b0f2-9a41-4f2b-8e2d-7f5b8d0c4a01",
    "run_start": RUN,
    "uri": "file://localhost/data/p1234/scan%2017.h5",
    "mimetype": "application/x-hdf5",
    "data_key": "det",
    "parameters": {"chunk_shape": [1, 3, 4]},
}
RESOURCE = {
    "uid": "d2f2b0f2-9a41-4f2b-8e2d-7f5b8d0c4a02",
    "run_start": RUN,
    "spec": "AD_HDF5",
    "root": "/data",
    "resource_path": "p1234/old.h5",
    "resource_kwargs": {},
    "path_semantics": "posix",
}
EVENT = {
    "uid": "e3f2b0f2-9a41-4f2b-8e2d-7f5b8d0c4a03",
    "descriptor": DESCRIPTOR,
    "seq_num": 2,
    "time": 1_700_000_002.0,
    "data": {"det": numpy_form(np.arange(4))},
    "timestamps": {"det": 1_700_000_002.0},
    "filled": {},
}
STOP = {
    "uid": "f4f2b0f2-9a41-4f2b-8e2d-7f5b8d0c4a04",
    "run_start": RUN,
    "time": 1_700_000_009.0,
    "exit_status": "success",
    "reason": "",
    "num_events": {"primary": 2},
}
BLUESKY = [
    packed("start", START),
    packed("descriptor", DESCRIPTOR_DOCUMENT),
    packed("stream_resource", STREAM_RESOURCE),
    packed("resource", RESOURCE),
    packed("event", EVENT),
    packed("stop", STOP),
    json.dumps(["stop", STOP]).encode(),
    json.dumps({"name": "descriptor", "doc": DESCRIPTOR_DOCUMENT}).encode(),
]

ESS = [
    serialise_wrdn("writer", RUN, error_encountered=False, file_name="/data/p1/a.nxs", metadata='{"a": [1]}'),
    serialise_pl72(RUN, "a.nxs", 1_700_000_000_000, 0, "run 1", '{"children": []}', "w", "ODIN", "b:9092", '{"b": 2}'),
    serialise_6s4t(RUN, "run 1", "writer", "command", 1_700_000_009_000),
    serialise_f144("motor:x", 1.5, 1_700_000_000_000),
]

AVRO_SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Run",
    "namespace": "org.facility",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "number", "type": ["null", "long"]},
        {"name": "energy", "type": "double"},
        {"name": "digest", "type": "bytes"},
        {"name": "files", "type": {"type": "array", "items": {"type": "record", "name": "File", "fields": [
            {"name": "path", "type": "string"}, {"name": "size", "type": "long"}]}}},
        {"name": "main", "type": ["null", "File"]},
        {"name": "tags", "type": {"type": "map", "values": "float"}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["RAW", "DERIVED"]}},
        {"name": "seal", "type": {"type": "fixed", "name": "Seal", "size": 3}},
        {"name": "started", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    ],
}  # fmt: skip
AVRO_VALUE: dict[str, Any] = {
    "id": "røn-1",
    "number": 9_007_199_254_740_993,
    "energy": 12.5,
    "digest": b"\x00\xff",
    "files": [{"path": "a.h5", "size": 1}, {"path": "b.h5", "size": -2}],
    "main": {"path": "a.h5", "size": 1},
    "tags": {"x": 0.5},
    "kind": "DERIVED",
    "seal": b"abc",
    "started": 1_700_000_000_123,
    "price": b"\x30\x39",
}
AVRO_ANSWER = {"schema": json.dumps(AVRO_SCHEMA)}


def avro(schema: Any, value: Any) -> bytes:
    """Write a value as fastavro does, given as what the logical types stand for."""
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(json.loads(json.dumps(schema))), value)
    return written.getvalue()


def framed(payload: bytes, schema_id: int = 42) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big") + payload


def proto_file() -> descriptor_pb2.FileDescriptorProto:
    """Give what protoc makes of a schema with each kind of field."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="run.proto", package="org.facility", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    file.enum_type.add(name="Kind").value.add(name="RAW", number=0)
    file.message_type.add(name="Other").field.add(name="x", number=1, type=kinds.TYPE_INT32, label=1)
    run = file.message_type.add(name="Run")
    run.field.add(name="id", number=1, type=kinds.TYPE_STRING, label=1)
    run.field.add(name="number", number=2, type=kinds.TYPE_INT64, label=1)
    run.field.add(name="energy", number=3, type=kinds.TYPE_DOUBLE, label=1)
    run.field.add(name="digest", number=4, type=kinds.TYPE_BYTES, label=1)
    run.field.add(name="kind", number=5, type=kinds.TYPE_ENUM, type_name=".org.facility.Kind", label=1)
    run.field.add(name="files", number=6, type=kinds.TYPE_MESSAGE, type_name=".org.facility.Run.File", label=3)
    run.field.add(name="started", number=7, type=kinds.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp", label=1)
    run.field.add(name="parent", number=8, type=kinds.TYPE_MESSAGE, type_name=".org.facility.Run", label=1)
    run.field.add(name="tags", number=9, type=kinds.TYPE_MESSAGE, type_name=".org.facility.Run.TagsEntry", label=3)
    below = run.nested_type.add(name="File")
    below.field.add(name="path", number=1, type=kinds.TYPE_STRING, label=1)
    below.field.add(name="sizes", number=2, type=kinds.TYPE_INT64, label=3)
    entry = run.nested_type.add(name="TagsEntry", options=descriptor_pb2.MessageOptions(map_entry=True))
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=1)
    entry.field.add(name="value", number=2, type=kinds.TYPE_DOUBLE, label=1)
    return file


def proto_message(name: str = "org.facility.Run") -> Any:
    file = proto_file()
    pool = descriptor_pool.DescriptorPool()
    timestamp = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(timestamp)
    pool.Add(timestamp)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()


def serialized(file: descriptor_pb2.FileDescriptorProto) -> str:
    return base64.b64encode(file.SerializeToString()).decode()


def proto_value() -> Any:
    message = proto_message()
    message.id = "røn-1"
    message.number = 9_007_199_254_740_993
    message.energy = 12.5
    message.digest = b"\x00\xff"
    message.files.add(path="a.h5", sizes=[1, 2])
    message.started.FromMilliseconds(1_700_000_000_123)
    message.parent.id = "run-0"
    message.tags["x"] = 0.5
    return message


PROTO_ANSWER = {"schemaType": "PROTOBUF", "schema": serialized(proto_file())}
PROTO_SECOND_MESSAGE = b"\x02\x02"
"""Message indexes [1]: one index, zigzag 1."""

ICAT = [
    b"""<?xml version="1.0" encoding="UTF-8"?>
<dataset xmlns="http://www.esrf.fr/icat" complete="true">
  <investigation>MX-1234</investigation><instrument>ID30A-1</instrument><name>scan 1</name>
  <location>/data/visitor/mx1234/scan1</location>
  <startDate>2026-04-22T08:54:53.642+02:00</startDate><endDate>2026-04-22T09:00:00+02:00</endDate>
  <sample><name>Lys &amp; co</name><type>protein</type><parameter><name>pH</name><value>7</value></parameter></sample>
  <parameter><name>energy</name><value>12.7</value></parameter>
  <parameter><name>motor</name><value>x</value></parameter><parameter><name>motor</name><value>y</value></parameter>
  <datafile><location>a.h5</location><size>12</size><parameter><name>frame</name><value>1</value></parameter></datafile>
  <datafile><location>b.h5</location></datafile>
</dataset>"""
]

S3_RECORD: dict[str, Any] = {
    "eventVersion": "2.2",
    "eventSource": "ceph:s3",
    "eventTime": "2026-04-22T08:54:53.642Z",
    "eventName": "ObjectCreated:Put",
    "s3": {
        "s3SchemaVersion": "1.0",
        "bucket": {"name": "raw", "ownerIdentity": {}, "arn": "arn:aws:s3:zone::raw"},
        "object": {
            "key": "p1/my+scan%2B1.h5",
            "size": 12,
            "eTag": "d41d8cd98f00b204e9800998ecf8427e",
            "sequencer": "1",
        },
    },
}
S3 = [json.dumps({"Records": [S3_RECORD, S3_RECORD]}).encode()]

STRUCTURED = {"content-type": b"application/cloudevents+json; charset=utf-8"}
CLOUD_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "17",
    "source": "/daq/odin",
    "type": "facility.run.closed",
    "time": "2026-04-22T08:54:53.642Z",
    "datacontenttype": "application/json",
    "data": {"job": 5, "x": [1.5, None]},
}
JSON = [json.dumps({"acquisitionId": "a", "metadata": {"x": [1, 2.5, "y", None]}}).encode()]

FORMAT_NAMES: tuple[FormatName, ...] = ("json", "ess", "bluesky", "schema_registry", "icat", "s3")


def schema_samples() -> Iterable[tuple[bytes, Mapping[str, Any]]]:
    """Give framed values with the registry's answer for them."""
    started = AVRO_VALUE | {"started": 1_700_000_000_123}
    yield framed(avro(without_logical_types(AVRO_SCHEMA), started)), AVRO_ANSWER
    yield framed(PROTO_SECOND_MESSAGE + proto_value().SerializeToString()), PROTO_ANSWER
    yield framed(JSON[0]), {"schemaType": "JSON", "schema": "{}"}


def without_logical_types(schema: Any) -> Any:
    """Give the schema as the bare Avro types: so numbers and bytes are written as they stand."""
    if isinstance(schema, dict):
        return {name: without_logical_types(value) for name, value in schema.items() if name != "logicalType"}
    return [without_logical_types(item) for item in schema] if isinstance(schema, list) else schema
