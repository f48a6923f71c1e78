"""What can be seen of the service from outside its loop; it fills up while the service starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scicat_ingest.engine.states import EngineState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scicat_ingest.deliver.deliveries import Deliveries
    from scicat_ingest.engine.engine import Engine
    from scicat_ingest.engine.standing import Standing

PAUSES = ("circuit", "halt", "held_limit", "source_held", "kafka")
"""Why something is not read."""


@dataclass(slots=True)
class Sights:
    """Each part is set once, when it is there; may be read in any thread."""

    deliveries: Deliveries | None = None
    """The way to SciCat."""
    engine: Engine | None = None
    """It is there only once we are logged in to SciCat."""
    retention: Mapping[str, float | None] = field(default_factory=dict)
    """For how many seconds topics keep records; None: for ever."""
    died: str | None = None
    """The fault that ends the process, if it is not ended by a signal."""
    kafka_away: str | None = None
    """What was said when Kafka was asked for the ends of our partitions and did not answer; None: it did."""
    kafka_asked: bool = False
    """Whether it was asked yet."""
    mappings: Mapping[str, str] = field(default_factory=dict)
    """By topic, the names of its mapping files."""

    @property
    def state(self) -> EngineState:
        """What the service does."""
        return EngineState.STARTING if self.engine is None else self.engine.state

    def pauses(self, standing: Standing | None) -> Iterator[str]:
        """Say why something is not read now."""
        if self.deliveries is not None and self.deliveries.numbers.circuit != "closed":
            yield "circuit"
        if standing is None:
            return
        if standing.state in (EngineState.HALTED, EngineState.PROBING):
            yield "halt"
        if standing.window_shut or any(each.window_shut for each in standing.partitions.values()):
            yield "held_limit"
        if standing.sources_held:
            yield "source_held"
        if standing.kafka_silent or self.kafka_away is not None:
            yield "kafka"
