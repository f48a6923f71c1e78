"""An event loop whose clock jumps to the next timer whenever nobody can go on: no sockets, no threads, no waiting.

The idea is trio's MockClock with autojump; anyio and asyncio run on it unchanged, so every deadline and back-off of the
code under test is the real one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Result = TypeVar("Result")

MOST_STEPS = 2_000_000
"""A run that takes more steps than any healthy one goes round in circles."""


class NeverEnds(Exception):  # noqa: N818 (a finding, raised out of the loop)
    """Everybody waits for somebody, or goes round in circles."""


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """Runs coroutines in virtual time, which begins at 0 s.

    Guarantee: the same coroutines take the same steps in every run, because only timers and the order of calls decide.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._steps = 0
        self._at_step: dict[int, Callable[[], object]] = {}
        self._selector = self

    def time(self) -> float:
        """Give virtual seconds."""
        return self._now

    def at_step(self, number: int, call: Callable[[], object]) -> None:
        """Call something between two steps of the loop, wherever everybody is then."""
        self._at_step[number] = call

    def forget_steps(self) -> None:
        """Call nothing any more."""
        self._at_step.clear()

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return self._steps

    # What asyncio.BaseEventLoop asks of a selector.

    def select(self, timeout: float | None) -> list[Any]:
        """Let the time go by that the next timer waits for."""
        if timeout is None:
            raise NeverEnds("nothing is due, ever, and nobody is done")
        if timeout > 0:
            self._now += timeout
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise NeverEnds(f"{MOST_STEPS} steps were not enough")
        call = self._at_step.pop(self._steps, None)
        if call is not None:
            call()
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """Nothing comes from outside."""


def run_in_virtual_time(main: Callable[[VirtualTimeLoop], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine to its end. Raises NeverEnds."""
    loop = VirtualTimeLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main(loop))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
