"""The process that a member of a group runs in: it may die, stand still for a while, or be cut off from Kafka."""

from __future__ import annotations

import anyio
from anyio.lowlevel import checkpoint


class Process:
    """What stream and publisher of one replica share."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.frozen = False
        self.connected = True
        self.spell = 0
        """Counts the spells of silence."""
        self._thawed = anyio.Event()

    @property
    def silent(self) -> bool:
        """Whether Kafka hears nothing of it."""
        return self.dead or self.frozen or not self.connected

    def die(self) -> None:
        """Never do anything again."""
        self.dead = True

    def freeze(self) -> None:
        """Stand still until `thaw`."""
        if not self.frozen:
            self.frozen = True
            self._thawed = anyio.Event()

    def thaw(self) -> None:
        """Go on."""
        self.frozen = False
        self._thawed.set()

    async def spend(self, seconds: float) -> None:
        """Let time pass: at least that much, and for ever if it is dead."""
        if seconds > 0:
            await anyio.sleep(seconds)
        else:
            await checkpoint()
        while self.dead or self.frozen:
            await self.stand_still()

    async def stand_still(self) -> None:
        """Wait for the end of a freeze; for ever if it is dead."""
        if self.dead:
            await anyio.sleep_forever()
        if self.frozen:
            await self._thawed.wait()
