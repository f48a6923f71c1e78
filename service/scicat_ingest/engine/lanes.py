"""Order where it matters, and nowhere else (pure): lanes of items that are taken one at a time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Container, Hashable

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

    @property
    def turns(self) -> int:
        """How many lanes are ready."""
        return len(self._ready)

    @property
    def next(self) -> Hashable:
        """The lane whose turn it is. Raises IndexError if none is ready."""
        return self._ready[0]

    def next_but(self, left_out: Container[Hashable]) -> Hashable | None:
        """Give the first lane that is ready and not left out; None if there is none."""
        return next((lane for lane in self._ready if lane not in left_out), None)

    def take(self, lane: Hashable | None = None) -> Item:
        """Give the first item of this lane, which is ready, or of the one whose turn it is. Raises IndexError."""
        if lane is None:
            lane = self._ready.popleft()
        else:
            self._ready.remove(lane)
        return self._queues[lane].popleft()

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
