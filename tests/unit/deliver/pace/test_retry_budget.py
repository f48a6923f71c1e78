"""How much repeating there may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.pace.retry_budget import RETRY, TOKENS, RetryBudget


def test_a_hundred_failures_without_a_success_use_it_up() -> None:
    """Fifty timeouts do."""
    for timeout, failures in ((False, 100), (True, 50)):
        budget = RetryBudget()
        for number in range(failures):
            assert not budget.empty
            budget.failed(number, timeout=timeout)
        assert budget.empty


def test_a_success_gives_back_what_its_failures_have_cost() -> None:
    """And a little otherwise."""
    budget = RetryBudget()
    for _ in range(3):
        budget.failed("a", timeout=True)
    budget.failed("b", timeout=False)
    assert budget.tokens == TOKENS - 35
    budget.succeeded("a")
    assert budget.tokens == TOKENS - 5
    budget.succeeded("a")
    assert budget.tokens == TOKENS - 4
    budget.forget("b")
    budget.succeeded("b")
    assert budget.tokens == TOKENS - 3


def test_one_failure_in_seven_is_borne_for_ever() -> None:
    """What a bad network does is no outage."""
    budget = RetryBudget()
    for number in range(10_000):
        key = number // 7
        budget.failed(key, timeout=False) if number % 7 == 0 else budget.succeeded(key)
    assert budget.tokens > TOKENS / 2


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["failed", "timeout", "good", "forget"])), max_size=500))
def test_it_stays_within_its_bounds(ends: list[tuple[int, str]]) -> None:
    """0 to TOKENS, whatever happens."""
    budget = RetryBudget()
    for key, how in ends:
        match how:
            case "good":
                budget.succeeded(key)
            case "forget":
                budget.forget(key)
            case _:
                budget.failed(key, timeout=how == "timeout")
        assert 0 <= budget.tokens <= TOKENS
        assert budget.empty == (budget.tokens < RETRY)
    budget.refill()
    assert budget.tokens == TOKENS
