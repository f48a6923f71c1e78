"""One partition while it is ours (pure), and the work on its records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scicat_ingest.engine.lanes import Lanes
from scicat_ingest.engine.ledger import Ledger
from scicat_ingest.engine.states import SESSION, WORK, SessionEvent, SessionState, WorkEvent, WorkState, step
from scicat_ingest.engine.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.engine.ledger import Completions
    from scicat_ingest.engine.ports import Lane, Prepared

_RECORD_OVERHEAD_BYTES = 100


@dataclass(slots=True, eq=False)
class Work:
    """The work on one record. Refers to its session: a new session of the same partition is none of its business."""

    record: Record
    session: PartitionSession
    state: WorkState = WorkState.RECEIVED
    _prepared: Prepared | None = None
    abandon: Callable[[], None] | None = None
    """Ends the attempt, the wait or the publishing that is under way."""

    @property
    def size(self) -> int:
        """Bytes that the record itself takes in memory, about."""
        return record_size(self.record)

    @property
    def prepared(self) -> Prepared:
        """Its lane and its job; known once it is QUEUED."""
        if self._prepared is None:
            raise RuntimeError(f"{self.record} is not prepared yet")
        return self._prepared

    @prepared.setter
    def prepared(self, prepared: Prepared) -> None:
        self._prepared = prepared

    @property
    def lane(self) -> Lane:
        """What it waits in line for."""
        return self.prepared.lane

    def step(self, event: WorkEvent) -> None:
        """Go on to the next state."""
        self.state = step(WORK, self.state, event)

    @property
    def under_way(self) -> bool:
        """Whether a drain waits for it."""
        return self.state in (WorkState.RUNNING, WorkState.UNPUBLISHED)


def record_size(record: Record) -> int:
    """Give the bytes of a record's key, value and headers, and a little for the rest."""
    headers = sum(len(name) + len(text or b"") for name, text in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + _RECORD_OVERHEAD_BYTES


@dataclass(slots=True, eq=False)
class PartitionSession:
    """A partition from its assignment to its revocation: its ledger, its lanes, its window, its state."""

    partition: Partition
    window: Window
    ledger: Ledger
    state: SessionState = SessionState.ACTIVE
    lanes: Lanes[Work] = field(default_factory=Lanes)
    committed: int | None = None
    """What Kafka has last taken from us."""
    open: dict[int, Work] = field(default_factory=dict)
    """By offset: everything that is neither done nor dropped."""

    @classmethod
    def begin(cls, partition: Partition, most_records: int, remembered: Completions) -> PartitionSession:
        """Give a session of a partition that was just assigned."""
        return cls(partition, Window(most_records), Ledger(remembered))

    @property
    def topic(self) -> str:
        """The source."""
        return self.partition[0]

    @property
    def fetchable(self) -> bool:
        """Whether more may be fetched."""
        return self.state is SessionState.ACTIVE and self.window.open

    def step(self, event: SessionEvent) -> None:
        """Go on to the next state."""
        self.state = step(SESSION, self.state, event)

    @property
    def committable(self) -> int | None:
        """The offset to commit, if it is further than the last one."""
        position = self.ledger.position
        return None if position == self.committed else position
