"""Whether the event loop turns, told from outside of it."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.engine.standing import copy_of

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT_SECONDS = 0.5
SILENT_SECONDS = 5.0
"""A loop that has not turned for so long hangs. The watchdog ends the process after a minute by itself."""
REMEMBERED_SECONDS = 15.0


class Heart:
    """Beats in the loop; everything else may be asked in any thread."""

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, on_beat: Callable[[], object] = lambda: None
    ) -> None:
        self._monotonic = monotonic
        self._on_beat = on_beat
        self._last = monotonic()
        self._late: deque[tuple[float, float]] = deque(maxlen=round(REMEMBERED_SECONDS / BEAT_SECONDS) + 1)
        """When it beat, and how late that was."""

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            self.beat()
            await anyio.sleep(BEAT_SECONDS)

    def beat(self) -> None:
        """Note that the loop turns, and do what is to be done at each beat."""
        now = self._monotonic()
        self._late.append((now, max(now - self._last - BEAT_SECONDS, 0.0)))
        self._last = now
        self._on_beat()

    @property
    def silent_seconds(self) -> float:
        """How long ago it last beat."""
        return max(self._monotonic() - self._last, 0.0)

    @property
    def lag_seconds(self) -> float:
        """The longest that a beat was late within REMEMBERED_SECONDS, the one that is due included."""
        now = self._monotonic()
        late = [late for at, late in copy_of(lambda: self._late) if now - at <= REMEMBERED_SECONDS]
        return max([self.silent_seconds - BEAT_SECONDS, *late, 0.0])
