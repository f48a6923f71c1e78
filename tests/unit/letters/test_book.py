"""Which letters are open, and which are meant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.letters.buried import FAILED_AT, buried, original, placed, resolved

from scicat_ingest.consume.position import Position
from scicat_ingest.consume.record import Record
from scicat_ingest.faults import EarlierFailed, InvalidField, PidTaken
from scicat_ingest.letters.answer import Answer
from scicat_ingest.letters.book import LetterBook
from scicat_ingest.letters.letter import read_letter
from scicat_ingest.letters.selection import LetterFilter, find_named, group_letters
from scicat_ingest.report.contract import RESOLUTION_TYPE
from scicat_ingest.report.message import Message

if TYPE_CHECKING:
    from scicat_ingest.letters.book import Case


def book_of(*records: Record, **options: Any) -> LetterBook:
    book = LetterBook(**options)
    for record in records:
        book.take(record)
    return book


def answer(pid: str, offset: int, *, topic: str = "in", is_whole: bool = True) -> Answer:
    """Give what the ingested topic says of the record at an offset, which had been there before any replay."""
    first = Position(topic, 0, offset)
    return Answer(Position("in", 0, 99), first, pid, None, None, None, is_whole, is_news=True, files=1, bytes=1)


def names(cases: list[Case]) -> list[str | None]:
    return [case.letter.key for case in cases]


@given(st.data())
def test_a_letter_is_open_until_a_resolution_names_it(data: st.DataObject) -> None:
    """In whatever order the partitions are read, and with or without those that are resolved."""
    graves = [buried(original(number)) for number in range(4)]
    closed = data.draw(st.sets(st.integers(0, 3)))
    notes = [resolved(read_letter(graves[number]), "purged", minutes=1, offset=50 + number) for number in closed]
    records = data.draw(st.permutations(graves + notes))
    everything = book_of(*records, keep_resolved=True).cases()
    assert {int(case.letter.key[4:]) for case in everything if case.letter.key and not case.is_open} == closed
    assert len(everything) == 4
    assert {case.letter.id for case in book_of(*records).cases()} == {
        case.letter.id for case in everything if case.is_open
    }


def test_a_record_that_was_dead_lettered_twice_is_one_letter() -> None:
    """A crash between publishing and committing; whichever is read first."""
    one, two = buried(original(), offset=1), buried(original(), offset=2, minutes=1)
    for records in ((one, two), (two, one)):
        [case] = book_of(*records).cases()
        assert case.letter.at.offset == 2


def test_a_letter_that_failed_again_after_its_resolution_is_open_again() -> None:
    """The record came again after a commit was lost: what was resolved is the earlier failure."""
    first, again = buried(original(), offset=1), buried(original(), offset=9, minutes=5)
    note = resolved(read_letter(first), "replayed", minutes=1, offset=4)
    [case] = book_of(first, note, again).cases()
    assert case.is_open
    assert book_of(first, note).cases() == []


def test_a_dataset_that_was_ingested_later_closes_its_letter() -> None:
    """Earlier ones say nothing, nor does another acquisition's dataset under the same pid."""
    theirs = buried(original(2), pid="p/2", fault=PidTaken("taken"))
    book = book_of(buried(original(1), pid="p/1"), theirs, keep_resolved=True)
    assert book.watch_pids() == {"p/1": FAILED_AT}
    book.take_ingested(answer("p/1", 7), FAILED_AT - timedelta(minutes=1))
    assert names([case for case in book.cases() if case.is_open]) == ["run-1", "run-2"]
    book.take_ingested(answer("p/1", 7), FAILED_AT + timedelta(minutes=1))
    book.take_ingested(answer("p/2", 7), FAILED_AT + timedelta(minutes=1))
    assert names([case for case in book.cases() if case.is_open]) == ["run-2"]
    kinds = [case.resolved.kind for case in book.cases() if case.resolved]
    assert kinds == ["ingested"]


@pytest.mark.parametrize(
    ("ingested", "still_open"),
    [
        (answer("p/1", 6), []),
        (answer("p/1", 5), []),
        (answer("p/1", 4), ["run-5"]),
        (answer("p/1", 4, topic="elsewhere"), []),
        (answer("p/1", 6, is_whole=False), ["run-5"]),
        (answer("p/1", 5, is_whole=False), []),
    ],
)
def test_only_what_makes_up_for_a_letter_closes_it(ingested: Answer, still_open: list[str]) -> None:
    """Not an earlier record that came again, nor one that only added files; its own does in any case."""
    book = book_of(buried(original(5), pid="p/1"))
    book.watch_pids()
    book.take_ingested(ingested, FAILED_AT + timedelta(minutes=1))
    assert names([case for case in book.cases() if case.is_open]) == still_open


def test_a_letter_that_waits_for_an_earlier_one_is_not_closed_by_that() -> None:
    """It has to be replayed itself; so has one whose first record was replayed before it."""
    waits = buried(original(5), pid="p/1", fault=EarlierFailed("in/0/3 is a dead letter"))
    book = book_of(waits)
    assert book.watch_pids() == {}
    book.take_ingested(answer("p/1", 9), FAILED_AT + timedelta(minutes=1))
    assert [case.is_open for case in book.cases()] == [True]


def test_a_resolution_that_cannot_be_read_leaves_its_letter_open() -> None:
    """It is counted."""
    broken = Message("dead", b"k", b"{", (("ce_type", RESOLUTION_TYPE.encode()),))
    book = book_of(buried(original()), placed(broken, 3), Record("dead", 0, 4, 0, b"k", None))
    assert (len(book.cases()), book.unreadable) == (1, 1)


CASES = book_of(
    *(buried(original(number), pid=f"p/{number}", minutes=number) for number in range(5)),
    buried(original(7), fault=PidTaken("taken"), minutes=60 * 24),
).cases()


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (LetterFilter(), 6),
        (LetterFilter(reasons=frozenset({"pid_taken"})), 1),
        (LetterFilter(classes=frozenset({"record"}), pids=frozenset({"p/1", "p/2"})), 2),
        (LetterFilter(instruments=frozenset({"odin"})), 6),
        (LetterFilter(instruments=frozenset({"LOKI"})), 0),
        (LetterFilter(since=FAILED_AT + timedelta(minutes=2), until=FAILED_AT + timedelta(minutes=4)), 2),
        (LetterFilter(partitions=frozenset({1})), 0),
    ],
)
def test_filters_hold_together(wanted: LetterFilter, count: int) -> None:
    """Each narrows; those that are empty do not matter."""
    assert sum(wanted.takes(case.letter) for case in CASES) == count
    assert wanted.asks_nothing == (wanted == LetterFilter())


def test_letters_are_named_by_id_its_beginning_or_a_position() -> None:
    """Of the letter or of its record; what is too short or means several is said."""
    letter = CASES[2].letter
    for name in (letter.id, letter.id[:8], "in/0/2", "dead/0/2"):
        assert [case.letter.id for case in find_named(CASES, [name]).cases] == [letter.id]
    assert len(find_named(CASES, [letter.id, letter.id[:8]]).cases) == 1
    assert find_named(CASES, [letter.id[:3], "in/0/99"]).wrong == (
        f"{letter.id[:3]}: there is no such letter",
        "in/0/99: there is no such letter",
    )


def test_groups_are_counted_with_the_latest_as_example() -> None:
    """The largest first; days in their order."""
    letters = [case.letter for case in CASES]
    by_reason = group_letters(letters, "reason")
    assert [(group.name, group.count) for group in by_reason] == [("missing_field", 5), ("pid_taken", 1)]
    assert by_reason[0].example.key == "run-4"
    assert [group.name for group in group_letters(letters, "day")] == ["2026-04-22", "2026-04-23"]
    assert [group.name for group in group_letters(letters, "instrument")] == ["ODIN"]
    assert [group.name for group in group_letters(letters, "class")] == ["record"]


def test_a_problem_is_a_reason_and_a_field_in_whichever_item_of_a_list() -> None:
    """Fifty files without a size are one problem; a letter without a field is one of its reason."""
    fields = ["files[0].size", "files[17].size", "endedAt", None]
    letters = [read_letter(buried(original(n), fault=InvalidField("no", field=name))) for n, name in enumerate(fields)]
    found = {group.name: group.count for group in group_letters(letters, "problem")}
    assert found == {"invalid_field files[].size": 2, "invalid_field endedAt": 1, "invalid_field": 1}
