"""Some bytes that say much: refused before the memory or the time is gone."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import TYPE_CHECKING

import msgpack
import pytest
from google.protobuf import descriptor_pb2
from tests.unit.decode.formats.samples import framed, limits, packed, read, record_of, serialized

from scicat_ingest.decode.document import NeedsSchema
from scicat_ingest.decode.formats import FORMATS
from scicat_ingest.faults import CorruptRecord, TooDeep, TooLarge, UndecodableRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from scicat_ingest.decode.decoded import Ignored
    from scicat_ingest.decode.document import Document, Part

pytestmark = pytest.mark.usefixtures("little_memory")
SMALL = limits(max_event_bytes=1024 * 1024)
MOST_MEMORY = 64 * 1024 * 1024
"""For a limit of 1 MiB: what an object for every 16 bytes takes, with room."""


@pytest.fixture
def little_memory() -> Iterator[None]:
    gc.collect()
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MOST_MEMORY


def read_with(answer: dict[str, Any], payload: bytes) -> Document | Ignored:
    found = read(framed(payload), "schema_registry", limits=SMALL)
    assert isinstance(found, NeedsSchema)
    return found.read(answer)


def zigzag(number: int) -> bytes:
    number, encoded = number << 1, bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def record(*fields: object) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": [{"name": f"f{n}", "type": f} for n, f in enumerate(fields)]}


@pytest.mark.parametrize("items", ["null", {"type": "fixed", "name": "F", "size": 0}, {**record(), "name": "E"}])
def test_an_avro_array_of_things_without_bytes_is_refused(items: object) -> None:
    """Ten bytes can stand for 2^60 of them."""
    schema = json.dumps(record({"type": "array", "items": items}))
    with pytest.raises(TooLarge):
        read_with({"schema": schema}, zigzag(2**60) + b"\0")


def test_an_avro_schema_that_doubles_at_every_level_is_refused() -> None:
    """Records of records: forty levels without a byte are 2^40 values."""
    names = [f"L{n}" for n in range(40)]
    references = [
        {"name": name, "schema": json.dumps({"type": "record", "name": name, "fields": [
            {"name": side, "type": "null" if place == 0 else names[place - 1]} for side in ("a", "b")]})}
        for place, name in enumerate(names)
    ]  # fmt: skip
    with pytest.raises(TooLarge):
        read_with({"schema": json.dumps(record(names[-1])), "references": references}, b"")


def test_an_avro_record_that_holds_itself_is_refused() -> None:
    """Without a union it has no end, and no bytes."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "r", "type": "R"}]}
    with pytest.raises(TooDeep):
        read_with({"schema": json.dumps(schema)}, b"")


def test_long_names_that_are_repeated_are_counted() -> None:
    """A symbol of 10 000 characters takes one byte in Avro."""
    items = {"type": "enum", "name": "E", "symbols": ["A" * 10_000]}
    schema = json.dumps(record({"type": "array", "items": items}))
    with pytest.raises(TooLarge):
        read_with({"schema": schema}, zigzag(1000) + b"\0" * 1001)


@pytest.mark.parametrize("depth", [90, 5_000, 100_000])
def test_a_deep_schema_is_no_crash(depth: int) -> None:
    """Parsers of schemas are recursive; ours looks at the depth first."""
    schema = '{"type":"array","items":' * depth + '"int"' + "}" * depth
    with pytest.raises(UndecodableRecord):
        read_with({"schema": schema}, b"\2" * 200)


def test_a_protobuf_message_within_itself_is_refused() -> None:
    """The parser allows a hundred levels, we what the settings say."""
    file = descriptor_pb2.FileDescriptorProto(name="r.proto", syntax="proto3")
    file.message_type.add(name="R").field.add(name="r", number=1, type=11, type_name=".R", label=1)
    payload = b""
    for _ in range(80):
        length = len(payload)
        payload = b"\x0a" + (bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])) + payload
    with pytest.raises(TooDeep):
        read_with({"schemaType": "PROTOBUF", "schema": serialized(file)}, b"\0" + payload)


def test_a_protobuf_message_with_many_fields_is_counted() -> None:
    """Two bytes make a message whose thousand fields all have a value."""
    file = descriptor_pb2.FileDescriptorProto(name="r.proto", syntax="proto3")
    below = file.message_type.add(name="B")
    for number in range(1, 1001):
        below.field.add(name=f"f{number}", number=number, type=5, label=1)
    file.message_type.add(name="R").field.add(name="r", number=1, type=11, type_name=".B", label=3)
    with pytest.raises(TooLarge):
        read_with({"schemaType": "PROTOBUF", "schema": serialized(file)}, b"\2\2" + b"\x0a\0" * 10_000)


@pytest.mark.parametrize(
    "value",
    [
        b"\xdd\x7f\xff\xff\xff" * 1000,
        b"\xdf\x7f\xff\xff\xff" * 1000,
        b"\xdc\xff\xff" * 5000,
        b"\x91" * 200_000,
        b"\xc6\x7f\xff\xff\xff",
        (b"\xdd\0\x0f\0\0" * 500).ljust(1024 * 1024, b"\0"),
        b"\x92\xa5start\xdd\x00\x0f\x00\x00" + b"\x80" * 0xF0000,
    ],
)
def test_lengths_that_msgpack_claims_are_not_believed(value: bytes) -> None:
    """Nothing is allocated for what does not come; what comes is counted."""
    with pytest.raises(UndecodableRecord):
        FORMATS["bluesky"].read(record_of(value), SMALL)


@pytest.mark.parametrize(
    "form",
    [
        {"type": "<f8", "shape": [2**62], "data": b""},
        {"type": "|S0", "shape": [2**62], "data": b""},
        {"type": "<f8", "shape": [0, 2**62], "data": b""},
        {"type": "<f8", "shape": [1] * 5000, "data": b"\0" * 8},
        {"type": "<f8", "shape": [-1], "data": b""},
        {"type": "<f8", "shape": "x", "data": b""},
        {"type": "<U99999999", "shape": [1], "data": b""},
        {"type": "", "shape": [1], "data": b""},
        {"type": "|b1", "shape": [500_000], "data": b"\0" * 500_000},
    ],
)
def test_shapes_that_numpy_claims_are_not_believed(form: dict[str, Any]) -> None:
    """An array has as many values as its bytes, or is refused; many values count, however small."""
    wire = {b"nd": True, b"kind": b"", **{name.encode(): value for name, value in form.items()}}
    value = packed("start", {"uid": "u", "x": wire})
    try:
        found = FORMATS["bluesky"].read(record_of(value), SMALL)
    except UndecodableRecord:
        return
    assert found.content["x"] in ([], None)  # type: ignore[union-attr]


def test_xml_entities_are_refused_before_they_grow() -> None:
    """The classic: ten entities of ten entities each."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    value = f'<!DOCTYPE d [<!ENTITY l0 "lol">{entities}]><dataset xmlns="http://www.esrf.fr/icat">&l9;</dataset>'
    with pytest.raises(CorruptRecord, match="entities"):
        read(value.encode(), "icat", limits=SMALL)


@pytest.mark.parametrize(
    ("value", "fault"),
    [(b"<a>" * 100_000, TooDeep), (b"<a>" + b"<b/>" * 250_000, TooLarge), (b"<" * 500_000, CorruptRecord)],
)
def test_xml_of_many_elements_is_refused(value: bytes, fault: type[UndecodableRecord]) -> None:
    """Deep or wide: an element takes more memory than its four bytes."""
    with pytest.raises(fault):
        read(value, "icat", limits=SMALL)


@pytest.mark.parametrize(
    "value", [b"[" * 100_000, b'["start",' + b"[" * 900, b'{"name":"start","doc":' + b'{"a":' * 5000]
)
def test_deep_json_documents_are_refused(value: bytes) -> None:
    """The strict parser of events reads bluesky's JSON, too."""
    with pytest.raises(UndecodableRecord):
        FORMATS["bluesky"].read(record_of(value), SMALL)


@pytest.mark.parametrize("name", ["json", "bluesky", "icat", "s3", "schema_registry"])
def test_a_record_over_the_limit_is_refused_by_its_size(name: Any) -> None:
    """Before a byte of it is looked at."""
    found: Callable[[], object] = lambda: FORMATS[name].read(record_of(b"\0" * 2_000_000), SMALL)  # noqa: E731
    with pytest.raises(TooLarge, match="2000000"):
        found()


def test_levels_are_counted_through_the_limit_that_python_has() -> None:
    """With as many levels as can be set, a deep document is refused or read, never a crash."""
    deep: dict[str, Any] = {"uid": "u", "x": 1}
    for _ in range(150):
        deep = {"uid": "u", "x": deep}
    many = limits(max_event_depth=200)
    part: Part = read(msgpack.packb(["start", deep]), "bluesky", limits=many)  # type: ignore[assignment]
    assert json.dumps(part.content)
    schema = json.dumps({"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]})
    found = read(framed(b"\2" * 190 + b"\0"), "schema_registry", limits=many)
    assert isinstance(found, NeedsSchema)
    assert json.dumps(found.read({"schema": schema}).content)  # type: ignore[union-attr]
