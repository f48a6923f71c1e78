"""Bluesky's documents, in msgpack with numpy's values and in JSON."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decode.formats.samples import (
    DESCRIPTOR,
    DESCRIPTOR_DOCUMENT,
    EVENT,
    RESOURCE,
    RUN,
    START,
    STOP,
    STREAM_RESOURCE,
    numpy_form,
    numpy_scalar,
    packed,
    part,
    read,
)

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Part
from scicat_ingest.faults import CorruptRecord, DuplicateKey, UndecodableRecord


def kept(value: Any) -> Any:
    """Send a value as a field of a start document, and give what is kept of it."""
    return part(packed("start", {"uid": RUN, "x": value})).content["x"]


def test_a_start_is_kept_whole_with_numpy_as_numbers() -> None:
    """It is the user's metadata."""
    found = part(packed("start", START))
    assert (found.format, found.run, found.role) == ("bluesky", RUN, "start")
    assert found.content == START | {"positions": [[0.0, 0.25, 0.5], [0.75, 1.0, 1.25]], "exposure": 0.5}


@pytest.mark.parametrize(
    "write", [lambda name, body: json.dumps([name, body]), lambda name, body: json.dumps({"name": name, "doc": body})]
)
def test_json_says_the_same_as_msgpack(write: Any) -> None:
    """As a pair, and as an object."""
    for name, body in (("stop", STOP), ("descriptor", DESCRIPTOR_DOCUMENT), ("resource", RESOURCE)):
        assert part(write(name, body).encode()) == part(packed(name, body))


def test_a_stop_ends_the_run() -> None:
    """It names the run as run_start."""
    found = part(packed("stop", STOP))
    assert (found.run, found.role, found.content) == (RUN, "end", STOP)


def test_a_descriptor_keeps_names_units_and_configuration() -> None:
    """Timestamps and hints stay behind."""
    found = part(packed("descriptor", DESCRIPTOR_DOCUMENT))
    assert (found.run, found.role) == (RUN, "middle")
    assert found.content == {
        "kind": "descriptor",
        "uid": DESCRIPTOR,
        "name": "primary",
        "data_keys": DESCRIPTOR_DOCUMENT["data_keys"],
        "configuration": {
            "det": {
                "data": {"det_exposure": 0.5},
                "data_keys": {
                    "det_exposure": {"source": "PV:exp", "dtype": "number", "shape": [], "units": "s", "external": None}
                },
            }
        },
    }


@pytest.mark.parametrize(
    ("name", "changes", "path"),
    [
        ("stream_resource", {}, "/data/p1234/scan 17.h5"),
        ("stream_resource", {"uri": "file:///a%23b"}, "/a#b"),
        ("stream_resource", {"uri": "s3://bucket/a"}, None),
        ("resource", {}, "/data/p1234/old.h5"),
        ("resource", {"root": "/", "resource_path": "a/b"}, "/a/b"),
        ("resource", {"root": "/data/", "resource_path": "/a/b"}, "/a/b"),
        ("resource", {"root": None}, "p1234/old.h5"),
        ("resource", {"resource_path": None}, None),
    ],
)
def test_a_resource_has_the_path_of_its_file(name: str, changes: dict[str, Any], path: str | None) -> None:
    """Of a file URI, or of root and path as Python joins them."""
    body = {"stream_resource": STREAM_RESOURCE, "resource": RESOURCE}[name] | changes
    content = part(packed(name, body)).content
    assert content["path"] == path
    assert (content["mimetype"], content["spec"]) == (body.get("mimetype"), body.get("spec"))


def test_a_uri_that_is_no_text_in_utf8_is_refused() -> None:
    """No such file could be found."""
    with pytest.raises(CorruptRecord):
        read(packed("stream_resource", STREAM_RESOURCE | {"uri": "file:///%ff"}))


@pytest.mark.parametrize(
    ("name", "body", "last"),
    [
        ("event", EVENT, 2),
        ("event_page", EVENT | {"seq_num": [3, 5, 4]}, 5),
        ("stream_datum", {"descriptor": DESCRIPTOR, "seq_nums": {"start": 1, "stop": 8}}, 7),
    ],
)
def test_events_count_by_their_number_where_the_key_is_the_run(name: str, body: dict[str, Any], last: int) -> None:
    """They do not name the run themselves, and their data stay behind."""
    found = part(packed(name, body), key=RUN.encode())
    assert (found.run, found.role) == (RUN, "middle")
    assert found.content == {"kind": "events", "descriptor": DESCRIPTOR, "last": last}


@pytest.mark.parametrize("key", [None, b"", b"detector", b"\xff", b"17"])
def test_events_whose_run_is_not_known_are_noise(key: bytes | None) -> None:
    """The stop has their number."""
    assert read(packed("event", EVENT), key=key) == Ignored("noise")


@pytest.mark.parametrize("name", ["datum", "datum_page", "bulk_events", "bulk_datum"])
def test_what_points_into_a_file_is_noise(name: str) -> None:
    """The resource has the file."""
    assert read(packed(name, {"resource": "x", "run_start": RUN}), key=RUN.encode()) == Ignored("noise")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (packed("start", {"time": 1.0}), "uid"),
        (packed("start", {"uid": 5}), "uid"),
        (packed("start", {"uid": "x" * 501}), "uid"),
        (packed("stop", {"uid": "u"}), "run_start"),
        (packed("descriptor", {"uid": "u"}), "run_start"),
        (packed("resource", {"run_start": RUN}), "uid"),
        (msgpack.packb(["start", 5]), None),
        (msgpack.packb(["start"]), None),
        (b'["start", null]', None),
        (b'{"name": "start", "doc": []}', None),
    ],
)
def test_a_document_without_what_joins_it_is_refused(value: bytes, field: str | None) -> None:
    """The fault names the field."""
    with pytest.raises(CorruptRecord) as caught:
        read(value, headers={"content-type": b"application/msgpack"})
    assert caught.value.field == field


@pytest.mark.parametrize("value", [b'["begin", {}]', b'{"name": "begin", "doc": {}}', msgpack.packb(["begin", {}])])
def test_a_document_of_another_name_is_refused(value: bytes) -> None:
    """Where something else says that it is one of bluesky's."""
    with pytest.raises(CorruptRecord, match="begin"):
        read(value, headers={"content-type": b"application/x-msgpack"})


NUMBERS = st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i8", ">i4", "<i2", "|i1", "<u8", "<u4", "|u1", "|b1"])


@given(
    kind=NUMBERS,
    shape=st.lists(st.integers(1, 4), max_size=3),
    seed=st.integers(0, 2**32 - 1),
)
def test_arrays_of_numbers_are_what_numpy_says(kind: str, shape: list[int], seed: int) -> None:
    """Any byte order and shape; without dimensions a plain number."""
    numbers = np.random.default_rng(seed).integers(0, 2 if kind == "|b1" else 100, shape)
    array = np.array(numbers).astype(np.dtype(kind))
    assert kept(numpy_form(array)) == array.tolist()


@pytest.mark.parametrize(
    "array",
    [
        np.array(["ab", "c", "é\U0001f600"]),
        np.array([b"ab", b"c"]),
        np.array("x"),
        np.array([["a", "b"]]).astype(">U3"),
    ],
)
def test_arrays_of_texts_are_texts(array: Any) -> None:
    """Without the zeros that numpy fills them up with."""
    wanted = array.tolist()
    assert kept(numpy_form(array)) == ([item.decode() for item in wanted] if array.dtype.kind == "S" else wanted)


@pytest.mark.parametrize("number", [np.float64(1.5), np.int64(2**60), np.uint64(2**64 - 1), np.bool_(True)])  # noqa: FBT003
def test_numpy_scalars_are_plain_numbers(number: Any) -> None:
    """Integers stay integers, however large."""
    assert kept(numpy_scalar(number)) == number.item()


def test_numbers_that_json_has_not_are_null_with_one_warning() -> None:
    """However many they are."""
    found = part(packed("start", {"uid": RUN, "x": [float("nan"), numpy_form(np.full(1000, np.inf))], "y": -np.inf}))
    assert found.content["x"] == [None, [None] * 1000]
    assert found.content["y"] is None
    assert found.warnings == ("NaN and infinity are null, as JSON has none: 1002 numbers",)


@pytest.mark.parametrize(
    ("value", "warning"),
    [
        (numpy_form(np.array([object()])) | {b"data": b"pickled"}, "objects"),
        (numpy_form(np.zeros(2, dtype=[("a", "i4")])) | {b"type": [["a", "<i4"]]}, "records"),
        (numpy_form(np.array(["2026-04-22"], dtype="M8[ns]")), "M8"),
        (numpy_form(np.array([1j])), "c16"),
        ({b"complex": True, b"data": "(1+2j)"}, "complex"),
        (msgpack.ExtType(5, b"x"), "extension"),
    ],
)
def test_what_has_no_form_in_json_is_null_with_a_warning(value: Any, warning: str) -> None:
    """Above all it is never unpickled."""
    found = part(packed("start", {"uid": RUN, "x": value}))
    assert found.content["x"] is None
    assert len(found.warnings) == 1
    assert warning in found.warnings[0]


def test_many_warnings_are_a_few_lines() -> None:
    """An outcome has room for some."""
    found = part(packed("start", {"uid": RUN, "x": [msgpack.ExtType(5, b"x")] * 100}))
    assert len(found.warnings) == 6
    assert found.warnings[-1] == "and 95 more such warnings"


def test_other_values_of_msgpack_have_a_form_in_json() -> None:
    """Bytes are base64, a timestamp is seconds since 1970, an empty array is an empty list."""
    assert kept([b"\x00\xff", msgpack.Timestamp(5, 500_000_000)]) == ["AP8=", 5.5]
    assert kept(numpy_form(np.zeros((3, 0)))) == []


def test_the_form_of_older_writers_is_known() -> None:
    """They wrote bytes as text (use_bin_type=False); what is no UTF-8 is refused there."""
    form = {"nd": True, "type": "<i2", "kind": "", "shape": [2], "data": b"\1\0\2\0"}
    assert kept(form) == [1, 2]


def test_json_that_looks_like_the_form_of_numpy_is_left_alone() -> None:
    """JSON has no bytes, so it is the user's own."""
    value = {"nd": True, "type": "<i2", "data": "x"}
    found = part(json.dumps(["start", {"uid": RUN, "x": value}]).encode())
    assert found.content["x"] == value


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"\x92\xa5start\x82\xa1a\x01\xa1a\x02", DuplicateKey),
        (b"\x92\xa5start\x82\xa1a\x01\xc4\x01a\x02", DuplicateKey),
        (b"\x92\xa5start\x81\x01\x02", CorruptRecord),
        (b"\x92\xa5start\x81\x90\x02", CorruptRecord),
        (b"\x92\xa5start\x81\xa1\xff\x02", UndecodableRecord),
        (packed("start", START) + b"\0", CorruptRecord),
    ],
)
def test_malformed_maps_are_refused(value: bytes, fault: type[UndecodableRecord]) -> None:
    """Keys are texts, once each, and nothing follows the document."""
    with pytest.raises(fault):
        read(value)


def test_the_size_is_of_what_is_kept() -> None:
    """An event with a picture in it keeps its number only."""
    event = packed("event", EVENT | {"data": {"det": numpy_form(np.zeros(100_000))}})
    found = read(event, key=RUN.encode())
    assert isinstance(found, Part)
    assert found.size < 1000
    assert part(packed("start", START | {"x": "y" * 5000})).size > 5000
