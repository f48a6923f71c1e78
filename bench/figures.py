"""What was measured, and what is made of several rounds (pure)."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

SERVICE = "the service"
LOOP = "loop on httpx-aiohttp"
"""What ratios are to: the shortest client that keeps many requests in flight (bench/contestants.py)."""
LOOP_ON_HTTPX = "loop on httpx"
PYSCICAT = "pyscicat"
CEILING = "raw POSTs"
"""The sink's own program, in Go, with no Kafka before it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one contestant did with one batch of events."""

    cpu_ms: float
    """CPU milliseconds of the client an event: all its processes, user and system."""
    events_per_second: float
    peak_mib: float
    """Of its largest process."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several rounds."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        """Write the median, and the least and the most where there are several rounds."""
        if self.least == self.most:
            return _short(self.median)
        return f"{_short(self.median)} ({_short(self.least)} to {_short(self.most)})"


@dataclass(slots=True)
class Comparison:
    """Contestants on the same records, round after round: noise of the machine hits all of them alike."""

    name: str
    about: str
    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    ceiling_per_second: float | None = None
    """Where the sink waits: events/s at which all places are always taken."""

    def add(self, contestant: str, figures: Figures) -> None:
        """Take in one round of a contestant."""
        self.rounds.setdefault(contestant, []).append(figures)

    def spread(self, contestant: str, what: str) -> Spread:
        """Give a figure of a contestant."""
        return spread_of([getattr(figures, what) for figures in self.rounds[contestant]])

    def ratio(self, contestant: str, what: str, to: str = LOOP) -> Spread | None:
        """Give a figure's ratio to another contestant's of the same round; None where that one did not run."""
        pairs = zip(self.rounds[contestant], self.rounds.get(to, ()), strict=False)
        ratios = [getattr(one, what) / getattr(other, what) for one, other in pairs]
        return spread_of(ratios) if ratios else None

    @property
    def document(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return asdict(self)


@dataclass(slots=True)
class Facts:
    """Single figures, by name; each has its unit in its name."""

    name: str
    about: str
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **figures: float) -> None:
        """Take in one round."""
        for name, figure in figures.items():
            self.rounds.setdefault(name.replace("_", " "), []).append(figure)

    @property
    def document(self) -> dict[str, Any]:
        """Everything, as JSON."""
        return asdict(self)


def spread_of(values: list[float]) -> Spread:
    """Give median, least and most."""
    return Spread(statistics.median(values), min(values), max(values))


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """Give p50, p95 and p99."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def machine() -> dict[str, Any]:
    """Tell where it was measured."""
    packages = ("aiokafka", "aiohttp", "httpx", "httpx-aiohttp", "pydantic", "pyscicat")
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"
