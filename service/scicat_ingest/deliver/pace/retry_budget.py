"""How much repeating the catalogue can be asked to bear (pure): when it is used up, nothing but an outage is left.

After AWS's "standard" retry mode: a bucket of tokens that retries take from and successes fill again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

TOKENS = 500
RETRY = 5
TIMEOUT = 10
SUCCESS = 1


class RetryBudget:
    """Tokens, 0 to TOKENS."""

    def __init__(self) -> None:
        self.tokens = TOKENS
        self._taken: dict[Hashable, int] = {}
        """What the last failures of a key have cost; given back when it succeeds."""

    @property
    def empty(self) -> bool:
        """Whether no retry can be paid any more."""
        return self.tokens < RETRY

    def failed(self, key: Hashable, *, timeout: bool) -> None:
        """Pay for the retry that follows."""
        cost = min(TIMEOUT if timeout else RETRY, self.tokens)
        self.tokens -= cost
        self._taken[key] = self._taken.get(key, 0) + cost

    def succeeded(self, key: Hashable) -> None:
        """Give back what the key's failures have cost, or a little for a success without any."""
        self.tokens = min(self.tokens + self._taken.pop(key, SUCCESS), TOKENS)

    def forget(self, key: Hashable) -> None:
        """Note that the key is finished; what it has cost is gone."""
        self._taken.pop(key, None)

    def forget_all(self) -> None:
        """Note that all keys may be finished; the tokens stay as they are."""
        self._taken.clear()

    def refill(self) -> None:
        """Begin anew, after an outage."""
        self.tokens = TOKENS
        self._taken.clear()
