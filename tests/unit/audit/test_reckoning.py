"""One state for every acquisition, whatever became of its records."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import event, plan, rules
from tests.unit.letters.buried import buried, case, original

from scicat_ingest.audit.reckoning import Acquisition, Reckoning, State
from scicat_ingest.consume.record import Record
from scicat_ingest.deliver.delivered import Delivered
from scicat_ingest.letters.answer import read_answer
from scicat_ingest.letters.book import Case
from scicat_ingest.letters.letter import original_record, read_letter
from scicat_ingest.letters.replay import replayed_message
from scicat_ingest.letters.resolution import Resolved
from scicat_ingest.preview.glimpse import Glimpse, glimpse
from scicat_ingest.report.message import write_message
from scicat_ingest.report.outcome import Ingested

if TYPE_CHECKING:
    from scicat_ingest.letters.answer import Answer

AT = datetime(2026, 4, 22, 9, 0, tzinfo=UTC)


def answer(record: Record, verdict: Any = "created", pid: str = "p/1") -> Answer:
    """Give what the service's own message says of a record that was ingested."""
    delivered = Delivered(verdict, 1, 0, 0, 0, (), (), 1, ())
    outcome = Ingested(record, replace(plan(event(runNumber=42)), pid=pid), delivered, AT, AT)
    message = write_message(outcome, ingested_topic="out", dead_letter_topic="dead")
    assert message is not None
    read = read_answer(Record("out", 0, 0, 0, message.key, message.value, message.headers))
    assert read is not None
    return read


def nothing(_: Record) -> Glimpse:
    return Glimpse()


def reckon(
    records: list[Record],
    answers: tuple[Answer, ...] = (),
    cases: tuple[Case, ...] = (),
    look: Any = nothing,
    *,
    committed: int = 100,
    covered_since: int = 0,
) -> list[Acquisition]:
    reckoning = Reckoning(lambda at: at.offset < committed, lambda stamp: stamp >= covered_since)
    reckoning.take_letters(cases)
    for each in answers:
        reckoning.take_answer(each)
    for record in records:
        reckoning.take_record(record, look)
    return reckoning.acquisitions()


def test_each_outcome_has_its_state() -> None:
    """Written, there already, an open letter, a purged one."""
    records = [original(number) for number in range(4)]
    letter = case(buried(records[2]))
    purged = replace(case(buried(records[3])), resolved=Resolved("purged", AT))
    found = reckon(records, (answer(records[0], pid="a"), answer(records[1], "already_present", "b")), (letter, purged))
    assert [each.state for each in found] == [State.INGESTED, State.PRESENT, State.DEAD_LETTERED, State.PURGED]
    assert [each.reason for each in found] == [None, None, "missing_field", "missing_field"]
    assert (found[0].instrument, found[0].run, found[0].acquisition_id) == ("ODIN", "42", "odin-000042")


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({"committed": 0}, State.OPEN),
        ({}, State.UNACCOUNTED),
        ({"covered_since": 2**60}, State.UNKNOWN),
        ({"look": lambda _: Glimpse(is_ignored=True)}, State.IGNORED),
    ],
)
def test_a_record_without_an_outcome_waits_or_was_ignored_or_is_unaccounted_for(
    options: dict[str, Any], state: State
) -> None:
    """Only what is committed must have one, and only if the topics still hold it."""
    [found] = reckon([original()], **options)
    assert found.state is state


def test_a_part_of_a_run_is_no_acquisition() -> None:
    """Its run's last record stands for it."""
    assert reckon([original()], look=lambda _: Glimpse(is_part=True)) == []


def test_a_record_that_was_replayed_is_one_acquisition_with_its_replay() -> None:
    """Without a pid in the letter too: the replay says where it was first."""
    first = original(4)
    grave = buried(first)
    letter = read_letter(grave)
    message = replayed_message(letter, original_record(grave), "in")
    again = replace(first, offset=9, headers=message.headers)
    replayed = Case(letter, Resolved("replayed", AT))
    [waits] = reckon([first, again], (), (replayed,), committed=9)
    assert waits.state is State.OPEN
    [done] = reckon([first, again], (answer(again),), (replayed,))
    assert (done.state, done.at.offset, done.pid) == (State.INGESTED, 4, "p/1")
    [failed] = reckon([first, again], (), (replayed, case(buried(again, offset=20))))
    assert failed.state is State.DEAD_LETTERED
    [alone] = reckon([first], (), (replayed,))
    assert alone.state is State.OPEN, "it was replayed to a topic that we do not read"


def test_an_event_that_was_sent_twice_is_one_acquisition() -> None:
    """The first one's answer counts, though it came again."""
    one, two = original(1), replace(original(1), offset=2)
    [found] = reckon([one, two], (answer(one), answer(two, "already_present")))
    assert (found.state, found.at.offset) == (State.INGESTED, 1)


@given(st.lists(st.sampled_from(["answered", "dead", "open"]), max_size=12))
def test_every_record_is_in_exactly_one_acquisition(fates: list[str]) -> None:
    """The sum of all states is what was seen."""
    records = [original(number) for number in range(len(fates))]
    said = zip(records, fates, strict=True)
    answers = tuple(answer(record, pid=f"p/{record.offset}") for record, fate in said if fate == "answered")
    cases = tuple(case(buried(record)) for record, fate in zip(records, fates, strict=True) if fate == "dead")
    found = reckon(records, answers, cases, committed=0)
    assert [each.at.offset for each in found] == list(range(len(fates)))
    expected = {"answered": State.INGESTED, "dead": State.DEAD_LETTERED, "open": State.OPEN}
    assert [each.state for each in found] == [expected[fate] for fate in fates]


@pytest.mark.parametrize("value", [None, b"{", b"[]", b'{"source": 3}', b'{"source": {"topic": "t"}, "pid": "p"}'])
def test_what_is_no_answer_is_none(value: bytes | None) -> None:
    """Messages of others on the topic."""
    assert read_answer(Record("out", 0, 0, 0, b"k", value)) is None


def test_a_glimpse_tells_who_a_record_is_of() -> None:
    """By the rules of the service, without files and look-ups."""
    record = original(value=json.dumps(event(runNumber="7a")).encode())
    seen = glimpse(record, rules())
    assert (seen.acquisition_id, seen.instrument, seen.run) == ("odin-000042", "ODIN", "7a")
    assert seen.pid == plan(event()).pid
    assert glimpse(replace(record, value=None), rules()).is_ignored
    assert glimpse(replace(record, value=b"{"), rules()) == Glimpse()
    broken = {"acquisitionId": "a", "instrument": {"id": 7, "name": "LOKI"}, "runNumber": 5, "files": "none"}
    seen = glimpse(replace(record, value=json.dumps(broken).encode()), rules())
    assert (seen.acquisition_id, seen.instrument, seen.run) == ("a", "7", "5")
