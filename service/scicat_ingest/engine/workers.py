"""Tasks that work, and are kept for more work: beginning one costs as much as the engine does for a record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVarTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup

What = TypeVarTuple("What")


class Workers(Generic[*What]):
    """As many tasks as ever had work at once; they end with the task group that they are in."""

    def __init__(self, work_on: Callable[[*What], Awaitable[None]]) -> None:
        self._work_on = work_on
        self._idle: list[asyncio.Future[tuple[*What]]] = []
        """What each task without work waits for; one that is done was cancelled."""

    def begin(self, tasks: TaskGroup, *what: *What) -> None:
        """Begin the work, beside all others. What it raises ends the task group."""
        while self._idle:
            waiting = self._idle.pop()
            if not waiting.done():
                waiting.set_result(what)
                return
        tasks.start_soon(self._live, what)

    async def _live(self, what: tuple[*What]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._work_on(*what)
            del what  # is not to be held while there is nothing to do
            waiting: asyncio.Future[tuple[*What]] = loop.create_future()
            self._idle.append(waiting)
            what = await waiting
