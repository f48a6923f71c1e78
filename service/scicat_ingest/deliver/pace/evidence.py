"""When a failure is the record's own (pure): others succeed, it does not, and that is no coincidence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

IN_A_ROW = 10
"""Failures of the same step, with no success of its own between. With full jitter they take about 90 s."""
OTHERS = 10
"""Successes of other records on the same route meanwhile."""
COINCIDENCE = 1e-9
"""Chance of so many failures in a row, for a record that fails as often as the others do. Even with a network that
loses every seventh request, and a million records a day, that is once in years."""


@dataclass(slots=True)
class _Failing:
    route: Hashable
    failures: int
    good_before: int
    """Successes on the route when the first failure came."""
    bad_before: int
    """Failures on the route, of whomever, when the first one came."""


class Evidence:
    """Compares records that fail with all others on the same route."""

    def __init__(self) -> None:
        self._good: Counter[Hashable] = Counter()
        self._bad: Counter[Hashable] = Counter()
        self._failing: dict[Hashable, _Failing] = {}

    def succeeded(self, key: Hashable, route: Hashable) -> None:
        """Note that a record's request worked."""
        self._good[route] += 1
        if key in self._failing and self._failing[key].route == route:
            del self._failing[key]

    def failed(self, key: Hashable, route: Hashable) -> None:
        """Note that a record's request came to nothing, or nobody knows what it came to."""
        failing = self._failing.get(key)
        if failing is None or failing.route != route:
            failing = self._failing[key] = _Failing(route, 0, self._good[route], self._bad[route])
        failing.failures += 1
        self._bad[route] += 1

    def blames(self, key: Hashable) -> str | None:
        """Give the evidence against a record, if it is enough."""
        failing = self._failing.get(key)
        if failing is None or failing.failures < IN_A_ROW:
            return None
        good = self._good[failing.route] - failing.good_before
        bad = self._bad[failing.route] - failing.bad_before - failing.failures
        share = (bad + 1) / (good + bad + 2)
        if good < OTHERS or share**failing.failures > COINCIDENCE:
            return None
        return f"failed {failing.failures} times in a row, while {good} of {good + bad} requests of others succeeded"

    def forget(self, key: Hashable) -> None:
        """Note that the record is finished, or got on."""
        self._failing.pop(key, None)

    def forget_all(self) -> None:
        """Begin anew, after an outage: failures in it prove nothing."""
        self._failing.clear()
