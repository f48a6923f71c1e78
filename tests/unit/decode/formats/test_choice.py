"""Which format a record is in: its content type, its headers, its first bytes, in this order."""

from __future__ import annotations

import json
import sys

import pytest
from tests.unit.decode.formats.samples import (
    BLUESKY,
    ESS,
    FORMAT_NAMES,
    ICAT,
    JSON,
    S3,
    avro,
    framed,
    needs_schema,
    read,
    record_of,
    schema_samples,
)

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Document, NeedsSchema, Part
from scicat_ingest.decode.formats import FORMATS, formats_for
from scicat_ingest.faults import CorruptRecord, ExtraMissing, InvalidJson, NotAnObject, UndecodableRecord, UnknownFormat
from scicat_ingest.settings import FormatName, SourceSettings

SAMPLES: list[tuple[FormatName, bytes]] = [
    ("json", JSON[0]),
    *(("ess", value) for value in ESS),
    *(("bluesky", value) for value in BLUESKY),
    *(("schema_registry", value) for value, _ in schema_samples()),
    ("icat", ICAT[0]),
    ("icat", b"\xef\xbb\xbf\n<!-- comment -->" + ICAT[0].partition(b"?>\n")[2]),
    ("s3", S3[0]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), SAMPLES)
def test_each_format_knows_its_own_messages_and_no_other(name: FormatName, value: bytes) -> None:
    """JSON is the exception: two of the other formats are written in it."""
    for other in FORMAT_NAMES:
        knows = FORMATS[other].recognises(record_of(value))
        assert knows == (other == name) or (other == "json" and value[:1] == b"{")


@pytest.mark.parametrize(("name", "value"), SAMPLES)
def test_a_message_is_read_where_every_format_is_taken(name: FormatName, value: bytes) -> None:
    """The signs tell them apart."""
    found = read(value)
    match found:
        case Document() | Part():
            assert found.format == name
        case NeedsSchema():
            assert name == "schema_registry"
        case Ignored():
            assert name in ("ess", "bluesky")
            assert found.reason == "noise"


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, value in SAMPLES if value[:1] != b"{"])
def test_a_format_that_the_source_does_not_take_is_named(name: FormatName, value: bytes) -> None:
    """The hint is the setting that would take it."""
    with pytest.raises(UnknownFormat) as caught:
        read(value, "json")
    assert f"add `{name}` to sources[].formats" in caught.value.hint


def test_json_of_another_format_is_a_plain_document_where_that_is_not_taken() -> None:
    """A mapping file may read an S3 notification as it came."""
    found = read(S3[0], "json")
    assert isinstance(found, Document)
    assert found.content == json.loads(S3[0])


@pytest.mark.parametrize("value", [None, b""])
def test_an_empty_value_is_a_tombstone(value: bytes | None) -> None:
    """In every format."""
    assert read(value) == Ignored("tombstone")


@pytest.mark.parametrize(("value", "fault"), [(b"nonsense", InvalidJson), (b"[1]", NotAnObject), (b"  {", InvalidJson)])
def test_what_is_no_known_format_is_judged_as_json(value: bytes, fault: type[UndecodableRecord]) -> None:
    """The fault says what is wrong with it."""
    with pytest.raises(fault):
        read(value)


def test_json_that_has_an_identifier_in_its_fifth_byte_stays_json() -> None:
    """A FlatBuffer's first four bytes lead into it; a JSON text's do not."""
    assert isinstance(read(b'{"x_json": 1}'), Document)


@pytest.mark.parametrize(
    ("media", "value", "name"),
    [
        (b"application/xml; charset=utf-8", ICAT[0], "icat"),
        (b"Application/Dataset+XML", ICAT[0], "icat"),
        (b"application/x-msgpack", BLUESKY[0], "bluesky"),
        (b"application/x-flatbuffers", ESS[0], "ess"),
        (b"application/octet-stream", ESS[0], "ess"),
        (b"text/plain", JSON[0], "json"),
        (b"application/vnd.facility+json", JSON[0], "json"),
    ],
)
def test_the_content_type_chooses_the_format(media: bytes, value: bytes, name: str) -> None:
    """Upper case and parameters do not matter; one that says nothing leaves it to the bytes."""
    found = read(value, headers={"content-type": media})
    assert isinstance(found, (Document, Part))
    assert found.format == name


def test_the_content_type_goes_before_the_bytes() -> None:
    """What is said to be XML is not read as JSON."""
    with pytest.raises(CorruptRecord, match="expected XML"):
        read(JSON[0], headers={"content-type": b"text/xml"})


def test_json_is_read_although_the_content_type_names_a_format_that_is_not_taken() -> None:
    """Some libraries send one and the same header with everything."""
    assert isinstance(read(JSON[0], "json", headers={"content-type": b"application/xml"}), Document)


def test_a_content_type_of_no_format_is_refused() -> None:
    """Better than what JSON's parser says of a picture."""
    with pytest.raises(UnknownFormat, match="image/png"):
        read(b"\x89PNG", headers={"content-type": b"image/png"})


def test_a_schema_header_goes_before_the_bytes() -> None:
    """The value is unframed then, and may begin with anything."""
    value = avro({"type": "record", "name": "R", "fields": [{"name": "x", "type": "string"}]}, {"x": "{}"})
    found = needs_schema(value, headers={"__value_schema_id": b"\1" + bytes(range(16))})
    assert found.reference == "00010203-0405-0607-0809-0a0b0c0d0e0f"


def test_a_source_takes_json_beside_what_it_names() -> None:
    """`sources[].formats` says what its records may be besides."""
    assert [reader.name for reader in formats_for(SourceSettings(formats=frozenset({"icat", "ess"})))] == [
        "json", "ess", "icat",
    ]  # fmt: skip


def test_a_missing_extra_is_a_fault_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found at start, and names what to install."""
    monkeypatch.setitem(sys.modules, "msgpack", None)
    for name in ("bluesky", "msgpack_json"):
        monkeypatch.delitem(sys.modules, f"scicat_ingest.decode.formats.{name}", raising=False)
    monkeypatch.delitem(FORMATS, "bluesky", raising=False)
    with pytest.raises(ExtraMissing, match=r"needs scicat-ingest\[bluesky\]"):
        formats_for(SourceSettings(formats=frozenset({"bluesky"})))


def test_a_framed_value_where_no_registry_is_used_is_named() -> None:
    """The most common misunderstanding: the topic is Avro."""
    with pytest.raises(UnknownFormat, match="schema_registry"):
        read(framed(b"\x02x"), "json")
