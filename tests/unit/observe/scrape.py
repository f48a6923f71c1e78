"""What Prometheus would see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from scicat_ingest.observe.metrics.metric import PREFIX

if TYPE_CHECKING:
    from scicat_ingest.observe.ops import Ops

Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Scrape:
    """One look at /metrics."""

    values: dict[Series, float]

    @classmethod
    def of(cls, ops: Ops) -> Scrape:
        text = ops.resources()["/metrics"].get({}).body.decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        values = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
        assert len(values) == len(samples), "no series twice"
        return cls(values)

    def get(self, short: str, **labels: str) -> float | None:
        """Give the value of one of our series; None if there is none."""
        return self.values.get((PREFIX + short, frozenset(labels.items())))

    def by(self, short: str, label: str) -> dict[str, float]:
        """Give the values of all series of a metric by one label, added up, without zeros."""
        found: dict[str, float] = {}
        for (name, labels), value in self.values.items():
            if name == PREFIX + short and value:
                found[dict(labels)[label]] = found.get(dict(labels)[label], 0.0) + value
        return found
