"""The engine: outcomes before offsets, order per lane, halts, silence, a clean stop. In virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from scicat_ingest.consume.record import Record
from scicat_ingest.deliver.delivered import TryAgain
from scicat_ingest.engine.assignment import Bounds
from scicat_ingest.engine.engine import DRAIN_SECONDS, Engine, Parts
from scicat_ingest.engine.observer import Observer
from scicat_ingest.engine.ports import LARGE_RECORD_BYTES, Places, Prepared
from scicat_ingest.engine.states import EngineState
from scicat_ingest.faults import (
    CommitRefused,
    CredentialsRejected,
    HistoryLost,
    IngestFault,
    InvalidJson,
    KafkaForbidden,
    KafkaUnavailable,
    PidTaken,
)
from scicat_ingest.report.outcome import DeadLettered, Ingested, Outcome
from scicat_ingest.testing.simulate.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from scicat_ingest.consume.record_stream import Assignments, Partition
    from scicat_ingest.faults import ConfigurationFault, StreamFault

PARTITION = ("t", 0)
NOTHING: Any = None
"""What no test here looks at."""


def record(offset: int, lane: str | None = None, value: bytes = b"{}") -> Record:
    return Record("t", 0, offset, 0, lane.encode() if lane else None, value)


def records(*offsets: int, lane: str | None = None) -> list[Record]:
    return [record(offset, lane) for offset in offsets]


@dataclass
class Scene(Observer):
    """A Kafka with one partition, a catalogue and an outcome topic, with a journal of what happens in its order."""

    arrivals: list[list[Record]]
    """What each fetch finds."""
    journal: list[tuple[str, Any]] = field(default_factory=list)
    work: Callable[[Record], Awaitable[Outcome | TryAgain | None]] | None = None
    publishing: Callable[[Outcome], Awaitable[None]] | None = None
    committing: Callable[[], Awaitable[None]] | None = None
    fetch_faults: list[IngestFault] = field(default_factory=list)
    secrets: list[int] = field(default_factory=list)
    holds_lanes: bool = False
    joins_at_once: bool = True
    engine: Engine = field(init=False)
    assignments: Assignments = field(init=False)
    left: anyio.Event = field(init=False)

    # Kafka

    async def start(self, assignments: Assignments) -> None:
        self.assignments = assignments
        if self.joins_at_once:
            assignments.assign([PARTITION])

    async def stop(self) -> None:
        self.journal.append(("left", None))

    async def fetch(self, partitions: Collection[Partition], most: int, wait_seconds: float) -> list[Record]:
        if self.fetch_faults:
            await anyio.lowlevel.checkpoint()
            raise self.fetch_faults.pop(0)
        if not partitions or not self.arrivals:
            await anyio.sleep(wait_seconds)
            return []
        await anyio.sleep(0.001)
        found = self.arrivals[0][:most]
        self.arrivals[0] = self.arrivals[0][most:]
        if not self.arrivals[0]:
            self.arrivals.pop(0)
        self.journal.append(("fetched", [each.offset for each in found]))
        return found

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        await anyio.sleep(0.01)
        if self.committing is not None:
            await self.committing()
        self.journal.append(("commit", dict(offsets)))

    @property
    def all_partitions(self) -> int:
        return 1

    def unread(self, partition: Partition) -> int | None:  # noqa: ARG002 (a RecordStream)
        return None

    async def lags(self) -> dict[Partition, int]:
        return {}

    # the catalogue

    def begin_joins(self, previous: object) -> object:
        return previous

    def prepare(self, given: Record, joins: object) -> Prepared:  # noqa: ARG002 (a Prepares)
        scene = self

        class Job:
            async def attempt(self) -> Outcome | TryAgain:
                scene.journal.append(("begin", given.offset))
                result: Outcome | TryAgain | None = None
                if scene.work is not None:
                    result = await scene.work(given)
                else:
                    await anyio.sleep(0.1)
                scene.journal.append(("end", given.offset))
                return result or Ingested(given, NOTHING, NOTHING, NOTHING, NOTHING)

        return Prepared(given.key or given.offset, Job())

    def abort_started(self) -> None:
        self.journal.append(("aborted", None))

    # the outcome topics

    async def publish(self, outcome: Outcome) -> None:
        if self.publishing is not None:
            await self.publishing(outcome)
        await anyio.sleep(0.01)
        self.journal.append(("published", outcome.record.offset))

    # the observer

    def ready(self) -> None:
        self.journal.append(("ready", None))

    def published(self, outcome: Outcome) -> None:
        self.journal.append(("observed", outcome.record.offset))

    def halted(self, fault: ConfigurationFault) -> None:
        self.journal.append(("halted", (fault.code, round(anyio.current_time()))))

    def resumed(self) -> None:
        self.journal.append(("resumed", None))

    def held(self, topic: str, reason: str) -> None:
        self.journal.append(("held", (topic, reason)))

    def lane_held(self, outcome: Outcome) -> None:
        self.journal.append(("lane held", outcome.record.offset))

    def kafka_silent(self, fault: StreamFault) -> None:
        self.journal.append(("silent", fault.code))

    def kafka_back(self) -> None:
        self.journal.append(("back", None))

    # the play

    def play(self, seconds: float = 5.0, during: Callable[[], Awaitable[None]] | None = None, **bounds: int) -> None:
        """Run the engine for so long, or until `during` is over; then stop it."""

        async def main(_: object) -> None:
            self.engine = Engine(
                Parts(self, self, self, self, Places(bounds.pop("places", 2))),
                Bounds(**bounds),
                guarded=["t"],
                holds_lanes=["t"] if self.holds_lanes else [],
                secrets=lambda: list(self.secrets),
            )
            faults: list[IngestFault] = []

            async def run() -> None:
                try:
                    await self.engine.run()
                except IngestFault as fault:
                    faults.append(fault)
                    tasks.cancel_scope.cancel()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                await anyio.sleep(seconds) if during is None else await during()
                await self.engine.stop()
            if faults:
                raise faults[0]

        run_in_virtual_time(main)

    def of(self, kind: str) -> list[Any]:
        return [what for name, what in self.journal if name == kind]

    @property
    def committed(self) -> int | None:
        commits = self.of("commit")
        return commits[-1][PARTITION] if commits else None


def test_an_offset_is_committed_only_after_every_outcome_before_it_is_published() -> None:
    """At each commit, all records below the committed offset have been published."""
    scene = Scene([records(*range(start, start + 20)) for start in (10, 30, 50)])
    scene.play(20)
    published: set[int] = set()
    for kind, what in scene.journal:
        if kind == "published":
            published.add(what)
        if kind == "commit":
            assert set(range(10, what[PARTITION])) <= published
    assert len(scene.of("commit")) > 1
    assert scene.committed == 70


def test_two_records_of_one_lane_never_run_at_once_and_keep_their_order() -> None:
    """The next begins when the outcome of the one before is published; other lanes go on meanwhile."""
    scene = Scene([[record(n, f"lane {n % 3}") for n in range(30)]])
    scene.play(20, places=8)
    for lane in range(3):
        mine = [
            (kind, what)
            for kind, what in scene.journal
            if kind in ("begin", "published") and isinstance(what, int) and what % 3 == lane
        ]
        assert mine == [(kind, n) for n in range(lane, 30, 3) for kind in ("begin", "published")]


def test_a_record_that_waits_for_its_next_attempt_holds_nobody_up() -> None:
    """Neither place nor partition: a hundred others are done before its hour has come."""
    tries = 0

    async def work(given: Record) -> TryAgain | None:
        nonlocal tries
        await anyio.sleep(0.1)
        if given.offset in (0, 1):
            tries += 1
            return TryAgain(3600, "test") if tries <= 2 else None
        return None

    scene = Scene([records(*range(100))], work=work)
    scene.play(3600 + 60)
    assert scene.of("published") == [*range(2, 100), 0, 1]
    assert scene.of("commit") == [{PARTITION: 0}, {PARTITION: 100}]


def test_stopping_finishes_what_is_started_and_starts_nothing_more() -> None:
    """What is under way at SIGTERM is finished, published and committed; the rest is left for the next start."""
    scene = Scene([records(*range(20))])
    scene.play(0.05)
    assert scene.of("begin") == scene.of("published") == [0, 1]
    assert scene.committed == 2
    assert scene.journal[-1] == ("left", None)


def test_stopping_gives_up_in_time_what_does_not_end() -> None:
    """Twenty seconds, then the requests are aborted; the record comes again."""
    scene = Scene([records(0, 1)], work=lambda _: anyio.sleep(3600))
    ended: list[float] = []

    async def stop() -> None:
        await anyio.sleep(1)
        await scene.engine.stop()
        ended.append(anyio.current_time())

    scene.play(during=stop)
    assert ended == [pytest.approx(1 + DRAIN_SECONDS)]
    assert scene.committed in (None, 0)
    assert ("aborted", None) in scene.journal


def test_a_revoke_waits_until_the_started_records_are_committed_and_drops_the_others() -> None:
    """The next owner of the partition begins where we ended."""
    scene = Scene([records(*range(3, 9), lane="one lane")])

    async def revoke() -> None:
        await anyio.sleep(0.05)
        await scene.engine.revoke()
        scene.journal.append(("revoked", None))
        await anyio.sleep(5)

    scene.play(during=revoke)
    kinds = [kind for kind, _ in scene.journal]
    assert kinds.index("commit") < kinds.index("revoked")
    assert scene.of("begin") == [3]
    assert scene.of("commit") == [{PARTITION: 4}]


def test_after_a_rebalance_that_gives_the_partition_back_only_the_rest_is_done_again() -> None:
    """What was published above the committed offset is remembered, and the window is empty again."""

    async def work(given: Record) -> TryAgain | None:
        await anyio.sleep(0.1)
        return TryAgain(3600, "test") if given.offset == 0 and len(scene.of("fetched")) == 1 else None

    scene = Scene([records(*range(10))], work=work)

    async def rebalance() -> None:
        await anyio.sleep(2)
        await scene.engine.revoke()
        scene.arrivals.append(records(*range(10)))
        scene.assignments.assign([PARTITION])
        await anyio.sleep(2)
        assert scene.engine.held_records == 0

    scene.play(during=rebalance)
    assert scene.of("begin") == [*range(10), 0]
    assert scene.committed == 10


def test_records_that_come_with_a_rebalance_at_start_are_worked_on() -> None:
    """The fetch that brought them was for an earlier assignment; the next one, which brings none, makes us ready."""
    scene = Scene([])

    async def rebalance() -> None:
        await anyio.sleep(0.1)
        scene.assignments.assign([PARTITION])
        scene.arrivals.append([record(0)])
        await anyio.sleep(2)

    original = scene.fetch

    async def fetch(partitions: Collection[Partition], most: int, wait_seconds: float) -> list[Record]:
        if anyio.current_time() < 0.1:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.5)  # cannot be cut short, and gives what the new assignment has
                return await original([PARTITION], most, wait_seconds)
        return await original(partitions, most, wait_seconds)

    scene.fetch = fetch  # type: ignore[method-assign]
    scene.play(during=rebalance)
    assert scene.of("published") == [0]
    assert scene.committed == 1


def test_a_configuration_fault_at_start_is_the_end() -> None:
    """Exit 78 is the caller's matter."""
    scene = Scene([records(0)], fetch_faults=[HistoryLost("3 records are gone")])
    with pytest.raises(HistoryLost):
        scene.play()
    assert scene.of("begin") == []
    assert scene.journal[-1] == ("left", None)


def test_a_configuration_fault_at_run_time_halts_and_goes_on_when_it_is_gone() -> None:
    """Nothing is started meanwhile; one record a recheck tries again, after 60 s, 120 s, …; order and offsets hold."""

    async def work(given: Record) -> None:
        await anyio.sleep(0.1)
        if given.offset >= 2 and anyio.current_time() < 150:
            raise CredentialsRejected("no")

    scene = Scene([records(*range(6), lane="one lane")], work=work)
    scene.play(400)
    assert scene.of("halted") == [("credentials_rejected", 0), ("credentials_rejected", 60)]
    assert scene.of("begin") == [0, 1, 2, 2, 2, 3, 4, 5]
    assert len(scene.of("resumed")) == 1
    assert scene.of("published") == list(range(6))
    assert scene.committed == 6


def test_a_record_that_cannot_be_decoded_does_not_end_a_halt() -> None:
    """It shows nothing about SciCat; the next one is tried, and halts again."""

    async def work(given: Record) -> Outcome:
        await anyio.lowlevel.checkpoint()
        if given.offset in (1, 2):
            return DeadLettered(given, InvalidJson("test"), None, NOTHING, NOTHING)
        raise CredentialsRejected("no")

    scene = Scene([records(0), records(1, 2)], work=work)

    async def look() -> None:
        await anyio.sleep(70)
        assert scene.engine.pulse.state is EngineState.HALTED

    scene.play(during=look)
    assert scene.of("resumed") == []
    assert scene.of("halted") == [("credentials_rejected", 0), ("credentials_rejected", 60)]


def test_a_fault_while_we_stop_is_tried_again_in_no_hurry() -> None:
    """Until the grace is over; not a thousand times a second."""
    tries = 0

    async def publishing(_: Outcome) -> None:
        nonlocal tries
        tries += 1
        raise KafkaForbidden("Write on scicat.ingested")

    scene = Scene([records(0)], publishing=publishing, work=lambda _: anyio.sleep(1))
    scene.play(0.5)
    assert 15 < tries < 25


def test_a_halt_asks_again_as_soon_as_a_secret_has_changed() -> None:
    """Not only at the next minute."""

    async def work(_: Record) -> None:
        if not scene.secrets:
            raise CredentialsRejected("no")

    scene = Scene([records(0)], work=work)

    async def renew() -> None:
        await anyio.sleep(10)
        assert scene.engine.pulse.state is EngineState.HALTED
        scene.secrets.append(1)
        await anyio.sleep(6)
        assert scene.of("published") == [0]

    scene.play(during=renew)


def test_lost_history_at_run_time_halts_until_it_is_accepted() -> None:
    """Retention has overtaken a paused partition: reading is tried again, and the process lives."""
    lost = HistoryLost("3 records are gone")
    scene = Scene([records(0)])

    async def lose() -> None:
        await anyio.sleep(1)
        scene.fetch_faults += [lost, lost]
        scene.arrivals.append(records(1))
        await anyio.sleep(300)

    scene.play(during=lose)
    assert [code for code, _ in scene.of("halted")] == ["history_lost"] * 2
    assert scene.committed == 2


def test_outcomes_that_kafka_does_not_acknowledge_stop_the_intake_and_are_kept() -> None:
    """Nothing is lost, nothing new begins, and it goes on by itself."""

    async def publishing(_: Outcome) -> None:
        if anyio.current_time() < 100:
            await anyio.sleep(10)
            raise KafkaUnavailable("no acknowledgement")

    scene = Scene([records(0), records(*range(1, 30))], publishing=publishing)

    async def look() -> None:
        await anyio.sleep(80)
        begun = len(scene.of("begin"))
        scene.arrivals.append(records(*range(30, 40)))
        await anyio.sleep(10)
        assert len(scene.of("begin")) == begun
        assert scene.of("published") == []
        assert scene.of("commit") in ([], [{PARTITION: 0}])
        await anyio.sleep(30)

    scene.play(during=look, partition_records=20)
    assert sorted(scene.of("published")) == list(range(40))
    assert (scene.of("silent"), scene.of("back")) == (["kafka_unavailable"], [None])
    assert scene.committed == 40


def test_an_outcome_that_kafka_refuses_halts_and_is_published_later() -> None:
    """No permission on the outcome topic is our configuration, not the record's fault."""

    async def publishing(_: Outcome) -> None:
        if anyio.current_time() < 100:
            raise KafkaForbidden("Write on scicat.ingested")

    scene = Scene([records(0, 1)], publishing=publishing)
    scene.play(300)
    assert scene.of("begin") == [0, 1]
    assert sorted(scene.of("published")) == [0, 1]
    assert scene.of("halted")[0] == ("kafka_forbidden", 0)
    assert len(scene.of("resumed")) == 1


def test_a_commit_that_is_refused_or_unanswered_is_tried_again() -> None:
    """The records may come again; nothing ends for it."""
    faults: list[IngestFault] = [CommitRefused("rebalance"), KafkaUnavailable("silence"), KafkaForbidden("group")]

    async def committing() -> None:
        if faults:
            raise faults.pop(0)

    scene = Scene([records(0)], committing=committing)
    scene.play(100)
    assert scene.of("commit") == [{PARTITION: 1}]
    assert [code for code, _ in scene.of("halted")] == ["kafka_forbidden"]
    assert len(scene.of("resumed")) == 1


def test_a_flood_of_dead_letters_holds_the_source() -> None:
    """Twenty are published; the others stay in Kafka, and their offsets open."""

    async def work(given: Record) -> Outcome:
        await anyio.sleep(0.1)
        return DeadLettered(given, PidTaken("test"), None, NOTHING, NOTHING)

    scene = Scene([records(*range(60))], work=work)
    scene.play(60, places=4)
    assert sorted(scene.of("published")) == list(range(20))
    ((topic, reason),) = scene.of("held")
    assert topic == "t"
    assert reason.startswith("21 dead letters in a row")
    assert scene.committed == 20
    assert scene.engine.held_records == 0


def test_what_is_in_memory_stays_within_the_bounds() -> None:
    """However long the backlog, counting what waits for its next attempt."""
    most = 0

    async def work(_: Record) -> TryAgain:
        nonlocal most
        most = max(most, scene.engine.held_records)
        await anyio.sleep(0.01)
        return TryAgain(60, "an outage")

    scene = Scene([records(*range(5000))], work=work)
    scene.play(200, records=100, partition_records=60)
    assert most == 60
    assert len(scene.of("begin")) > 60


def test_a_fault_of_the_stream_ends_the_process_and_commits_what_was_done() -> None:
    """A new process can help; what is done stays done."""
    scene = Scene([records(0)])

    async def fail() -> None:
        await anyio.sleep(0.5)
        scene.fetch_faults.append(KafkaUnavailable("corrupt"))
        await anyio.sleep(5)

    with pytest.raises(KafkaUnavailable):
        scene.play(during=fail)
    assert scene.committed == 1
    assert scene.journal[-1] == ("left", None)


def test_a_bug_in_the_engine_ends_the_process() -> None:
    """No half-alive state: an attempt that raises what no port promises is not swallowed."""

    async def work(_: Record) -> None:
        raise ZeroDivisionError

    with pytest.raises(BaseExceptionGroup) as caught:
        Scene([records(0)], work=work).play()
    assert caught.group_contains(ZeroDivisionError)


def test_a_large_record_is_prepared_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats share the loop; small ones are not worth the hop."""
    in_threads: list[int] = []

    async def run_sync(call: Callable[..., Prepared], given: Record, joins: object) -> Prepared:
        in_threads.append(given.offset)
        return call(given, joins)

    monkeypatch.setattr("anyio.to_thread.run_sync", run_sync)
    scene = Scene([[record(0), record(1, value=b"." * (LARGE_RECORD_BYTES + 1)), record(2)]])
    scene.play()
    assert in_threads == [1]
    assert sorted(scene.of("published")) == [0, 1, 2]


def test_the_pulse_tells_what_is_read_and_since_when_we_wait_for_partitions() -> None:
    """For the watchdog."""
    scene = Scene([records(4)])

    async def look() -> None:
        await anyio.sleep(2)
        pulse = scene.engine.pulse
        assert (pulse.state, pulse.received, pulse.unassigned_since) == (EngineState.RUNNING, {PARTITION: 5}, None)
        assert anyio.current_time() - pulse.fetched_at < 1
        await scene.engine.revoke()
        assert scene.engine.pulse.received == {}
        assert scene.engine.pulse.unassigned_since == 2

    scene.play(during=look)


def test_a_spare_member_is_ready_although_it_has_no_partition() -> None:
    """Else a roll-out of more replicas than partitions would wait for it without end; one without an answer is not."""
    scene = Scene([])

    async def look() -> None:
        await anyio.sleep(5)
        assert scene.of("ready") == []
        scene.assignments.assign([])
        await anyio.sleep(2)
        assert scene.of("ready") == [None]
        assert scene.engine.pulse.state is EngineState.RUNNING

    scene.joins_at_once = False
    scene.play(during=look)


def test_a_lane_is_held_by_what_would_be_its_dead_letter() -> None:
    """Nothing of it is published or committed; others go on, but nothing after it is committed."""

    async def work(given: Record) -> Outcome | None:
        return DeadLettered(given, PidTaken("no"), None, NOTHING, NOTHING) if given.offset == 1 else None

    scene = Scene([[record(0, "a"), record(1, "b"), record(2, "b"), record(3, "c")]], work=work, holds_lanes=True)
    scene.play()
    assert scene.of("lane held") == [1]
    assert sorted(scene.of("published")) == [0, 3]
    assert 2 not in scene.of("begin")
    assert scene.of("commit") == [{PARTITION: 1}]
