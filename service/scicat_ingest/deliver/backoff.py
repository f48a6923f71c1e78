"""How long to wait before the next try (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scicat_ingest.settings import RetrySettings


def delay_seconds(attempt: int, settings: RetrySettings, chance: float, retry_after: float | None = None) -> float:
    """Full jitter: a share `chance` (0 to 1) of a bound that doubles with each attempt (1, 2, …).

    Never less than what the server asked for. Source: M. Brooker, "Exponential Backoff And Jitter", AWS, 2015.
    """
    bound: float = min(settings.max_delay_seconds, settings.first_delay_seconds * 2 ** min(attempt - 1, 30))
    return max(bound * chance, retry_after or 0.0)
