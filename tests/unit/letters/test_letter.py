"""What is read of a dead letter, and what a replay makes of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.letters.buried import FAILED_AT, buried, case, original

from scicat_ingest.consume.position import Position
from scicat_ingest.consume.record import Record
from scicat_ingest.letters.letter import NOT_OURS, first_source, is_its_value, original_record, read_letter
from scicat_ingest.letters.replay import never, order_of_replay, replayed_message, why_not
from scicat_ingest.report.message import outcome_id

NAMES = st.sampled_from(
    ["ingest.dlq.reason", "ingest.dlq.original_headers", "ingest.dlq.topic", "__connect.errors.topic", "ce_id", "x"]
)
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=8) | st.sampled_from([b"0", b"1", b"2"])), max_size=6)


@given(headers=HEADERS, key=st.none() | st.binary(max_size=5), value=st.none() | st.binary(max_size=20))
def test_the_original_record_comes_back_whatever_its_headers_are_called(
    headers: list[tuple[str, bytes]], key: bytes | None, value: bytes | None
) -> None:
    """Also where the producer uses our names; what the letter says is only what we have added."""
    record = Record("in", 2, 7, 1_776_848_000_000, key, value, tuple(headers))
    letter = buried(record)
    assert original_record(letter) == record
    read = read_letter(letter)
    assert (read.id, read.reason, read.source) == (outcome_id(record), "missing_field", Position("in", 2, 7))


@given(headers=HEADERS, value=st.none() | st.binary(max_size=20), stamp=st.integers(-1, 2**62))
def test_whatever_lies_on_the_topic_can_be_read(
    headers: list[tuple[str, bytes]], value: bytes | None, stamp: int
) -> None:
    """Messages of others, half ones, garbage: a letter with what is known."""
    record = Record("dead", 0, 3, stamp, None, value, tuple(headers))
    letter = read_letter(record)
    assert letter.at == Position("dead", 0, 3)
    assert letter.subject
    original_record(record)


def test_a_letter_says_what_failed_where_and_when() -> None:
    """Everything but the value and the headers."""
    letter = read_letter(buried(original(4), offset=9, pid="p/1"))
    assert (letter.at, letter.source) == (Position("dead", 0, 9), Position("in", 0, 4))
    assert (letter.reason, letter.fault_class, letter.field, letter.hint) == (
        "missing_field",
        "record",
        "source",
        "send it",
    )
    assert (letter.pid, letter.key, letter.instrument, letter.failed_at) == ("p/1", "run-4", "ODIN", FAILED_AT)
    assert (letter.replays, letter.replay_of, letter.value_sha256) == (0, None, None)


@pytest.mark.parametrize(
    ("event", "instrument"),
    [
        ({"instrument": {"name": "LOKI"}}, "LOKI"),
        ({"instrument": "BEER"}, "BEER"),
        ({"data": {"instrument": {"id": "DREAM"}}}, "DREAM"),
        ({"instrument": {"id": 7}}, None),
        ({"other": "instrument"}, None),
        (["instrument"], None),
    ],
)
def test_the_instrument_is_found_where_events_have_it(event: object, instrument: str | None) -> None:
    """Native, a plain name, CloudEvents structured; else it is not known."""
    assert read_letter(buried(original(value=json.dumps(event).encode()))).instrument == instrument


def test_a_message_of_somebody_else_is_a_letter_that_is_not_ours() -> None:
    """It is listed, and can be purged, but not replayed."""
    letter = read_letter(Record("dead", 1, 5, 0, b"k", b"{}", (("__connect.errors.topic", b"x"),)))
    assert (letter.reason, letter.is_ours, letter.id) == (NOT_OURS, False, "dead/1/5")
    assert "did not write it" in (never(letter) or "")


def test_a_value_that_was_left_out_is_known_by_its_digest() -> None:
    """Its size and digest stand in the letter."""
    record = original(value=b"x" * 5000)
    letter = read_letter(buried(record, largest=4000))
    assert (letter.value_bytes, letter.value_sha256) == (5000, hashlib.sha256(record.value or b"").hexdigest())
    assert is_its_value(letter, record.value)
    assert not is_its_value(letter, b"y" * 5000)
    assert not is_its_value(letter, None)


def test_a_replay_is_the_original_and_remembers_the_first_one() -> None:
    """Through several trips: count and `of` change, the first coordinates stay, the producer's headers too."""
    record = original(4)
    trip = record
    for count in (1, 2):
        grave = buried(trip)
        letter = read_letter(grave)
        message = replayed_message(letter, original_record(grave), "in")
        assert (message.key, message.value, message.timestamp_ms) == (record.key, record.value, record.timestamp_ms)
        assert message.headers[0] == ("trace", b"\xff")
        told = {name.removeprefix("ingest.replay."): value.decode() for name, value in message.headers[1:]}
        assert told == {
            "count": str(count),
            "of": letter.id,
            "topic": "in",
            "partition": "0",
            "offset": "4",
            "timestamp": str(record.timestamp_ms),
        }
        trip = replace(record, offset=100 + count, headers=message.headers)
        assert (first_source(trip).topic, first_source(trip).offset) == ("in", 4)
        assert read_letter(buried(trip)).replays == count


def test_a_record_that_failed_after_three_replays_waits_for_somebody_who_insists() -> None:
    """So nothing goes round for ever."""
    record = replace(original(), headers=(("ingest.replay.count", b"3"),))
    assert "replayed 3 times" in (why_not(case(buried(record))) or "")
    assert why_not(case(buried(original()))) is None


def test_replays_come_in_the_order_of_their_records() -> None:
    """Not in that of their failures."""
    cases = [case(buried(original(number), minutes=-number)) for number in (3, 1, 2)]
    assert [each.letter.source for each in sorted(cases, key=order_of_replay)] == [
        Position("in", 0, number) for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("text", ["in/0", "in/0/x", "/0/1", "in/-1/0", "in/0/12345678901234567890", "in/0/1/2"])
def test_what_is_no_position_is_none(text: str) -> None:
    """Topic, partition, offset, with slashes."""
    assert Position.parse(text) is None
    assert Position.parse("in/0/1") == Position("in", 0, 1)
