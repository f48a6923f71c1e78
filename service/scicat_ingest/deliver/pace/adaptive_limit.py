"""How many deliveries at once (pure): more while SciCat answers as fast as ever, fewer when it does not.

Decided once a window. The limit doubles until SciCat is slower than at first, and goes back to half of that; from then
on it grows by an eighth and falls by a tenth. Latency is compared with the same route's own baseline, for bodies of
about the same size: a GET of 10 ms and a block POST of 2 s share no average.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

FIRST = 2
WINDOW_SECONDS = 1.0
NEAR = 2.0
"""Up to so many times its baseline, latency is as ever."""
SLOW = 3.0
"""From so many times its baseline on, it is slow; between the two, nothing changes."""
QUICK_SECONDS = 0.01
"""A shorter baseline counts as this: such latencies are as much our own event loop's as SciCat's."""
GROWTH = 1 / 8
ON_SLOW = 0.9
ON_PUSH_BACK = 0.6
BASELINE_RISE = 0.1
"""Share of the way to a window's median by which a baseline rises: a server that became slower for good is believed.
Only while no more than FIRST are under way: else we would take the queue that we make ourselves for its latency."""


@dataclass(slots=True)
class _Window:
    began: float
    latencies: dict[Hashable, list[float]] = field(default_factory=dict)
    limit_reached: bool = False
    pushed_back: bool = False


class AdaptiveLimit:
    """The number of deliveries that may be under way, 1 to `most`. Times are in seconds."""

    def __init__(self, most: int, now: float = 0.0) -> None:
        self._most = most
        self._limit = float(min(FIRST, most))
        self._doubling = True
        self._doubled_at = now
        self._baselines: dict[Hashable, float] = {}
        self._window = _Window(now)

    @property
    def limit(self) -> int:
        """How many may be under way now."""
        return int(self._limit)

    def under_way(self, number: int) -> None:
        """Note how many are under way: only a limit that is reached may grow."""
        self._window.limit_reached = self._window.limit_reached or number >= self.limit

    def answered(self, kind: Hashable, seconds: float, now: float) -> None:
        """Note a good answer to a request of a kind: its route, and the order of its body's size."""
        if not self._doubling or now - seconds >= self._doubled_at:  # what was sent before says nothing of it
            self._window.latencies.setdefault(kind, []).append(seconds)
        self._decide(now)

    def pushed_back(self, now: float) -> None:
        """Note a 429, a 503, or a timeout."""
        self._window.pushed_back = True
        self._decide(now)

    def _decide(self, now: float) -> None:
        window = self._window
        if now - window.began < WINDOW_SECONDS or not (window.latencies or window.pushed_back):
            return
        self._window = _Window(now)
        ratio = self._ratio(window.latencies)
        if window.pushed_back:
            self._limit *= ON_PUSH_BACK
        elif ratio > NEAR and self._doubling:
            self._limit /= 2
        elif ratio >= SLOW:
            self._limit *= ON_SLOW
        elif ratio <= NEAR and window.limit_reached:
            self._limit += self._limit if self._doubling else max(1.0, self._limit * GROWTH)
            self._doubled_at = now
        self._doubling = self._doubling and ratio <= NEAR and not window.pushed_back
        self._limit = min(max(self._limit, 1.0), float(self._most))

    def _ratio(self, latencies: dict[Hashable, list[float]]) -> float:
        """Give latency over baseline, in the middle of all requests; 1 without any."""
        ratios = []
        for kind, seconds in latencies.items():
            middle = median(seconds)
            baseline = self._baselines.get(kind, middle)
            rise = (middle - baseline) * BASELINE_RISE if self._limit <= FIRST else 0.0
            self._baselines[kind] = middle if middle < baseline else baseline + rise
            ratios += [middle / max(baseline, QUICK_SECONDS)] * len(seconds)
        return median(ratios) if ratios else 1.0
