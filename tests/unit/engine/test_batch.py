"""How far a batch is done: never further than its first open record."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.consume.record import Record
from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.engine.batch import Progress, into_lanes
from scicat_ingest.engine.pipeline import Prepared

NOW = datetime(2026, 4, 22, tzinfo=UTC)


def at(partition: int, offset: int, key: bytes | None = None) -> Record:
    return Record("t", partition, offset, 0, key, None)


def test_nothing_is_committable_before_the_first_is_done() -> None:
    """Later ones may be; a gap in the offsets is none in the work."""
    progress = Progress([at(0, 5), at(0, 7), at(0, 8), at(1, 3)])
    assert progress.committable() == {}
    progress.done(at(0, 8))
    progress.done(at(0, 7))
    assert progress.committable() == {}
    progress.done(at(0, 5))
    assert progress.committable() == {("t", 0): 9}
    progress.done(at(1, 3))
    assert progress.committable() == {("t", 0): 9, ("t", 1): 4}


def test_records_of_other_batches_do_not_count() -> None:
    """Nor does a record that is done twice."""
    progress = Progress([at(0, 5), at(0, 6)])
    for record in (at(0, 4), at(0, 7), at(1, 5), at(0, 5), at(0, 5)):
        progress.done(record)
    assert progress.committable() == {("t", 0): 6}


OFFSETS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), unique=True, max_size=30).map(sorted)


@given(OFFSETS, st.data())
def test_committable_is_what_a_naive_model_says(places: list[tuple[int, int]], data: st.DataObject) -> None:
    """All before it are done; and it never goes back."""
    progress = Progress(at(*place) for place in places)
    done: set[tuple[int, int]] = set()
    before: dict[tuple[str, int], int] = {}
    for place in data.draw(st.permutations(places)):
        progress.done(at(*place))
        done.add(place)
        now = progress.committable()
        for partition in {partition for partition, _ in places}:
            received = [offset for number, offset in places if number == partition]
            open_ones = [offset for offset in received if (partition, offset) not in done]
            expected = open_ones[0] if open_ones else received[-1] + 1
            assert now.get(("t", partition), received[0]) == expected
        assert all(now[partition] >= offset for partition, offset in before.items())
        before = now
    assert len(before) == len({partition for partition, _ in places})


@given(st.lists(st.sampled_from([b"a", b"b", None]), max_size=12))
def test_lanes_keep_the_order_of_arrival(keys: list[bytes | None]) -> None:
    """Each record is in one lane; without key each has a lane of its own."""
    batch = [Prepared(at(0, offset, key), Ignored("x"), NOW) for offset, key in enumerate(keys)]
    lanes = into_lanes(batch)
    assert sorted(prepared.record.offset for lane in lanes for prepared in lane) == list(range(len(keys)))
    for lane in lanes:
        offsets = [prepared.record.offset for prepared in lane]
        assert offsets == sorted(offsets)
        assert len({prepared.record.key for prepared in lane}) == 1
        assert len(lane) == 1 or lane[0].record.key is not None
    assert len(lanes) == len({key for key in keys if key}) + keys.count(None)
