"""What all deliveries of this process share: the gates before a request, and what is learned from its end.

The gates in their order: the circuit and the number of places (asked by the engine before a record is started), then
the rate (waited for before each request). A place is held for one attempt, never while a record waits for its next one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import anyio

from scicat_ingest.deliver.classify import WRITES, Health, Route
from scicat_ingest.deliver.pace.adaptive_limit import AdaptiveLimit
from scicat_ingest.deliver.pace.circuit import Circuit, CircuitState
from scicat_ingest.deliver.pace.evidence import Evidence
from scicat_ingest.deliver.pace.rate_bucket import RateBucket
from scicat_ingest.deliver.pace.retry_budget import RetryBudget
from scicat_ingest.deliver.pace.suspects import Suspects
from scicat_ingest.faults import CatalogueUnavailable

if TYPE_CHECKING:
    from collections.abc import Container, Hashable

    from scicat_ingest.settings import LimitsSettings

_LOG = logging.getLogger(__name__)

LONGEST_COOL_DOWN_IN_PLACE = 2.0
"""Seconds. When SciCat wants to be left alone for longer, a record gives its place back and waits outside."""

LATELY_SECONDS = 5.0
"""A server that gave others a good answer so short ago knows us, and has its database."""
PROBE_SECONDS = 5.0
"""So that work goes on within 10 s of an outage's end; one anonymous GET costs SciCat nothing."""
PROBE_JITTER = 0.3


class Clock(Protocol):
    """Time and chance, so that tests and the simulation decide on both."""

    def monotonic(self) -> float:
        """Give seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def chance(self) -> float:
        """Give a random number from 0 to 1."""
        ...


class Ended(NamedTuple):
    """How a request ended."""

    route: Route
    body_bytes: int
    seconds: float
    good: bool
    """SciCat gave an answer that means something, be it a refusal."""
    timeout: bool = False
    pushed_back: bool = False
    """A 429 or a 503."""
    retry_after: float | None = None
    """Seconds that SciCat wants to be left alone."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where things stand, for those who watch."""

    circuit: str
    circuit_opened: int
    """How often it has opened."""
    places: int
    under_way: int
    rate: float | None
    """What this replica may send, in requests per second."""
    retry_tokens: int
    suspects: int
    waited_seconds: float
    """Time that requests have waited for the rate, in all."""
    waiting: int
    """Requests that wait for the rate now."""
    limit: int
    """How many records may be under way while the circuit is closed."""
    reason: str
    """Why the circuit opened last; empty if it never did."""


class Traffic:
    """Asked before, told afterwards. All in one event loop: nothing here waits but `admit`."""

    def __init__(self, limits: LimitsSettings, clock: Clock) -> None:
        self._clock = clock
        self._places = AdaptiveLimit(limits.max_concurrency, clock.monotonic())
        self._rate = RateBucket(limits.requests_per_second)
        self._budget = RetryBudget()
        self._circuit = Circuit()
        self._suspects = Suspects()
        self._evidence = Evidence()
        self._waited = 0.0
        self._waiting = 0
        self._good_at = float("-inf")
        """When the last request was answered well."""
        self._openings = 0
        self._opened = anyio.Event()

    # What the engine asks

    @property
    def places(self) -> int:
        """How many records may be under way; 0 while the circuit is open."""
        match self._circuit.state:
            case CircuitState.CLOSED:
                return self._places.limit
            case CircuitState.TRIAL:
                return 1
            case CircuitState.OPEN:
                return 0

    @property
    def trying(self) -> bool:
        """Whether the next record decides if the catalogue is back: one that is no suspect, if there is one."""
        return self._circuit.state is CircuitState.TRIAL

    @property
    def isolated(self) -> Container[Hashable]:
        """The pids of records that must be under way alone: one of them may bring the catalogue down."""
        return self._suspects

    def take_share(self, share: float) -> None:
        """Send this share of what all replicas together may send: partitions were assigned anew.

        What was learned of single records is forgotten: they may be somebody else's now.
        """
        self._rate.set_share(share)
        self._budget.forget_all()
        self._evidence.forget_all()
        self._suspects.clear_all()

    @property
    def numbers(self) -> Numbers:
        """Where things stand. May be read in any thread: each number is right, if not all of the same moment."""
        return Numbers(
            circuit=self._circuit.state.name.lower(),
            circuit_opened=self._openings,
            places=self.places,
            under_way=self._suspects.under_way,
            rate=self._rate.rate,
            retry_tokens=self._budget.tokens,
            suspects=len(self._suspects),
            waited_seconds=self._waited,
            waiting=self._waiting,
            limit=self._places.limit,
            reason=self._circuit.reason,
        )

    # Around a request

    async def admit(self) -> None:
        """Wait until the next request may go out. Raises CatalogueUnavailable if that is long."""
        now = self._clock.monotonic()
        cooling = self._rate.cooling(now)
        if cooling > LONGEST_COOL_DOWN_IN_PLACE:
            raise CatalogueUnavailable(f"SciCat asks to be left alone for {cooling:.0f} s", retry_after=cooling)
        wait = self._rate.take(now)
        if wait > 0:
            self._waited += wait
            self._waiting += 1
            try:
                await self._clock.sleep(wait)
            finally:
                self._waiting -= 1

    def ended(self, key: Hashable | None, request: Ended) -> None:
        """Learn from a request; `key` is the record's pid, None for one that is no record's."""
        now = self._clock.monotonic()
        if request.retry_after is not None and not request.good:
            self._rate.cool_down(now + request.retry_after)
        if request.good:
            self._good_at = now
        if request.pushed_back or request.timeout:
            self._places.pushed_back(now)
        elif request.good:
            kind = (request.route, request.body_bytes.bit_length() // 2)
            self._places.answered(kind, request.seconds, now)
        if key is None:
            return
        if request.good:
            self._budget.succeeded(key)
            self._evidence.succeeded(key, request.route)
            if request.route in WRITES:
                self._close()
        else:
            self._budget.failed(key, timeout=request.timeout)
            self._evidence.failed(key, request.route)
        closed = self._circuit.state is CircuitState.CLOSED
        self._circuit.ended(key, good=request.good)
        if closed and self._circuit.state is CircuitState.OPEN:
            self._note_opened()
        elif closed and self._budget.empty:
            self._open("no more retries can be paid: too many requests fail")

    # Around an attempt

    def begin(self, pid: str) -> int:
        """Note that an attempt begins; what is given tells whether its end says something about now."""
        self._suspects.begin(pid)
        self._places.under_way(self._suspects.under_way)
        return self._openings

    def end(self, pid: str) -> None:
        """Note that it has ended, in whatever way."""
        self._suspects.end(pid)

    def worked(self, pid: str) -> None:
        """Note that it came to an end that SciCat decided on."""
        self._suspects.clear(pid)
        self._evidence.forget(pid)
        self._budget.forget(pid)
        self._close()

    def failed(self, pid: str, began: int, health: Health, *, wrote: bool) -> None:
        """Note that it failed, and how SciCat was right after that.

        `began` is what `begin` gave; `wrote`: SciCat may have got a write of this record, and not answered well.
        """
        if began != self._openings:  # it was under way when the circuit opened: that is known
            if wrote and health is Health.DOWN:
                self._suspects.suspect(pid)
            return
        if health is Health.UP:
            self._suspects.clear(pid)
        elif health is Health.DOWN:
            if wrote:
                self._suspects.went_down(pid)
            self._open("SciCat is down")
        elif not self.was_good_lately:
            self._open("SciCat does not answer")
        if self.trying:
            self._open(self._circuit.reason)

    def moved(self, pid: str) -> None:
        """Note that a record got on, whatever its requests were answered."""
        self._evidence.forget(pid)

    def blames(self, pid: str) -> str | None:
        """Give the evidence that a record's failures are its own, if there is enough."""
        return self._evidence.blames(pid)

    def is_deadly(self, pid: str) -> bool:
        """Tell whether SciCat goes down of this record."""
        return self._suspects.is_deadly(pid)

    # The circuit

    @property
    def closed(self) -> bool:
        """Whether everything may be sent."""
        return self._circuit.state is CircuitState.CLOSED

    @property
    def is_open(self) -> bool:
        """Whether nothing but probes may be sent."""
        return self._circuit.state is CircuitState.OPEN

    @property
    def was_good_lately(self) -> bool:
        """Whether SciCat has given somebody a good answer some seconds ago."""
        return self._clock.monotonic() - self._good_at < LATELY_SECONDS

    @property
    def is_cooling(self) -> bool:
        """Whether SciCat wants to be left alone for a while."""
        return self._rate.cooling(self._clock.monotonic()) > LONGEST_COOL_DOWN_IN_PLACE

    async def until_open(self) -> None:
        """Wait until the circuit is open."""
        if not self.is_open:
            await self._opened.wait()

    @property
    def probe_delay(self) -> float:
        """Seconds until the next probe; a little more for chance, so that replicas do not ask together."""
        return PROBE_SECONDS * (1 + PROBE_JITTER * self._clock.chance())

    def probed(self, *, good: bool) -> None:
        """Note a probe."""
        self._circuit.probed(good=good)

    def _close(self) -> None:
        if self.trying:
            self._circuit.tried(good=True)
            self._budget.refill()
            self._evidence.forget_all()
            _LOG.info("SciCat is back; going on")

    def _open(self, reason: str) -> None:
        if self._circuit.state is not CircuitState.OPEN:
            self._circuit.open(reason)
            self._note_opened()

    def _note_opened(self) -> None:
        self._openings += 1
        self._opened.set()
        self._opened = anyio.Event()
        _LOG.warning("paused, nothing is lost: %s. Is it up? It is asked until it is", self._circuit.reason)
