"""The rate holds over any window, for one replica and for all of them together."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.pace.rate_bucket import RateBucket

PAUSES = st.lists(st.floats(0, 2), min_size=1, max_size=400)


def sent(bucket: RateBucket, pauses: list[float]) -> list[float]:
    """Give the times of requests that come as fast as they may, after pauses of their own."""
    now, times = 0.0, []
    for pause in pauses:
        now += pause
        now += bucket.take(now)
        times.append(now)
    return times


def most_in(times: list[float], seconds: float) -> int:
    return max(sum(begin <= time < begin + seconds for time in times) for begin in times)


@given(st.floats(0.5, 200), PAUSES)
def test_no_window_of_ten_seconds_has_more_than_the_rate(rate: float, pauses: list[float]) -> None:
    """Whatever pauses were made before; one request is always allowed."""
    times = sent(RateBucket(rate), [pause * 0.1 for pause in pauses])
    assert most_in(times, 10) <= max(rate * 10, 1) + 1


@given(st.floats(1, 200))
def test_a_busy_replica_uses_the_rate(rate: float) -> None:
    """At least 90 % of it."""
    times = sent(RateBucket(rate), [0.0] * 500)
    assert len(times) / times[-1] >= 0.9 * rate


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_shares_add_up_to_the_rate(partitions: list[int]) -> None:
    """However the partitions are spread."""
    times = []
    for owned in partitions:
        bucket = RateBucket(50)
        bucket.set_share(owned / sum(partitions))
        times += [time for time in sent(bucket, [0.0] * 800) if time < 15]
    assert 450 <= most_in(sorted(times), 10) <= 501


def test_without_a_rate_nothing_waits() -> None:
    """As much as it can."""
    bucket = RateBucket(None)
    assert [bucket.take(1.0) for _ in range(1000)] == [0.0] * 1000
    assert bucket.rate is None


@given(st.floats(0, 100), st.floats(0, 100), st.booleans())
def test_nobody_sends_while_the_server_wants_to_be_left_alone(one: float, other: float, limited: Any) -> None:
    """The longest wish holds; afterwards the rate does, without a burst of what was saved up."""
    bucket = RateBucket(10 if limited else None)
    bucket.cool_down(one)
    bucket.cool_down(other)
    assert bucket.cooling(0.0) == max(one, other)
    times = sent(bucket, [0.0] * 50)
    assert times[0] >= max(one, other)
    if limited:
        assert most_in(times, 1) <= 12
    assert bucket.cooling(101.0) == 0.0
