"""How long something was not read, and why (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.observe.sights import PAUSES

if TYPE_CHECKING:
    from collections.abc import Collection


class Pauses:
    """Adds up seconds by reason. Told regularly in the loop; read in any thread."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PAUSES, 0.0)
        self.since: dict[str, float] = {}
        """When the pauses that last now began, in seconds since 1970."""
        self._looked_at: float | None = None

    def look(self, reasons: Collection[str], monotonic: float, now: float) -> None:
        """Count the time since the last look to the pauses that lasted until now (seconds since 1970)."""
        passed = 0.0 if self._looked_at is None else monotonic - self._looked_at
        self._looked_at = monotonic
        for reason in PAUSES:
            if reason not in reasons:
                self.since.pop(reason, None)
            elif reason in self.since:
                self.seconds[reason] += passed
            else:
                self.since[reason] = now
