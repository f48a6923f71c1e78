"""What a metric is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PREFIX = "scicat_ingest_"

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, defined once; docs/metrics.md is made of these."""

    short: str
    """The name without the prefix; a counter's ends in `_total`."""
    kind: Kind
    meaning: str
    """What it counts or measures, in one phrase."""
    do: str
    """What to do when it is bad, or what it is good for."""
    labels: tuple[str, ...] = ()
    unit: str = ""
    """Of its values; empty for what is only counted."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in its unit."""

    @property
    def name(self) -> str:
        """The name in queries; a histogram's series have `_bucket`, `_sum` and `_count` behind it."""
        return PREFIX + self.short
