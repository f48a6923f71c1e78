"""As many deliveries at once as the server bears."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.pace.adaptive_limit import AdaptiveLimit


class Server:
    """Takes `service` seconds a request, `width` at once; more wait in line."""

    def __init__(self, limit: AdaptiveLimit, service: float, width: int) -> None:
        self.limit, self.service, self.width = limit, service, width
        self.now = 0.0

    def run(self, seconds: float, kind: str = "post") -> None:
        """Keep as many requests under way as the limit allows."""
        end = self.now + seconds
        while self.now < end:
            under_way = self.limit.limit
            self.limit.under_way(under_way)
            latency = self.service * max(1.0, under_way / self.width)
            self.now += latency / under_way
            self.limit.answered(kind, latency, self.now)


def test_it_finds_how_many_the_server_bears() -> None:
    """Beyond what it works on at once, latency grows with the number: between once and three times that."""
    limit = AdaptiveLimit(32)
    server = Server(limit, 0.02, 4)
    assert limit.limit == 2
    server.run(120)
    assert 4 <= limit.limit <= 13


def test_a_fast_server_gets_all_it_may_within_some_seconds() -> None:
    """Twice as many a window, as long as SciCat is never slower than at first."""
    limit = AdaptiveLimit(64)
    Server(limit, 0.2, 1000).run(10)
    assert limit.limit == 64


def test_what_was_too_much_is_halved_at_once() -> None:
    """Doubling ends with the first window in which SciCat is slow: it goes back to what was good."""
    limit = AdaptiveLimit(64)
    server = Server(limit, 0.02, 4)
    seen = []
    for _ in range(30):
        server.run(0.5)
        seen.append(limit.limit)
    most = seen.index(16)
    assert seen[most:][:4].count(16) <= 3
    assert set(seen[most + 4 :]) <= {8, 9}


def test_nothing_is_doubled_before_the_last_doubling_was_heard_of() -> None:
    """Answers that take several windows are about the limit of when they were sent."""
    limit = AdaptiveLimit(64)
    for second in range(1, 5):
        limit.under_way(limit.limit)
        limit.answered("post", 5.0, 5.0 + second)
    assert limit.limit == 4
    limit.answered("post", 5.0, 12.0)
    assert limit.limit == 8


def test_after_pushing_back_it_grows_by_an_eighth() -> None:
    """A server that once had too much is approached slowly."""
    limit = AdaptiveLimit(64)
    server = Server(limit, 0.02, 1000)
    server.run(10)
    limit.pushed_back(server.now + 2)
    assert limit.limit == 38
    server.now += 2
    server.run(1.5)
    assert 42 <= limit.limit <= 43


def test_latencies_of_milliseconds_are_our_own_matter() -> None:
    """From 1 ms to 15 ms is no sign of a busy server: with many under way, our own loop takes as long."""
    limit = AdaptiveLimit(32)
    server = Server(limit, 0.001, 1000)
    server.run(3)
    server.service = 0.015
    server.run(10)
    assert limit.limit == 32


def test_a_limit_that_is_not_reached_does_not_grow() -> None:
    """What was not tried is not known."""
    limit = AdaptiveLimit(32)
    for number in range(100):
        limit.under_way(1)
        limit.answered("post", 0.01, number / 2)
    assert limit.limit == 2


def test_a_slow_route_does_not_spoil_a_fast_ones_baseline() -> None:
    """A GET of 10 ms and a block POST of 2 s share no average."""
    limit = AdaptiveLimit(32)
    for number in range(60):
        limit.under_way(limit.limit)
        limit.answered(("post", 10), 2.0, number / 2)
        limit.answered(("get", 0), 0.01, number / 2)
    assert limit.limit > 20


def test_pushing_back_costs_most_and_once_a_window() -> None:
    """A 429, a 503 or a timeout: a hundred in the same second are one reason."""
    limit = AdaptiveLimit(32)
    Server(limit, 0.02, 1000).run(35)
    for _ in range(100):
        limit.pushed_back(36.5)
    assert limit.limit == 19


def test_a_server_that_became_slow_is_given_less_and_then_believed() -> None:
    """Ten times its latency for a minute; later that is how it is."""
    limit = AdaptiveLimit(32)
    server = Server(limit, 0.02, 1000)
    server.run(35)
    server.service = 0.2
    server.run(30)
    assert limit.limit < 16
    server.run(600)
    assert limit.limit > 20


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.001, 60), st.booleans()), max_size=200), st.integers(1, 64))
def test_it_stays_within_its_bounds(ends: list[tuple[float, float, bool]], most: int) -> None:
    """Whatever happens, in whatever order."""
    limit = AdaptiveLimit(most)
    for now, seconds, bad in ends:
        limit.under_way(limit.limit)
        limit.pushed_back(now) if bad else limit.answered("x", seconds, now)
        assert 1 <= limit.limit <= most
