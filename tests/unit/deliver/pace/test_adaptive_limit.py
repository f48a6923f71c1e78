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


def test_a_fast_server_gets_all_it_may_within_half_a_minute() -> None:
    """One more a window."""
    limit = AdaptiveLimit(32)
    Server(limit, 0.02, 1000).run(35)
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
