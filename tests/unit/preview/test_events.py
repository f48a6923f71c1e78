"""Several msgpack documents of one file are several events."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.preview.events import split_events

VALUES = st.recursive(st.none() | st.integers(0, 2**63) | st.text() | st.binary(), st.lists, max_leaves=5)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_documents_are_split_byte_by_byte(values: list[object]) -> None:
    """One after another, as bluesky writes them; nothing is lost between them."""
    packed = [msgpack.packb(value) for value in values]
    found = list(split_events("run.msgpack", b"".join(packed)))
    assert [event.value for event in found] == packed
    names = [f"run.msgpack:{number}" for number in range(1, len(packed) + 1)]
    assert [event.name for event in found] == (names if len(packed) > 1 else ["run.msgpack"])


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"", []),
        (b"\x01\xc1\x02", [b"\x01", b"\xc1\x02"]),
        (b"\x01\x92\x01", [b"\x01", b"\x92\x01"]),
        (b"\xdd\xff\xff\xff\xff", [b"\xdd\xff\xff\xff\xff"]),
        (b"\x01" + b"\x91" * 3000, [b"\x01", b"\x91" * 3000]),
    ],
)
def test_what_is_broken_is_the_last_event(content: bytes, values: list[bytes]) -> None:
    """`map` says what is wrong with it."""
    assert [event.value for event in split_events("a.mpk", content)] == values


@given(st.binary(max_size=40))
def test_no_bytes_are_lost_whatever_they_are(content: bytes) -> None:
    """Together the events are the file."""
    assert b"".join(event.value for event in split_events("a.msgpack", content)) == content
