"""Order where it matters, and nowhere else (pure): lanes of items that are taken one at a time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """First in, first out within a lane, one at a time; lanes take turns.

    Guarantees: between `take` and `release` (or `put_back`) nothing else of that lane is given; a lane with many items
    gets one turn for each turn of any other.
    """

    def __init__(self) -> None:
        self._queues: dict[Hashable, deque[Item]] = {}
        """The items of each lane, the taken one excluded; a lane without a queue is idle."""
        self._ready: deque[Hashable] = deque()

    def add(self, lane: Hashable, item: Item) -> None:
        """Put an item at its lane's end."""
        queue = self._queues.get(lane)
        if queue is None:
            self._queues[lane] = deque([item])
            self._ready.append(lane)
        else:
            queue.append(item)

    @property
    def ready(self) -> bool:
        """Whether `take` has something to give."""
        return bool(self._ready)

    def take(self) -> Item:
        """Give the first item of the lane whose turn it is. Raises IndexError if none is ready."""
        return self._queues[self._ready.popleft()].popleft()

    def release(self, lane: Hashable) -> None:
        """Let the lane's next item have its turn: the taken one is finished."""
        if self._queues[lane]:
            self._ready.append(lane)
        else:
            del self._queues[lane]

    def put_back(self, lane: Hashable, item: Item) -> None:
        """Put the taken item back in front; its lane is the next one."""
        self._queues[lane].appendleft(item)
        self._ready.appendleft(lane)

    def clear(self) -> list[Item]:
        """Give all items that are not taken, and forget them; nothing is ready any more."""
        ready = set(self._ready)
        items = [item for queue in self._queues.values() for item in queue]
        self._queues = {lane: deque() for lane in self._queues if lane not in ready}
        self._ready.clear()
        return items
