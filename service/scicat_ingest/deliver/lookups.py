"""Look-ups of all records: each thing is asked for once for all of them, and the answer is kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.deliver.questions import NotThere
from scicat_ingest.faults import IngestFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scicat_ingest.deliver.pace.traffic import Clock
    from scicat_ingest.mapping.lookups import Found, Wanted
    from scicat_ingest.settings import LookupsSettings

NOT_THERE_SECONDS = 30.0
"""How long it is taken for granted that something is not there: records wait for it to come."""
MOST_REMEMBERED = 10_000
"""Answers kept, a few MB; then the one that was not used for the longest time is forgotten."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    answered: Found | NotThere
    asked_at: float


@dataclass(slots=True, eq=False)
class _Asking:
    ended: anyio.Event
    came_to: Found | NotThere | IngestFault | None = None
    """None until it has ended, and for ever if whoever asked was cancelled."""


class Lookups:
    """Answers for everybody, in one event loop.

    Guarantees: an answer is given for `ttl_seconds` at most, counted from the question, and that something is not there
    for NOT_THERE_SECONDS at most; never two questions for the same thing at once; a failure is given to those who
    waited for that answer, and to nobody else.
    """

    def __init__(
        self, ask: Callable[[Wanted], Awaitable[Found | NotThere]], settings: LookupsSettings, clock: Clock
    ) -> None:
        self._ask = ask
        self._ttl = settings.ttl_seconds
        self._clock = clock
        self._remembered: OrderedDict[Wanted, _Remembered] = OrderedDict()
        self._under_way: dict[Wanted, _Asking] = {}

    async def find(self, wanted: Wanted) -> Found | NotThere:
        """Give what is known, else ask, else wait for somebody else's answer. Raises whatever the question raised."""
        while True:
            known = self._recall(wanted)
            if known is not None:
                return known
            asking = self._under_way.get(wanted)
            if asking is None:
                return await self._ask_for_all(wanted)
            await asking.ended.wait()
            if isinstance(asking.came_to, IngestFault):
                raise asking.came_to
            if asking.came_to is not None:
                return asking.came_to

    async def _ask_for_all(self, wanted: Wanted) -> Found | NotThere:
        asking = self._under_way[wanted] = _Asking(anyio.Event())
        asked_at = self._clock.monotonic()
        try:
            answered = asking.came_to = await self._ask(wanted)
        except IngestFault as fault:
            asking.came_to = fault
            raise
        finally:
            del self._under_way[wanted]
            asking.ended.set()
        self._remembered[wanted] = _Remembered(answered, asked_at)
        self._remembered.move_to_end(wanted)
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return answered

    def _recall(self, wanted: Wanted) -> Found | NotThere | None:
        known = self._remembered.get(wanted)
        if known is None:
            return None
        ttl = min(self._ttl, NOT_THERE_SECONDS) if isinstance(known.answered, NotThere) else self._ttl
        if self._clock.monotonic() - known.asked_at >= ttl:
            del self._remembered[wanted]
            return None
        self._remembered.move_to_end(wanted)
        return known.answered
