"""CloudEvents 1.0 on Kafka, as the official SDK writes them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decode.formats.samples import (
    AVRO_ANSWER,
    BLUESKY,
    CLOUD_EVENT,
    ESS,
    ICAT,
    RUN,
    S3,
    STRUCTURED,
    document,
    limits,
    read,
    schema_samples,
)

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import NeedsSchema, Part
from scicat_ingest.faults import (
    CorruptRecord,
    DuplicateKey,
    InvalidJson,
    NonFiniteNumber,
    NotAnObject,
    TooDeep,
    UndecodableRecord,
    UnknownFormat,
)

BINARY = {"ce_specversion": b"1.0", "ce_id": b"17", "ce_source": b"/daq/odin", "ce_type": b"facility.run.closed"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3),
    max_leaves=10,
)


def sdk_event(data: Any, content_type: str = "application/json") -> CloudEvent:
    attributes = {
        "id": "17",
        "source": "/daq/odin",
        "type": "facility.run.closed",
        "specversion": "1.0",
        "time": datetime(2026, 4, 22, 8, 54, 53, tzinfo=UTC),
        "datacontenttype": content_type,
        "partitionkey": "p1",
    }
    return CloudEvent(attributes, data)


def read_message(message: KafkaMessage, *formats: Any) -> Any:
    return read(message.value, *formats, headers=message.headers)


def structured(**changes: Any) -> bytes:
    event = {name: value for name, value in (CLOUD_EVENT | changes).items() if value != "absent"}
    return json.dumps(event).encode()


@given(data=st.dictionaries(TEXT, VALUES, max_size=4))
def test_what_the_sdk_writes_is_read_as_it_was_in_both_modes(data: dict[str, Any]) -> None:
    """The data are the event; source and type are kept."""
    for write in (to_structured, to_binary):
        found = read_message(write(sdk_event(data), JSONFormat()))
        assert (found.format, found.content) == ("json", data)
        assert (found.event_source, found.event_type) == ("/daq/odin", "facility.run.closed")


@pytest.mark.parametrize(
    ("data", "content_type", "name"),
    [
        (ICAT[0].decode(), "application/xml", "icat"),
        (ICAT[0], "application/xml", "icat"),
        (ESS[0], "application/octet-stream", "ess"),
        (BLUESKY[0], "application/msgpack", "bluesky"),
        (json.loads(S3[0]), "application/json", "s3"),
        (json.loads(BLUESKY[6]), "application/json", "bluesky"),
    ],
)
def test_data_that_are_no_plain_json_go_to_their_format(data: Any, content_type: str, name: str) -> None:
    """In both modes, with the source and the type of the CloudEvent."""
    messages = [to_structured(sdk_event(data, content_type), JSONFormat())]
    if isinstance(data, bytes):
        messages.append(KafkaMessage(BINARY | {"content-type": content_type.encode()}, None, data))
    for message in messages:
        found = read_message(message)
        assert found.format == name
        assert (found.event_source, found.event_type) == ("/daq/odin", "facility.run.closed")


def test_a_framed_value_may_be_a_cloud_event() -> None:
    """In binary mode the schema's header or frame stays what it is."""
    value, _ = next(iter(schema_samples()))
    found = read(value, headers=BINARY | {"content-type": b"application/avro"})
    assert isinstance(found, NeedsSchema)
    read_document = found.read(AVRO_ANSWER)
    assert read_document.event_source == "/daq/odin"  # type: ignore[union-attr]


def test_without_a_cloud_event_the_topic_is_the_source() -> None:
    """So every document says where it is from."""
    assert document(b"{}").event_source == "events"
    part = read(ESS[0])
    assert isinstance(part, Part)
    assert (part.event_source, part.run) == ("events", RUN)


def test_the_envelope_is_one_level_that_does_not_count() -> None:
    """As many levels as allowed may stand in `data`."""
    few = limits(max_event_depth=3)
    assert document(structured(data={"a": {"b": {}}}), headers=STRUCTURED, limits=few)
    with pytest.raises(TooDeep):
        read(structured(data={"a": {"b": {"c": {}}}}), headers=STRUCTURED, limits=few)


def test_structured_mode_wins_over_headers_of_binary_mode() -> None:
    """The content type decides, as the binding says; the SDK looks at the headers first."""
    found = document(structured(), headers=STRUCTURED | {"ce_source": b"/other", "ce_type": b"other"})
    assert (found.event_source, found.event_type) == ("/daq/odin", "facility.run.closed")


def test_attributes_that_are_null_are_absent() -> None:
    """Some serialisers write every attribute."""
    found = document(structured(subject=None, dataschema=None, data_base64=None), headers=STRUCTURED)
    assert found.content == CLOUD_EVENT["data"]


@pytest.mark.parametrize("headers", [BINARY, {"content-type": b"application/json", **BINARY}])
def test_an_empty_value_is_a_tombstone_in_binary_mode(headers: dict[str, bytes]) -> None:
    """The binding gives it this meaning."""
    assert read(b"", headers=headers) == Ignored("tombstone")
    assert read(structured(data="absent", data_base64=""), headers=STRUCTURED) == Ignored("tombstone")


@pytest.mark.parametrize("media", ["application/cloudevents-batch+json", "application/cloudevents-batch"])
def test_a_batch_is_refused_with_the_reason(media: str) -> None:
    """A record has one offset, and so one outcome."""
    with pytest.raises(UnknownFormat, match="a batch") as caught:
        read(b"[]", headers={"content-type": media.encode()})
    assert "record of its own" in caught.value.hint


@pytest.mark.parametrize("media", ["application/cloudevents", "application/cloudevents+avro"])
def test_other_event_formats_are_refused(media: str) -> None:
    """Only JSON is defined for what we can read."""
    with pytest.raises(UnknownFormat, match="as JSON"):
        read(b"{}", headers={"content-type": media.encode()})


@pytest.mark.parametrize(
    ("changes", "field", "fault"),
    [
        ({"id": "absent"}, "id", CorruptRecord),
        ({"id": 17}, "id", CorruptRecord),
        ({"source": ""}, "source", CorruptRecord),
        ({"type": None}, "type", CorruptRecord),
        ({"specversion": "0.3"}, "specversion", UnknownFormat),
        ({"datacontenttype": 5}, "datacontenttype", CorruptRecord),
        ({"data": "absent"}, "data", NotAnObject),
        ({"data_base64": "e30="}, "data_base64", CorruptRecord),
        ({"data": "absent", "data_base64": "%%%"}, "data_base64", CorruptRecord),
        ({"data": "absent", "data_base64": "é"}, "data_base64", CorruptRecord),
        ({"data": "absent", "data_base64": 5}, "data_base64", CorruptRecord),
        ({"data": "text"}, None, NotAnObject),
        ({"data": [1]}, None, NotAnObject),
        ({"data": "{}", "datacontenttype": "image/png"}, None, None),
    ],
)
def test_a_malformed_envelope_is_refused_where_it_is_wrong(
    changes: dict[str, Any], field: str | None, fault: type[UndecodableRecord] | None
) -> None:
    """The field is the attribute's name."""
    if fault is None:
        assert document(structured(**changes), headers=STRUCTURED).content == {}
        return
    with pytest.raises(fault) as caught:
        read(structured(**changes), headers=STRUCTURED)
    assert caught.value.field == field


@pytest.mark.parametrize("missing", ["ce_id", "ce_source", "ce_type"])
def test_binary_mode_needs_its_attributes_too(missing: str) -> None:
    """`ce_specversion` says that it is a CloudEvent; so the others must be there."""
    headers = {name: value for name, value in BINARY.items() if name != missing}
    with pytest.raises(CorruptRecord) as caught:
        read(b"{}", headers=headers)
    assert caught.value.field == missing


def test_without_the_version_the_headers_are_taken_for_what_they_say() -> None:
    """A producer that sets only source and type is no CloudEvents producer, but understood."""
    found = document(b"{}", headers={"ce_source": b"/daq", "ce_type": b"closed"})
    assert (found.event_source, found.event_type) == ("/daq", "closed")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b'{"specversion": "1.0", "id": "1", "id": "2"}', DuplicateKey),
        (b'{"specversion": "1.0", "data": {"x": NaN}}', NonFiniteNumber),
        (b"{", InvalidJson),
    ],
)
def test_the_envelope_is_parsed_as_strictly_as_any_event(value: bytes, fault: type[UndecodableRecord]) -> None:
    """The SDK's parser takes all of these, or gives the text instead."""
    with pytest.raises(fault):
        read(value, headers=STRUCTURED)


def test_base64_data_may_be_json() -> None:
    """What the data are is said by their content type, not by how they are packed."""
    encoded = base64.b64encode(b'{"a": 1}').decode()
    assert document(structured(data="absent", data_base64=encoded), headers=STRUCTURED).content == {"a": 1}
