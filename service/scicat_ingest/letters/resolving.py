"""Replays and purges letters: each with its resolution, in a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scicat_ingest.consume.topics import DAY_MS
from scicat_ingest.letters.letter import is_its_value, original_record
from scicat_ingest.letters.replay import never, order_of_replay, replayed_message, why_not
from scicat_ingest.letters.resolution import write_resolution
from scicat_ingest.letters.transactions import NotTaken, Placed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from scicat_ingest.consume.position import Position
    from scicat_ingest.consume.record import Record
    from scicat_ingest.letters.book import Case
    from scicat_ingest.letters.letter import DeadLetter

MOST_AT_ONCE = 100
"""Letters in one transaction: readers of committed records wait for its end."""
KEPT_LONGER_MS = DAY_MS
"""So much longer a topic must keep a replayed record at least."""
MOST_BYTES_AT_ONCE = 8 * 1024 * 1024
_SMALL_PART_SECONDS = 0.5


class Fetches(Protocol):
    """What is needed of a TopicReader."""

    async def fetch(self, positions: Collection[Position]) -> dict[Position, Record]:
        """Give single records; those that are gone are missing."""
        ...

    async def partitions(self) -> Mapping[str, Collection[int]]:
        """Give the partitions of every topic."""
        ...


class Publishes(Protocol):
    """What is needed of Transactions."""

    async def publish(self, group: Sequence[Placed]) -> NotTaken | None:
        """Publish all or nothing."""
        ...


class Clock(Protocol):
    """The time, and waiting for it."""

    def monotonic(self) -> float:
        """Give seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def now(self) -> datetime:
        """Give the time of day, with its zone."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """Who resolves letters, and why."""

    by: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """The record is on its topic again and the letter closed; after a dry run: it would be."""

    letter: DeadLetter
    to: str


@dataclass(frozen=True, slots=True)
class Purged:
    """The letter is closed."""

    letter: DeadLetter


@dataclass(frozen=True, slots=True)
class Refused:
    """The letter is left as it was."""

    letter: DeadLetter
    why: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """A letter and all that is published for it."""

    letter: DeadLetter
    to: str
    placed: tuple[Placed, ...]


class Replay:
    """Replays letters in the order of their records; without `transactions` it only says what it would do.

    `kept_ms` says of topics for how long they keep records, by their timestamps: an older one, which Kafka could delete
    before anybody reads it, is refused unless `force`.
    """

    def __init__(
        self,
        fetches: Fetches,
        transactions: Publishes | None,
        clock: Clock,
        signature: Signature,
        *,
        to: str | None = None,
        kept_ms: Mapping[str, int] | None = None,
        force: bool = False,
        per_second: float | None = None,
    ) -> None:
        self._fetches = fetches
        self._transactions = transactions
        self._clock = clock
        self._signature = signature
        self._to = to
        self._kept_ms = kept_ms or {}
        self._force = force
        self._per_second = per_second
        self._topics: Mapping[str, Collection[int]] = {}

    async def run(self, cases: Iterable[Case]) -> AsyncIterator[Replayed | Refused]:
        """Replay, and tell of each letter; what is told as replayed is there for good.

        Raises what fetching and publishing raise; the letters that were not told of are as they were, but for the
        group that was under way.
        """
        self._topics = await self._fetches.partitions()
        began, sent = self._clock.monotonic(), 0
        for group in in_groups(sorted(cases, key=order_of_replay), self._most):
            if self._per_second is not None and self._transactions is not None:
                await self._clock.sleep(max(began + sent / self._per_second - self._clock.monotonic(), 0.0))
            ready, refused = await self._prepare(group)
            for refusal in refused:
                yield refusal
            async for done in self._publish(ready):
                yield done
            sent += len(ready)

    @property
    def _most(self) -> int:
        """So many at once that no burst is longer than half a second of the rate."""
        if self._per_second is None:
            return MOST_AT_ONCE
        return min(max(int(self._per_second * _SMALL_PART_SECONDS), 1), MOST_AT_ONCE)

    async def _prepare(self, cases: Sequence[Case]) -> tuple[list[_Ready], list[Refused]]:
        refused = []
        wanted = []
        for case in cases:
            letter = case.letter
            why = never(letter) or self._no_topic(letter)
            if why is None and not self._force:
                why = why_not(case) or self._too_old(letter)
            if why is None:
                wanted.append(case.letter)
            else:
                refused.append(Refused(case.letter, why))
        records = await self._fetches.fetch({letter.at for letter in wanted})
        values = await self._fetch_values(wanted)
        ready = []
        for letter in wanted:
            made = self._make(letter, records.get(letter.at), values)
            if isinstance(made, Refused):
                refused.append(made)
            else:
                ready.append(made)
        return ready, refused

    async def _fetch_values(self, letters: Iterable[DeadLetter]) -> dict[Position, Record]:
        """Fetch the original records of letters that are without their value."""
        sources = {letter.source for letter in letters if letter.value_sha256 is not None}
        there = {source for source in sources if source is not None and source.topic in self._topics}
        return await self._fetches.fetch(there) if there else {}

    def _no_topic(self, letter: DeadLetter) -> str | None:
        if self._to is None and letter.source is not None and letter.source.topic not in self._topics:
            return f"its topic {letter.source.topic} is not there, or we may not see it: --to gives another one"
        return None

    def _too_old(self, letter: DeadLetter) -> str | None:
        topic = self._to or ("" if letter.source is None else letter.source.topic)
        kept = self._kept_ms.get(topic)
        age_ms = self._clock.now().timestamp() * 1000 - letter.timestamp_ms
        if kept is None or letter.timestamp_ms < 0 or age_ms < kept - KEPT_LONGER_MS:
            return None
        return (
            f"{topic} keeps records for {kept / DAY_MS:.1f} days, and its own is {age_ms / DAY_MS:.1f} days old: Kafka "
            "could delete it before it is read. Raise retention.ms for a while, or --to a topic that keeps it longer; "
            "--force if the service is running and keeps up"
        )

    def _make(self, letter: DeadLetter, record: Record | None, values: Mapping[Position, Record]) -> _Ready | Refused:
        if record is None or letter.source is None:
            return Refused(letter, f"it is gone from {letter.at}")
        original = original_record(record)
        if letter.value_sha256 is not None:
            full = values.get(letter.source)
            if full is None:
                return Refused(letter, f"its value was left out, and {letter.source} is gone from Kafka: send it anew")
            if not is_its_value(letter, full.value):
                return Refused(letter, f"its value was left out, and another record is at {letter.source} now")
            original = full  # its key and headers may be missing in the letter too
        source, to = letter.source, self._to or letter.source.topic
        same_place = to == source.topic and source.partition in self._topics.get(to, ())
        moved = Placed(replayed_message(letter, original, to), source.partition if same_place else None)
        closed = write_resolution(
            letter,
            record.key,
            "replayed",
            by=self._signature.by,
            at=self._clock.now(),
            why=self._signature.why,
            to=to,
        )
        return _Ready(letter, to, (moved, Placed(closed, letter.at.partition)))

    async def _publish(self, ready: Sequence[_Ready]) -> AsyncIterator[Replayed | Refused]:
        if not ready:
            return
        refusal = None
        if self._transactions is not None:
            refusal = await self._transactions.publish([placed for each in ready for placed in each.placed])
        if refusal is None:
            for each in ready:
                yield Replayed(each.letter, each.to)
        elif len(ready) == 1:
            yield Refused(ready[0].letter, f"{ready[0].to} does not take it: {refusal.why}")
        else:  # one of them spoils it for all: each on its own
            for each in ready:
                async for done in self._publish([each]):
                    yield done


async def purge(
    cases: Iterable[Case], fetches: Fetches, transactions: Publishes, clock: Clock, signature: Signature
) -> AsyncIterator[Purged | Refused]:
    """Close letters for good; nothing is deleted. Tells of each one; raises as a replay does."""
    for group in in_groups(list(cases), MOST_AT_ONCE):
        records = await fetches.fetch({case.letter.at for case in group if case.is_open})
        ready = []
        for case in group:
            letter, record = case.letter, records.get(case.letter.at)
            if case.resolved is not None:
                yield Refused(letter, f"it is not open: it was {case.resolved.kind} already")
            elif record is None:
                yield Refused(letter, f"it is gone from {letter.at}")
            else:
                closed = write_resolution(
                    letter, record.key, "purged", by=signature.by, at=clock.now(), why=signature.why
                )
                ready.append((letter, Placed(closed, letter.at.partition)))
        refusal = await transactions.publish([placed for _, placed in ready]) if ready else None
        for letter, _ in ready:
            yield Purged(letter) if refusal is None else Refused(letter, refusal.why)


def in_groups(cases: Sequence[Case], most: int) -> Iterator[list[Case]]:
    """Part letters into groups of at most `most` and of bounded size; one larger letter is a group of its own."""
    group: list[Case] = []
    size = 0
    for case in cases:
        if group and (len(group) >= most or size + case.letter.value_bytes > MOST_BYTES_AT_ONCE):
            yield group
            group, size = [], 0
        group.append(case)
        size += case.letter.value_bytes
    if group:
        yield group
