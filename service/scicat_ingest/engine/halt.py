"""What the engine does now, and how it gets out of a halt: by trying what had failed, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import anyio

from scicat_ingest.engine.states import ENGINE, EngineEvent, EngineState, step
from scicat_ingest.faults import RefusedByCatalogue
from scicat_ingest.report.outcome import DeadLettered, Ingested

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.engine.observer import Observer
    from scicat_ingest.faults import ConfigurationFault
    from scicat_ingest.report.outcome import Outcome

FIRST_RECHECK_SECONDS = 60.0
LAST_RECHECK_SECONDS = 300.0
LEAST_SECONDS = 1.0
LOOK_SECONDS = 5.0
"""How often a halted service looks whether its secrets have changed."""

Proof = Literal["a record", "reading", "publishing", "committing"]
"""What had failed, and must work before the halt is over."""


class Condition:
    """The engine's state.

    A halt is entered by the first ConfigurationFault that anybody meets, and left when that same thing works: after
    FIRST_RECHECK_SECONDS, doubling up to LAST_RECHECK_SECONDS, or when `secrets` gives something new, one try is made.
    """

    def __init__(self, observer: Observer, secrets: Callable[[], object]) -> None:
        self.state = EngineState.STARTING
        self.ready_once = False
        """Whether the partitions could ever be read."""
        self._observer = observer
        self._secrets = secrets
        self._awaited: Proof | None = None
        self._delay = FIRST_RECHECK_SECONDS
        self._recheck = anyio.Event()

    @property
    def reading(self) -> bool:
        """Whether records may be fetched and started."""
        return self.state in (EngineState.RUNNING, EngineState.PROBING)

    @property
    def stopping(self) -> bool:
        """Whether the end has begun."""
        return self.state in (EngineState.DRAINING, EngineState.STOPPED)

    def ready(self) -> None:
        """Note that the partitions can be read."""
        if self.state is EngineState.STARTING:
            self._step(EngineEvent.READY)
            self.ready_once = True
            self._observer.ready()

    def halt(self, fault: ConfigurationFault, awaited: Proof) -> bool:
        """Halt, until `awaited` works; tell whether this began it, so that somebody calls `recheck_later`."""
        if not self.reading:
            return False
        if self.state is EngineState.RUNNING:
            self._delay = FIRST_RECHECK_SECONDS
            self._awaited = awaited
        elif self._awaited != awaited:
            self._awaited = awaited  # the first cause may be gone; this one surely is there
        self._step(EngineEvent.HALT)
        self._recheck = anyio.Event()
        self._observer.halted(fault)
        return True

    async def recheck_later(self) -> None:
        """Wait until it is time for another try."""
        known = self._secrets()
        with anyio.move_on_after(self._delay):
            while self._secrets() == known:  # noqa: ASYNC110 (files change without an event)
                await anyio.sleep(LOOK_SECONDS)
        self._delay = min(2 * self._delay, LAST_RECHECK_SECONDS)
        if self.state is EngineState.HALTED:
            self._step(EngineEvent.RECHECK)
            self._recheck.set()

    async def until_recheck(self) -> None:
        """Wait until a halt lets its cause be tried again; a moment, if nothing is halted because we are stopping."""
        await anyio.sleep(LEAST_SECONDS)
        if self.state is EngineState.HALTED:
            await self._recheck.wait()

    def proved(self, what: Proof) -> None:
        """Note that something works."""
        if self.state is EngineState.PROBING and what == self._awaited:
            self._step(EngineEvent.PROVED)
            self._observer.resumed()

    def stop(self) -> None:
        """Begin the end."""
        if not self.stopping:
            self._step(EngineEvent.STOP)

    def stopped(self) -> None:
        """Note the end."""
        if self.state is EngineState.DRAINING:
            self._step(EngineEvent.DRAINED)

    def _step(self, event: EngineEvent) -> None:
        self.state = step(ENGINE, self.state, event)


def catalogue_has_judged(outcome: Outcome) -> bool:
    """Tell whether the outcome shows that SciCat can be worked with; a record that cannot be decoded shows nothing."""
    match outcome:
        case Ingested():
            return True
        case DeadLettered(fault=fault):
            return isinstance(fault, RefusedByCatalogue)
        case _:
            return False
