"""When the next request may go out (pure): a rate that holds over any window, and the server's wish to be left alone.

The rate is for all replicas together: each takes the share of the partitions that it owns, so that nobody needs to ask
anybody.
"""

from __future__ import annotations

SAFE_SHARE = 0.97
"""What is given out of the rate; the rest is for the bursts, so that the rate holds over any 10 s."""
BURST_SECONDS = 0.15
"""How much of the rate may be saved up while nothing is sent."""


class RateBucket:
    """Spaces requests. Times are in seconds of a clock that never goes back."""

    def __init__(self, requests_per_second: float | None) -> None:
        self._rate = requests_per_second
        self._share = 1.0
        self._due = float("-inf")
        """When the next request would go out if nothing could be saved up."""
        self._not_before = float("-inf")

    @property
    def rate(self) -> float | None:
        """What this replica may send, in requests per second; None: as much as it can."""
        return None if self._rate is None else self._rate * self._share

    def set_share(self, share: float) -> None:
        """Take this share of the rate from now on, above 0, at most 1."""
        self._share = share

    def cool_down(self, until: float) -> None:
        """Let nothing go out before, whoever asks."""
        self._not_before = max(self._not_before, until)

    def cooling(self, now: float) -> float:
        """Give the seconds for which the server wants nothing."""
        return max(self._not_before - now, 0.0)

    def take(self, now: float) -> float:
        """Take the place of one request; give the seconds to wait for it."""
        at = max(now, self._not_before)
        if self.rate is not None:
            at = max(at, self._due - BURST_SECONDS)
            self._due = max(self._due, at) + 1.0 / (self.rate * SAFE_SHARE)
        return at - now
