"""How far a partition is done: never further than its first open record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.engine.ledger import Completions, Ledger

GAPPY = st.lists(st.integers(1, 4), min_size=1, max_size=30).map(
    lambda steps: [sum(steps[: n + 1]) for n in range(len(steps))]
)
"""Ascending offsets with gaps."""


def naive_position(received: list[int], done: set[int]) -> int | None:
    """Give the first received offset that is not done, else the one after the last."""
    if not received:
        return None
    return next((offset for offset in received if offset not in done), received[-1] + 1)


@given(GAPPY, st.data())
def test_the_position_is_that_of_a_naive_model(offsets: list[int], data: st.DataObject) -> None:
    """Whatever the order of receiving and finishing, and whatever gaps there are."""
    ledger = Ledger()
    received: list[int] = []
    done: set[int] = set()
    waiting = list(offsets)
    while waiting or set(received) - done:
        open_ones = [offset for offset in received if offset not in done]
        if waiting and (not open_ones or data.draw(st.booleans())):
            received.append(waiting.pop(0))
            assert ledger.receive(received[-1], 7)
        else:
            offset = data.draw(st.sampled_from(open_ones))
            ledger.finish(offset, 7)
            done.add(offset)
        assert ledger.position == naive_position(received, done)
        assert ledger.open == len(set(received) - done)
        position = ledger.position
        assert position is not None
        assert ledger.completions.done == {offset: 7 for offset in done if offset >= position}


@given(GAPPY, st.data())
def test_what_an_earlier_session_completed_is_not_done_again(offsets: list[int], data: st.DataObject) -> None:
    """The remembered ones count as done when they come, and only those of the same timestamp."""
    remembered = data.draw(st.sets(st.sampled_from(offsets)))
    replaced = data.draw(st.sets(st.sampled_from(offsets)))
    ledger = Ledger(Completions(dict.fromkeys(remembered, 7)))
    to_do = [offset for offset in offsets if ledger.receive(offset, 8 if offset in replaced else 7)]
    assert to_do == [offset for offset in offsets if offset not in remembered - replaced]
    assert ledger.position == naive_position(offsets, set(offsets) - set(to_do))


def test_what_is_remembered_and_has_not_come_again_stays_remembered() -> None:
    """A session that ends at once passes on what it was given, but nothing below its position."""
    ledger = Ledger(Completions({4: 1, 6: 1, 9: 1}))
    assert ledger.position is None
    assert ledger.completions.done == {4: 1, 6: 1, 9: 1}
    ledger.receive(5, 1)
    ledger.receive(6, 1)
    assert ledger.position == 5
    assert ledger.completions.done == {6: 1, 9: 1}


def test_an_offset_that_comes_out_of_order_is_an_error() -> None:
    """Taking it silently could commit past a record that was never seen."""
    ledger = Ledger()
    ledger.receive(5, 0)
    with pytest.raises(ValueError, match="offset 5 came after 5"):
        ledger.receive(5, 0)


@given(GAPPY, st.data())
def test_the_position_is_never_inside_a_span(offsets: list[int], data: st.DataObject) -> None:
    """It is the furthest one that passes nothing open and splits nothing that belongs together; it never goes back."""
    ledger = Ledger()
    for offset in offsets:
        ledger.receive(offset, 7)
    unfinished = list(offsets)
    spans: list[tuple[int, int]] = []
    before = ledger.position
    while unfinished:
        first = data.draw(st.sampled_from(unfinished))
        last = data.draw(st.sampled_from([offset for offset in unfinished if offset >= first]))
        if last > first:
            ledger.join(first, last)
            spans.append((first, last))
        for offset in {first, last}:
            ledger.finish(offset, 7)
            unfinished.remove(offset)
        allowed = [
            position
            for position in (*offsets, offsets[-1] + 1)
            if position <= min(unfinished, default=offsets[-1] + 1)
            and not any(first < position <= last for first, last in spans)
        ]
        assert ledger.position == max(allowed)
        assert before is not None
        assert max(allowed) >= before
        before = max(allowed)
        ledger = data.draw(st.sampled_from([ledger, again(ledger, offsets)]))


def again(ledger: Ledger, offsets: list[int]) -> Ledger:
    """Give the ledger of the partition's next session, when everything from the position on has come again."""
    position = ledger.position
    assert position is not None
    new = Ledger(ledger.completions)
    for offset in offsets:
        if offset >= position:
            new.receive(offset, 7)
    new.end = max(offsets) + 1
    return new


@given(GAPPY, st.data())
def test_what_is_open_the_oldest_and_what_is_not_committed_are_those_of_a_naive_model(
    offsets: list[int], data: st.DataObject
) -> None:
    """Each record's timestamp is ten times its offset."""
    ledger = Ledger()
    assert (ledger.oldest_ms, ledger.since(None), ledger.since(5)) == (None, 0, 0)
    for offset in offsets:
        ledger.receive(offset, 10 * offset)
    done = data.draw(st.sets(st.sampled_from(offsets)))
    for offset in done:
        ledger.finish(offset, 10 * offset)
    left = [offset for offset in offsets if offset not in done]
    assert ledger.oldest_ms == (10 * left[0] if left else None)
    assert ledger.since(None) == offsets[-1] + 1 - offsets[0]
    position = ledger.position
    assert ledger.since(position) == (offsets[-1] + 1 - left[0] if left else 0)
