"""How much may be held."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.engine.window import Window


@given(st.integers(1, 10), st.integers(50, 300), st.lists(st.tuples(st.booleans(), st.integers(1, 50)), max_size=60))
def test_what_is_held_never_exceeds_the_bounds(most: int, most_bytes: int, steps: list[tuple[bool, int]]) -> None:
    """As long as it is only filled while it is open, by as many as it has room for, of at most the expected size."""
    window = Window(most, most_bytes, expected_bytes=50)
    held: list[int] = []
    for take, size in steps:
        if take and window.open:
            for _ in range(window.room):
                window.add(size)
                held.append(size)
        elif held:
            window.remove(held.pop())
        assert (window.records, window.bytes) == (len(held), sum(held))
        assert window.records <= most
        assert window.bytes <= most_bytes
        assert window.open or held, "an empty window must be open"


def test_it_shuts_when_full_and_opens_at_half() -> None:
    """Not before: fetching a partition that was paused costs a request."""
    window = Window(4)
    for _ in range(4):
        window.add(1)
    assert not window.open
    window.remove(1)
    assert not window.open
    window.remove(1)
    assert window.open


def test_a_record_above_the_bound_is_admitted_alone() -> None:
    """An empty window has room for one, whatever its size."""
    window = Window(10, 100, expected_bytes=60)
    assert window.room == 1
    window.add(5000)
    assert not window.open
    window.remove(5000)
    assert window.open
    assert window.room == 1


def test_bytes_alone_shut_it() -> None:
    """When no further record of the expected size fits."""
    window = Window(1000, 100, expected_bytes=30)
    assert window.room == 3
    window.add(30)
    window.add(30)
    assert window.room == 1
    window.add(20)
    assert not window.open
