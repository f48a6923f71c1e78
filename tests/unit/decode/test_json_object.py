"""Strict JSON: each flaw has its code, its place and a message that says what was expected."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.decode.json_object import _parse_closely, _parse_flawless, parse_json_object
from scicat_ingest.faults import (
    DuplicateKey,
    InvalidJson,
    InvalidUtf8,
    NonFiniteNumber,
    NotAnObject,
    TooDeep,
    TooLarge,
    UndecodableRecord,
)


def parse(value: bytes, *, max_bytes: int = 10**7, max_depth: int = 64) -> dict[str, object]:
    return parse_json_object(value, max_bytes=max_bytes, max_depth=max_depth)


def flaw(kind: type[UndecodableRecord], value: bytes, *, max_depth: int = 64) -> UndecodableRecord:
    with pytest.raises(kind) as caught:
        parse(value, max_depth=max_depth)
    assert type(caught.value) is kind
    return caught.value


def test_an_object_is_taken_as_it_is() -> None:
    """Good JSON comes out as Python's own types, with integers exact."""
    value = b'{"a": [1, 1.5, "x", true, null, {}], "big": 9007199254740993}'
    assert parse(value) == {"a": [1, 1.5, "x", True, None, {}], "big": 9007199254740993}


def test_a_byte_order_mark_is_no_flaw() -> None:
    """Windows tools put one in front."""
    assert parse(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("value", "kind"),
    [(b"null", "null"), (b"true", "true or false"), (b'"x"', "a string"), (b"[{}]", "an array"), (b"17", "a number")],
)
def test_a_value_that_is_no_object_is_named(value: bytes, kind: str) -> None:
    """The message says what came instead of an object."""
    fault = flaw(NotAnObject, value)
    assert (fault.code, fault.message) == ("not_an_object", f"expected a JSON object, got {kind}")


@pytest.mark.parametrize("value", [b"NaN", b"1e999", b"-Infinity"])
def test_a_number_alone_is_no_object_however_odd(value: bytes) -> None:
    """A flawed number at the top is still not an object."""
    assert flaw(NotAnObject, value).message.endswith("a number")


@pytest.mark.parametrize("value", [b'{"a"}', b"{'a': 1}", b'{"a": 1} {"b": 2}', b'{"a": 01}', b'{"a": "\x01"}', b"\0"])
def test_what_is_no_json_says_where(value: bytes) -> None:
    """The message has the line and the column of the first error."""
    fault = flaw(InvalidJson, value)
    assert fault.code == "invalid_json"
    assert "line 1, column" in fault.message


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"{", "ends in the middle of it: …'{'"),
        (b'{"title": "Ma', 'ends in the middle of it: …\'{"title": "Ma\''),
        (b'{"a": [1, 2\n', "ends in the middle of it"),
        (b" ", "is blank"),
        (b"{'a': 1}", "got \"'a': 1}\" at line 1, column 2"),
    ],
)
def test_what_is_no_json_is_shown(value: bytes, says: str) -> None:
    """A record that was cut off is told from one that was never JSON."""
    assert says in flaw(InvalidJson, value).message


@pytest.mark.parametrize(
    ("value", "byte"),
    [(b'{"a": "\xff"}', "byte 7 is 0xff"), (b'\xef\xbb\xbf{"\xfe"}', "byte 5 is 0xfe"), (b'{"\xed\xa0\x80"}', "0xed")],
)
def test_bytes_that_are_not_utf8_are_named(value: bytes, byte: str) -> None:
    """The message has the offset in the record's value, also behind a byte order mark."""
    fault = flaw(InvalidUtf8, value)
    assert (fault.code, byte in fault.message) == ("invalid_utf8", True)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (rb'{"a": {"b": ["x", "\ud800"]}}', "a.b[1]"),
        (rb'{"a": "\udc00\ud800"}', "a"),
        (rb'{"a": [{"x\udfff": 1}]}', "a[0].x?"),
    ],
)
def test_half_a_surrogate_pair_is_refused_where_it_stands(value: bytes, field: str) -> None:
    """No such text could be written as UTF-8 again; the path of the fault can."""
    fault = flaw(InvalidUtf8, value)
    assert fault.field == field
    assert "surrogate" in fault.message


def test_a_whole_surrogate_pair_is_one_character() -> None:
    """Text beyond the basic plane may be escaped, and an escaped backslash is no escape."""
    assert parse(rb'{"a": "\ud83d\ude00", "b": "\\ud800"}') == {"a": "\U0001f600", "b": "\\ud800"}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"files": [{"size": 1}, {"size": 1, "path": "x", "size": 2}]}', "files[1].size"),
        (b'{"a": {"b": 1, "b": 2}, "a": 3}', "a"),
        (rb'{"a": 1, "\u0061": 2}', "a"),
    ],
)
def test_a_key_that_comes_twice_is_refused_where_it_stands(value: bytes, field: str) -> None:
    """One of the values would be lost."""
    fault = flaw(DuplicateKey, value)
    assert (fault.code, fault.field) == ("duplicate_key", field)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400])
def test_a_number_that_is_not_finite_is_refused_where_it_stands(number: str) -> None:
    """JSON has no such number; a double cannot hold it."""
    fault = flaw(NonFiniteNumber, b'{"metadata": {"t": [0, %s]}}' % number.encode())
    assert (fault.code, fault.field) == ("non_finite_number", "metadata.t[1]")
    assert number[:20] in fault.message
    assert len(fault.message) < 200


def test_deep_nesting_is_refused_with_the_way_down() -> None:
    """As many levels as allowed are taken, one more is not."""
    assert parse(b'{"a": [[[1]]]}', max_depth=4)
    fault = flaw(TooDeep, b'{"a": [1, [[], [[1]]]]}', max_depth=4)
    assert (fault.code, fault.field) == ("too_deep", "a[1][1][0]")


@pytest.mark.parametrize("value", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"])
def test_nesting_beyond_the_parser_is_a_fault_and_no_crash(value: bytes) -> None:
    """The parser's recursion ends before the memory does."""
    with pytest.raises(UndecodableRecord):
        parse(value)


def test_a_value_over_the_limit_is_not_even_parsed() -> None:
    """The message has both sizes."""
    with pytest.raises(TooLarge, match="the event has 11 bytes, at most 10 are taken"):
        parse_json_object(b'{"a": NaN }', max_bytes=10, max_depth=64)


@pytest.mark.parametrize(
    "value",
    [
        b'{"%s": [%s NaN]}' % (b"k" * 1_000_000, b"0," * 100_000),
        b'{"%s": [%s "\\ud800"]}' % (b"k" * 1_000_000, b'"",' * 100_000),
        b'{"%s": [%s [[1]]]}' % (b"k" * 1_000_000, b"[]," * 100_000),
    ],
)
def test_a_flaw_below_a_long_name_costs_no_memory_and_has_a_short_path(value: bytes) -> None:
    """A path for each of many items below a name of a megabyte would take a hundred gigabytes."""
    with pytest.raises(UndecodableRecord) as caught:
        parse(value, max_depth=3)
    assert caught.value.field is not None
    assert len(caught.value.field) < 200
    assert "[100000]" in caught.value.field


def test_every_message_can_be_written_as_json() -> None:
    """Faults go into logs and headers."""
    fault = flaw(InvalidUtf8, rb'{"\ud800": 1}')
    assert json.loads(json.dumps(str(fault))).encode()


class Pairs(list[tuple[str, object]]):
    """An object whose names may come twice."""


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(":aé\\", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(st.text(":ab", max_size=2), inner), max_size=3).map(Pairs)
    ),
    max_leaves=12,
)


def written(value: object, blank: str) -> str:
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(name)}{blank}:{written(item, blank)}" for name, item in value) + "}"
    if isinstance(value, list):
        return "[" + f"{blank},".join(written(item, blank) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


@given(st.lists(st.tuples(st.text(":ab", max_size=2), JSON), max_size=4).map(Pairs), st.sampled_from(["", " ", "\n"]))
def test_the_quick_look_finds_what_the_closer_one_finds(document: Pairs, blank: str) -> None:
    """The same tree, of the same types; and whatever is flawed is left to the closer look."""
    value = written(document, blank).encode()
    try:
        closely = _parse_closely(value, dict, 64)
    except UndecodableRecord:
        assert _parse_flawless(value, 64) is None
        return
    quickly = _parse_flawless(value, 64)
    assert quickly is None or repr(quickly) == repr(closely)
    if b"\\" not in value:
        assert quickly is not None


@pytest.mark.parametrize(
    "value", [b'{"a":1,"a":2}', b'{"a":":","a":2}', b'{"a":NaN}', b'{"a":1e999}', b'{"\\u0061":1}', b"{"]
)
def test_the_quick_look_leaves_what_may_be_flawed(value: bytes) -> None:
    """A key that comes twice, a number that is none, an escape, no JSON."""
    assert _parse_flawless(value, 64) is None
