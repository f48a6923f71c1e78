"""Whatever the bytes are, a record is read, ignored, or refused as undecodable: no other exception, no hang."""

from __future__ import annotations

import base64
import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.decode.formats.samples import (
    AVRO_ANSWER,
    BLUESKY,
    CLOUD_EVENT,
    ESS,
    FORMAT_NAMES,
    ICAT,
    JSON,
    LIMITS,
    PROTO_ANSWER,
    S3,
    STRUCTURED,
    read,
    record_of,
    schema_samples,
)

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Document, NeedsSchema, Part
from scicat_ingest.decode.formats import FORMATS
from scicat_ingest.faults import UndecodableRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.settings import FormatName

MUTATIONS = int(os.environ.get("FORMAT_MUTATIONS", "1000"))
"""For each format; a thousand take a second or less."""
ODD_BYTES = [
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\0\0\0\0",
]
SAMPLES: dict[str, list[bytes]] = {
    "json": JSON,
    "ess": ESS,
    "bluesky": BLUESKY,
    "schema_registry": [value for value, _ in schema_samples()],
    "icat": ICAT,
    "s3": S3,
}
ANSWERS: list[Mapping[str, Any]] = [AVRO_ANSWER, PROTO_ANSWER, {"schemaType": "JSON", "schema": "{}"}]


def mutated(value: bytes, chance: random.Random) -> bytes:
    """Change a good message in one to four places."""
    changed = bytearray(value)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed) + 1)
        match chance.randrange(6):
            case 0:
                changed[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                changed[place:place] = chance.choice(ODD_BYTES)
            case 2:
                del changed[place : place + chance.randint(1, 8)]
            case 3:
                odd = chance.choice(ODD_BYTES)
                changed[place : place + len(odd)] = odd
            case 4:
                start = chance.randrange(len(changed) + 1)
                changed[place:place] = changed[start : start + chance.randint(1, 40)]
            case _:
                del changed[place + chance.randrange(len(changed) + 1) :]
    return bytes(changed)


def outcome(name: FormatName, value: bytes, answer: Mapping[str, Any] | None = None) -> str:
    try:
        found = FORMATS[name].read(record_of(value), LIMITS)
        if isinstance(found, NeedsSchema):
            found = found.read(answer)
    except UndecodableRecord as fault:
        return fault.code
    if not isinstance(found, Ignored):
        assert json.dumps(found.content, allow_nan=False, ensure_ascii=False).encode()
    return type(found).__name__


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_good_messages_with_some_bytes_changed_are_read_or_refused(name: FormatName) -> None:
    """Most of them get past the first checks, where random bytes would not."""
    chance = random.Random(f"{name} 1")  # noqa: S311
    outcomes = set()
    for turn in range(MUTATIONS):
        sample = turn % len(SAMPLES[name])
        outcomes.add(outcome(name, mutated(SAMPLES[name][sample], chance), ANSWERS[sample % 3]))
    assert len(outcomes) > 1


@pytest.mark.parametrize("name", FORMAT_NAMES)
@settings(max_examples=100)
@given(value=st.binary(min_size=1, max_size=200))
def test_any_bytes_are_read_or_refused(name: FormatName, value: bytes) -> None:
    """Also those that the format's own signs would not have let in."""
    outcome(name, value)


@settings(max_examples=200)
@given(
    value=st.binary(max_size=60) | st.sampled_from([sample for samples in SAMPLES.values() for sample in samples]),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "__value_schema_id"]),
        st.binary(max_size=20)
        | st.sampled_from([b"1.0", b"application/xml", b"application/avro", *STRUCTURED.values()]),
    ),
)
def test_any_record_finds_its_format_or_is_refused(value: bytes, headers: dict[str, bytes]) -> None:
    """Headers are the producer's, too."""
    try:
        found = read(value, headers=headers)
    except UndecodableRecord:
        return
    assert isinstance(found, (Document, Part, NeedsSchema, Ignored))


@settings(max_examples=100)
@given(
    event=st.dictionaries(
        st.sampled_from([*CLOUD_EVENT, "data_base64", "x"]),
        st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["1.0", "application/xml", "e30=", {}, []]),
    )
)
def test_any_structured_event_is_read_or_refused(event: dict[str, Any]) -> None:
    """Attributes of wrong types, missing, or too many."""
    try:
        read(json.dumps(event).encode(), headers=STRUCTURED)
    except UndecodableRecord:
        return


@pytest.mark.parametrize("answer", [None, [], 5, {}, {"schema": 5}, {"schema": "{"}, {"schemaType": "X", "schema": ""}])
def test_any_answer_of_the_registry_is_used_or_refused(answer: Any) -> None:
    """A record is not read with a schema that is none."""
    for value, _ in schema_samples():
        assert outcome("schema_registry", value, answer) == "corrupt_record"


def test_any_schema_of_the_registry_is_used_or_refused() -> None:
    """Whoever may register schemas can send what he likes."""
    chance = random.Random("schemas")  # noqa: S311
    (avro_value, avro_answer), (proto_value, proto_answer), _ = schema_samples()
    outcomes = set()
    for _ in range(MUTATIONS // 2):
        text = mutated(avro_answer["schema"].encode(), chance).decode("utf-8", "replace")
        outcomes.add(outcome("schema_registry", avro_value, {"schema": text}))
        file = base64.b64encode(mutated(base64.b64decode(proto_answer["schema"]), chance)).decode()
        outcomes.add(outcome("schema_registry", proto_value, {"schemaType": "PROTOBUF", "schema": file}))
    assert {"Document", "corrupt_record"} <= outcomes
