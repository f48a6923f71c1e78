"""When a failure is the record's own (pure): others succeed, it does not."""

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


@dataclass(slots=True)
class _Failing:
    route: Hashable
    failures: int
    others_before: int
    """Successes on the route when the first failure came."""


class Evidence:
    """Compares records that fail with those that succeed on the same route."""

    def __init__(self) -> None:
        self._successes: Counter[Hashable] = Counter()
        self._failing: dict[Hashable, _Failing] = {}

    def succeeded(self, key: Hashable, route: Hashable) -> None:
        """Note that a record's request worked."""
        self._successes[route] += 1
        if key in self._failing and self._failing[key].route == route:
            del self._failing[key]

    def failed(self, key: Hashable, route: Hashable) -> None:
        """Note that a record's request came to nothing, or nobody knows what it came to."""
        failing = self._failing.get(key)
        if failing is None or failing.route != route:
            failing = self._failing[key] = _Failing(route, 0, self._successes[route])
        failing.failures += 1

    def blames(self, key: Hashable) -> str | None:
        """Give the evidence against a record, if it is enough."""
        failing = self._failing.get(key)
        if failing is None or failing.failures < IN_A_ROW:
            return None
        others = self._successes[failing.route] - failing.others_before
        if others < OTHERS:
            return None
        return f"failed {failing.failures} times in a row, while {others} requests of other records succeeded"

    def forget(self, key: Hashable) -> None:
        """Note that the record is finished."""
        self._failing.pop(key, None)

    def forget_all(self) -> None:
        """Begin anew, after an outage: failures in it prove nothing."""
        self._failing.clear()
