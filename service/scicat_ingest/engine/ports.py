"""What the engine needs of its neighbours; `consume.record_stream` has Kafka's part."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Mapping, Sequence

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.deliver.delivered import TryAgain
    from scicat_ingest.engine.states import EngineState
    from scicat_ingest.report.outcome import Outcome


Lane = Hashable
"""Records of one lane are worked off one after another: the pid (a text), else the record's key, else the record."""


LARGE_RECORD_BYTES = 128 * 1024
"""A larger record is prepared in a thread: it takes more than about 5 ms, and heartbeats share the loop. That costs a
tenth more CPU time, and threads take turns of 5 ms anyway."""


@dataclass(frozen=True, slots=True)
class Aside:
    """Work that needs no place at the catalogue and may take long; the job's next attempt comes after it."""

    work: Callable[[], Awaitable[None]]
    """Never raises; may be cancelled."""


class Job(Protocol):
    """The work on one record."""

    async def attempt(self) -> Outcome | TryAgain | Aside:
        """Try to bring it to its end, once.

        Cancellation takes effect between two requests, never within one. Raises ConfigurationFault (halt; the same job
        may be tried again afterwards). Everything else that is expected is an outcome.
        """
        ...


Key = Hashable
"""Names a record that is kept."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Do not begin yet: wait for another record to wake or complete this one, at most until a time."""

    key: Key
    seconds: float
    """Then it is woken."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record that is ready to be worked on."""

    lane: Lane
    job: Job
    keep: Keep | None = None
    completes: Sequence[Key] = ()
    """What is kept and done when this one's outcome is acknowledged; may grow until then."""
    wakes: tuple[Key, ...] = ()
    """What is kept and can be worked on now."""
    on_done: Callable[[], None] | None = None
    """Called when this one's outcome is acknowledged."""


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A record about which nothing is left to do, as long as its run goes on."""

    wakes: tuple[Key, ...] = ()


class Prepares(Protocol):
    """Turns records into work."""

    def begin_joins(self, previous: object) -> object:
        """Give what `prepare` keeps of unfinished runs, nothing yet, for an assignment after the `previous` one's."""
        ...

    def prepare(self, record: Record, joins: object) -> Prepared | Absorbed:
        """Decode, map and plan; nothing is requested yet. May take long for a large record.

        Called for one record after another, in the order of their offsets.
        """
        ...

    def abort_started(self) -> None:
        """Give up the requests that are under way, whatever becomes of them: the process ends."""
        ...


class Publishes(Protocol):
    """The outcome topics."""

    async def publish(self, outcome: Outcome) -> None:
        """Return when Kafka has acknowledged the outcome with acks=all.

        Raises KafkaUnavailable if it has not within some seconds: calling again with an outcome of the same record goes
        on with the same message, and does not send a second one while the first may still arrive. Raises
        ConfigurationFault if Kafka refuses it.
        """
        ...


class Admits(Protocol):
    """How much of the catalogue may be used now."""

    @property
    def places(self) -> int:
        """How many attempts may be under way at once; 0 while the catalogue is away."""
        ...

    @property
    def isolated(self) -> Container[Lane]:
        """Lanes whose records must be under way alone."""
        ...

    @property
    def trying(self) -> bool:
        """Whether others than the isolated ones should go first."""
        ...

    def take_share(self, share: float) -> None:
        """Learn which share of all input partitions is ours, above 0, at most 1: it is our share of the rate."""
        ...

    async def tend(self, changed: Callable[[], None]) -> None:
        """Look whether the catalogue is back; call `changed` when there may be more places. Runs for ever."""
        ...


@dataclass(frozen=True, slots=True)
class Places:
    """So many places, always."""

    places: int
    isolated: Container[Lane] = ()
    trying: bool = False

    def take_share(self, share: float) -> None:
        """Nothing depends on it."""

    async def tend(self, changed: Callable[[], None]) -> None:
        """Nothing ever changes."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Signs of life, for the watchdog. Times are `anyio.current_time()`."""

    state: EngineState
    fetched_at: float
    """When the last fetch returned, with or without records."""
    unassigned_since: float | None
    """Since when we wait for partitions; None if we have been told which are ours."""
    received: Mapping[Partition, int | None]
    """For each partition that is being read now, one past the last offset that came."""
