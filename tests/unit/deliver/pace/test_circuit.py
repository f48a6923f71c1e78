"""When nothing is sent, and how that ends."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.pace.circuit import Circuit, CircuitState


def test_it_opens_when_most_requests_of_several_records_fail() -> None:
    """Four of five, of the last twenty."""
    circuit = Circuit()
    for number in range(4):
        circuit.ended(f"good-{number}", good=True)
    for number in range(15):
        circuit.ended(f"bad-{number}", good=False)
        assert circuit.state is CircuitState.CLOSED
    circuit.ended("one more", good=False)
    assert circuit.state is CircuitState.OPEN
    assert circuit.reason == "16 of the last 20 requests failed"


def test_one_record_that_fails_for_ever_proves_nothing() -> None:
    """It may be what is wrong: at night one poisonous record is all the traffic."""
    circuit = Circuit()
    for number in range(1000):
        circuit.ended(f"bad-{number % 4}", good=False)
    assert circuit.state is CircuitState.CLOSED


def test_a_good_probe_leads_to_a_trial_and_a_good_trial_closes_it() -> None:
    """A bad one opens it again, for the same reason."""
    circuit = Circuit()
    seen = []
    circuit.open("away")
    for step in (
        partial(circuit.probed, good=False),
        partial(circuit.probed, good=True),
        partial(circuit.tried, good=False),
        partial(circuit.probed, good=True),
        partial(circuit.tried, good=True),
    ):
        step()
        seen.append(circuit.state.name)
    assert seen == ["OPEN", "TRIAL", "OPEN", "TRIAL", "CLOSED"]
    assert circuit.reason == "away"


STEPS = st.one_of(
    st.tuples(st.just("ended"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("open"), st.just(0), st.just(False)),  # noqa: FBT003
    st.tuples(st.just("probed"), st.just(0), st.booleans()),
    st.tuples(st.just("tried"), st.just(0), st.booleans()),
)


@given(st.lists(STEPS, max_size=200))
def test_it_never_closes_without_a_good_probe_and_a_good_trial(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever else happens meanwhile."""
    circuit = Circuit()
    probed = False
    for what, key, good in steps:
        before = circuit.state
        match what:
            case "ended":
                circuit.ended(key, good=good)
            case "open":
                circuit.open("x")
            case "probed":
                circuit.probed(good=good)
                probed = good if before is CircuitState.OPEN else probed
            case "tried":
                circuit.tried(good=good)
        if before is not CircuitState.CLOSED and circuit.state is CircuitState.CLOSED:
            assert (what, good, probed) == ("tried", True, True)
