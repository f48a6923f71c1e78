"""What the benchmark makes of its rounds."""

from __future__ import annotations

from bench.figures import LOOP, SERVICE, Comparison, Facts, Figures, percentiles, spread_of


def test_ratios_are_made_within_a_round() -> None:
    """A round in which the machine was busy slows both: the ratio is the same."""
    comparison = Comparison("x", "y")
    for busy in (1.0, 3.0, 2.0):
        comparison.add(LOOP, Figures(cpu_ms=1.0 * busy, events_per_second=1000 / busy, peak_mib=80))
        comparison.add(SERVICE, Figures(cpu_ms=1.5 * busy, events_per_second=600 / busy, peak_mib=110))
    ratio = comparison.ratio(SERVICE, "cpu_ms")
    assert ratio is not None
    assert (ratio.least, ratio.median, ratio.most) == (1.5, 1.5, 1.5)
    assert comparison.ratio(SERVICE, "cpu_ms", to="nobody") is None
    assert comparison.spread(SERVICE, "cpu_ms").most == 4.5


def test_a_spread_is_written_with_its_ends() -> None:
    """Only the median where there is one round."""
    assert str(spread_of([1.25])) == "1.25"
    assert str(spread_of([900, 1234, 5678])) == "1,234 (900 to 5,678)"


def test_percentiles_are_of_all_values() -> None:
    """From 1 to 101."""
    assert percentiles([float(value) for value in range(1, 102)]) == (51.0, 96.0, 100.0)


def test_facts_keep_each_round() -> None:
    """By a name that a person can read."""
    facts = Facts("x", "y")
    facts.add(seconds_to_ready=1.0)
    facts.add(seconds_to_ready=2.0)
    assert facts.document["rounds"] == {"seconds to ready": [1.0, 2.0]}
