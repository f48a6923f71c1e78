"""What must hold in every run, looked at while it happens and at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scicat_ingest.report.message import outcome_id
from scicat_ingest.testing.simulate.scenario import Kind

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.engine.engine import Engine
    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.testing.memory_kafka import MemoryKafka
    from scicat_ingest.testing.simulate.scenario import Scenario, SentRecord

Coordinates = tuple[int, int]
"""Partition and offset."""


class Violation(AssertionError):  # noqa: N818 (a finding)
    """A promise is broken."""


def coordinates(record: Record) -> Coordinates:
    """Name a record."""
    return record.partition, record.offset


@dataclass(slots=True)
class Checks:
    """All that is known about a run. Each method raises Violation."""

    scenario: Scenario
    sent: dict[Coordinates, SentRecord] = field(default_factory=dict)
    """In the order in which they were sent."""
    acknowledged: dict[Coordinates, None] = field(default_factory=dict)
    """Records whose outcome a process knows to be stored, or that have none to store."""
    trace: list[tuple[object, ...]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _running: dict[tuple[str, str], Coordinates] = field(default_factory=dict)

    def began(self, process: str, record: Record, engine: Engine) -> None:
        """Look at an attempt that begins: order per lane (P4), bounds (P5)."""
        here, lane = coordinates(record), self.sent[coordinates(record)].lane
        self._note("begin", process, *here)
        other = self._running.get((process, f"{here[0]} {lane}"))
        # An attempt of a closed session may still wait for an answer; real deliveries of a pid then take turns.
        if other is not None and not self.scenario.whole:
            raise Violation(f"{process} works on {other} and {here} of lane {lane} at once")
        self._running[process, f"{here[0]} {lane}"] = here
        for earlier, sent in self.sent.items():
            before = earlier[0] == here[0] and earlier[1] < here[1]
            if before and sent.lane == lane and earlier not in self.acknowledged:
                raise Violation(f"{here} begins before {earlier} of the same lane has ended")
        self.held(engine)

    def ended(self, process: str, record: Record) -> None:
        """Note that an attempt is over, however."""
        self._running.pop((process, f"{record.partition} {self.sent[coordinates(record)].lane}"), None)
        self._note("end", process, *coordinates(record))

    def held(self, engine: Engine) -> None:
        """Look at what is in memory."""
        bounds = self.scenario.bounds
        if engine.held_records > bounds.records:
            raise Violation(f"{engine.held_records} records held, {bounds.records} allowed")
        if engine.held_bytes > bounds.bytes and engine.held_records > 1:
            raise Violation(f"{engine.held_bytes} bytes held in {engine.held_records} records, {bounds.bytes} allowed")

    def published(self, outcome: Outcome) -> None:
        """Note an outcome that a process knows to be stored."""
        self._note("acknowledged", *coordinates(outcome.record), type(outcome).__name__)
        self.acknowledged[coordinates(outcome.record)] = None

    def committed(self, group: str, partition: Partition, offset: int) -> None:
        """Look at an offset that Kafka has taken: nothing below it may be open (P1)."""
        self._note("commit", group, partition[1], offset)
        for here in self.sent:
            if here[0] == partition[1] and here[1] < offset and here not in self.acknowledged:
                raise Violation(f"offset {offset} of partition {partition[1]} is committed, and {here} has no outcome")

    def missing(self, kafka: MemoryKafka, group: str) -> str:
        """Say what is still to be done; empty if nothing is."""
        open_ones = [here for here in self.sent if here not in self.acknowledged]
        if open_ones:
            return f"no outcome for {open_ones}"
        committed = kafka.group(group).committed
        for (topic, number), log in kafka.logs.items():
            end = log.records[-1].offset + 1 if log.records else None
            if end is not None and committed.get((topic, number)) != end:
                return f"partition {number} is committed up to {committed.get((topic, number))}, not {end}"
        return ""

    def finished(self, kafka: MemoryKafka) -> None:
        """Look at all outcomes: each record has one id, and the outcome that it must have (P1, P2)."""
        ids: dict[Coordinates, set[str]] = {}
        for message in kafka.published:
            ids.setdefault(coordinates(message.outcome.record), set()).add(message.outcome_id)
        self.counts["repeated outcomes"] = len(kafka.published) - len(ids)
        if any(len(names) > 1 for names in ids.values()) or len(set.union(set(), *ids.values())) != len(ids):
            raise Violation("an outcome id names two records, or a record has two")
        expected = {here for here, sent in self.sent.items() if sent.kind is not Kind.SKIPPED}
        if set(ids) != expected:
            raise Violation(f"outcomes are missing or too many: {sorted(set(ids) ^ expected)}")
        for message in kafka.published:
            sent = self.sent[coordinates(message.outcome.record)]
            dead = type(message.outcome).__name__ == "DeadLettered"
            if dead != (sent.kind in (Kind.POISON, Kind.REJECTED)):
                raise Violation(f"{message.outcome.record} ended as {type(message.outcome).__name__}: {sent.kind}")
            if message.outcome_id != outcome_id(message.outcome.record):
                raise Violation(f"{message.outcome.record} has a foreign outcome id")

    def _note(self, what: str, *rest: object) -> None:
        self.counts[what] += 1
        self.trace.append((what, *rest))
