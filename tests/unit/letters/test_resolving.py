"""Replays and purges over a Kafka that is only remembered: what is sent, what is refused, how fast."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.letters.buried import FAILED_AT, buried, case, original

from scicat_ingest.letters.resolution import Resolved
from scicat_ingest.letters.resolving import MOST_AT_ONCE, Purged, Refused, Replay, Replayed, Signature, in_groups, purge
from scicat_ingest.letters.transactions import NotTaken, Placed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scicat_ingest.consume.position import Position
    from scicat_ingest.consume.record import Record
    from scicat_ingest.letters.book import Case

pytestmark = pytest.mark.anyio

DAY_MS = 86_400_000
ADA = Signature("ada@lab", "mended")


@dataclass
class Shelf:
    """Kafka: records by their place; takes groups unless one message is spoiled."""

    records: dict[Position, Record] = field(default_factory=dict)
    spoiled: bytes = b"never"
    groups: list[list[Placed]] = field(default_factory=list)
    there: Mapping[str, Collection[int]] = field(default_factory=lambda: {"in": {0}, "dead": {0}, "other": {0}})

    async def fetch(self, positions: Collection[Position]) -> dict[Position, Record]:
        return {position: self.records[position] for position in positions if position in self.records}

    async def partitions(self) -> Mapping[str, Collection[int]]:
        return self.there

    async def publish(self, group: Sequence[Placed]) -> NotTaken | None:
        if any(placed.message.value == self.spoiled for placed in group):
            return NotTaken("it is too large")
        self.groups.append(list(group))
        return None


@dataclass
class Clock:
    """Time that passes only while somebody waits."""

    time: float = 0.0

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds

    def now(self) -> datetime:
        return FAILED_AT + timedelta(days=1)


def bury(shelf: Shelf, *graves: Record) -> list[Case]:
    cases = [case(grave) for grave in graves]
    shelf.records |= {each.letter.at: grave for each, grave in zip(cases, graves, strict=True)}
    return cases


async def replay(shelf: Shelf, cases: Sequence[Case], clock: Clock | None = None, **options: Any) -> list[Any]:
    return [done async for done in Replay(shelf, shelf, clock or Clock(), ADA, **options).run(cases)]


async def test_each_record_goes_out_with_its_resolution_in_one_group() -> None:
    """In the order of the records, onto their partitions."""
    shelf = Shelf()
    done = await replay(shelf, bury(shelf, *(buried(original(number)) for number in (2, 0, 1))))
    assert [type(each) for each in done] == [Replayed] * 3
    [group] = shelf.groups
    assert [(placed.message.topic, placed.partition) for placed in group] == [("in", 0), ("dead", 0)] * 3
    assert [placed.message.key for placed in group[::2]] == [b"run-0", b"run-1", b"run-2"]
    assert group[1].message.json() == {
        "letter": done[0].letter.id,
        "letterFailedAt": "2026-04-22T09:00:00.000Z",
        "kind": "replayed",
        "by": "ada@lab",
        "at": "2026-04-23T09:00:00.000Z",
        "why": "mended",
        "to": "in",
        "replays": 1,
    }


async def test_a_record_that_kafka_does_not_take_is_refused_alone() -> None:
    """The others of its group go out."""
    shelf = Shelf(spoiled=b"bad")
    cases = bury(shelf, buried(original(0)), buried(original(1, value=b"bad")), buried(original(2)))
    done = await replay(shelf, cases)
    assert [type(each) for each in done] == [Replayed, Refused, Replayed]
    assert "too large" in done[1].why
    assert len(shelf.groups) == 2


async def test_what_cannot_be_replayed_is_refused_with_the_reason() -> None:
    """Resolved, gone, without a value, of a topic that is away, older than its topic keeps records."""
    shelf = Shelf()
    [open_one, closed] = bury(shelf, buried(original(0)), buried(original(1)))
    closed = replace(closed, resolved=Resolved("purged", FAILED_AT, "bob"))
    gone = case(buried(original(2)))
    [big] = bury(shelf, buried(original(3, value=b"x" * 5000), largest=4000))
    [lost] = bury(shelf, buried(original(5, topic="away")))
    done = await replay(shelf, [open_one, closed, gone, big, lost])
    said = {each.letter.key: each.why for each in done if isinstance(each, Refused)}
    assert set(said) == {"run-1", "run-2", "run-3", "run-5"}
    for number, text in ((1, "purged by bob"), (2, "gone from dead/0/2"), (3, "left out"), (5, "topic away")):
        assert text in said[f"run-{number}"]
    [old] = await replay(shelf, [open_one], kept_ms={"in": DAY_MS})
    assert "Kafka could delete it" in old.why
    [kept] = await replay(shelf, [open_one], kept_ms={"in": 30 * DAY_MS})
    [forced] = await replay(shelf, [open_one], kept_ms={"in": DAY_MS}, force=True)
    assert isinstance(kept, Replayed)
    assert isinstance(forced, Replayed)


async def test_a_value_that_was_left_out_is_taken_from_its_topic_if_it_is_the_same() -> None:
    """By its digest: after a topic was made anew another record may be there."""
    shelf = Shelf()
    record = original(3, value=b"x" * 5000)
    cases = bury(shelf, buried(record, largest=4000))
    source = cases[0].letter.source
    assert source is not None
    shelf.records[source] = replace(record, value=b"y" * 5000)
    [refused] = await replay(shelf, cases)
    assert "another record" in refused.why
    shelf.records[source] = record
    await replay(shelf, cases)
    assert shelf.groups[-1][0].message.value == record.value


async def test_a_replay_without_transactions_only_says_what_it_would_do() -> None:
    """Nothing is published, and no rate is waited for."""
    shelf, clock = Shelf(), Clock()
    dry = Replay(shelf, None, clock, ADA, per_second=0.1)
    assert [type(done) async for done in dry.run(bury(shelf, buried(original(0))))] == [Replayed]
    assert (shelf.groups, clock.time) == ([], 0.0)


async def test_the_rate_is_kept_and_never_sent_in_a_burst() -> None:
    """20 letters at 4 a second: 4.5 s between the first and the last, at most half a second's worth at once."""
    shelf, clock = Shelf(), Clock()
    await replay(shelf, bury(shelf, *(buried(original(number)) for number in range(20))), clock, per_second=4.0)
    assert clock.time == pytest.approx(4.5)
    assert {len(group) // 2 for group in shelf.groups} == {2}


async def test_another_topic_lets_the_key_choose_the_partition() -> None:
    """Its number of partitions may be another."""
    shelf = Shelf()
    await replay(shelf, bury(shelf, buried(original(0))), to="other")
    moved, closed = shelf.groups[0]
    assert (moved.message.topic, moved.partition) == ("other", None)
    assert (closed.message.topic, closed.partition, closed.message.json()["to"]) == ("dead", 0, "other")


async def test_a_purge_closes_what_is_open_and_refuses_the_rest() -> None:
    """Only resolutions are written; a letter that Kafka has deleted needs none."""
    shelf = Shelf()
    [one, two] = bury(shelf, buried(original(0)), buried(original(1)))
    two = replace(two, resolved=Resolved("ingested", FAILED_AT))
    gone = case(buried(original(2)))
    done = [each async for each in purge([one, two, gone], shelf, shelf, Clock(), ADA)]
    assert sorted((each.letter.key or "", type(each)) for each in done) == [
        ("run-0", Purged),
        ("run-1", Refused),
        ("run-2", Refused),
    ]
    assert [placed.message.json()["kind"] for placed in shelf.groups[0]] == ["purged"]


def test_groups_are_bounded_in_number_and_in_size() -> None:
    """One large letter is a group of its own."""
    small = case(buried(original(0)))
    large = replace(small, letter=replace(small.letter, value_bytes=100_000_000))
    cases = [small] * (MOST_AT_ONCE + 1) + [large, small]
    assert [len(group) for group in in_groups(cases, MOST_AT_ONCE)] == [MOST_AT_ONCE, 1, 1, 1]
