"""Ends the process, with a reason, when nothing goes on although it should: a fresh start is the cure.

`Suspicions` is the judgement (pure), `Watchdog` looks at the engine from within its loop, `LoopGuard` looks at the loop
from a thread of its own. All count looks, not seconds: after a SIGSTOP the clock has jumped, and nobody is to blame.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.engine.states import EngineState
from scicat_ingest.faults import KafkaUnavailable, Stalled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scicat_ingest.consume.record_stream import Partition
    from scicat_ingest.engine.ports import Pulse

_LOG = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
FETCH_SECONDS = 120.0
"""A partition with lag that is read gives records within milliseconds; a leader election takes about 10 s."""
REBALANCE_SECONDS = 180.0
"""Added to the session timeout, for which a rebalance may have to wait for a dead member."""
LOOP_SECONDS = 60.0
"""Heartbeats to Kafka share the loop: at the session timeout (45 s) the partitions are gone anyway."""
END_SECONDS = 60.0
"""How long an orderly end may take before the process is ended by force."""


class Suspicions:
    """What has not moved between two looks, and for how many looks (pure)."""

    def __init__(self, session_timeout_seconds: float) -> None:
        self._rebalance_looks = (REBALANCE_SECONDS + session_timeout_seconds) / LOOK_SECONDS
        self._fetch_looks = FETCH_SECONDS / LOOK_SECONDS
        self._last: Pulse | None = None
        self._counts: dict[object, int] = {}

    def look(self, pulse: Pulse, lags: Mapping[Partition, int] | None) -> str | None:
        """Give the reason to end the process, if there is one. `lags` is None while Kafka does not answer."""
        last, self._last = self._last, pulse
        current: dict[object, tuple[str, float]] = {}
        if last is not None and lags is not None and pulse.state is not EngineState.HALTED:
            current = dict(self._unmoved(last, pulse, lags))
        self._counts = {what: self._counts.get(what, 0) + 1 for what in current}
        for what, (reason, most) in current.items():
            if self._counts[what] > most:
                return f"{reason} for {self._counts[what] * LOOK_SECONDS:.0f} s, and Kafka answers"
        return None

    def _unmoved(
        self, last: Pulse, pulse: Pulse, lags: Mapping[Partition, int]
    ) -> list[tuple[object, tuple[str, float]]]:
        if pulse.unassigned_since is not None:
            if pulse.unassigned_since != last.unassigned_since:
                return []
            return [("rebalance", ("the rebalance has not given us partitions", self._rebalance_looks))]
        unmoved: list[tuple[object, tuple[str, float]]] = []
        if pulse.fetched_at == last.fetched_at:
            unmoved.append(("reading", ("no fetch has returned", self._fetch_looks)))
        for partition, end in pulse.received.items():
            lag = lags.get(partition, 0)
            if lag > 0 and last.received.get(partition, -1) == end:
                reason = f"{partition[0]}[{partition[1]}] has {lag} more records and gave none"
                unmoved.append((partition, (reason, self._fetch_looks)))
        return unmoved


class LoopGuard:
    """A thread that ends the process if the event loop does not turn for LOOP_SECONDS.

    Only `os._exit` is left then: nothing that needs the loop can still be done. Nothing is lost: what is not committed
    comes again.
    """

    def __init__(self, end: Callable[[int], object] = os._exit, tick_seconds: float = 1.0) -> None:
        self._end = end
        self._tick = tick_seconds
        self._turns = 0
        self._ends_in: float | None = None
        self._over = threading.Event()
        self._watched = 0
        self._thread = threading.Thread(target=self._guard, name="loop-guard", daemon=True)

    def start(self) -> None:
        """Begin to watch the thread that calls this."""
        self._watched = threading.get_ident()
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer, unless an end is expected: that is watched to its end."""
        if self._ends_in is None:
            self._over.set()
            self._thread.join()

    async def turn(self) -> None:
        """Show again and again that the loop turns."""
        while True:
            self._turns += 1
            await anyio.sleep(self._tick)

    def expect_end(self) -> None:
        """End the process by force if it has not ended within END_SECONDS."""
        self._ends_in = END_SECONDS

    def _guard(self) -> None:
        seen, still = -1, 0.0
        while not self._over.wait(self._tick):
            still = 0.0 if self._turns != seen else still + self._tick
            seen = self._turns
            if self._ends_in is not None:
                self._ends_in -= self._tick
            if still > LOOP_SECONDS:
                self._give_up(f"the event loop has not turned for {still:.0f} s")
            elif self._ends_in is not None and self._ends_in < 0:
                self._give_up(f"the orderly end took longer than {END_SECONDS:.0f} s")

    def _give_up(self, reason: str) -> None:
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001 (documented, and the only way)
        where = "".join(traceback.format_stack(frame)) if frame is not None else ""
        _LOG.critical("stalled: %s; ending the process, nothing is lost. It is here:\n%s", reason, where)
        logging.shutdown()
        self._end(1)
        self._over.set()


class Watchdog:
    """Looks at the engine every LOOK_SECONDS; `tell` learns whether Kafka answered."""

    def __init__(
        self,
        lags: Callable[[], Awaitable[Mapping[Partition, int]]],
        *,
        session_timeout_seconds: float,
        tell: Callable[[KafkaUnavailable | None], object] = lambda _: None,
        guard: LoopGuard | None = None,
    ) -> None:
        self._lags = lags
        self._tell = tell
        self._suspicions = Suspicions(session_timeout_seconds)
        self._guard = guard or LoopGuard()

    async def watch(self, pulse: Callable[[], Pulse]) -> None:
        """Look until something is wrong. Raises Stalled; the end that follows is watched, too."""
        self._guard.start()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._guard.turn)
                reason = await self._look(pulse)
                self._guard.expect_end()
                raise Stalled(reason)
        finally:
            self._guard.stop()

    async def _look(self, pulse: Callable[[], Pulse]) -> str:
        while True:
            await anyio.sleep(LOOK_SECONDS)
            try:
                lags = await self._lags()
            except KafkaUnavailable as fault:
                self._tell(fault)
                lags = None
            else:
                if lags:  # else nobody was asked
                    self._tell(None)
            reason = self._suspicions.look(pulse(), lags)
            if reason is not None:
                return reason
