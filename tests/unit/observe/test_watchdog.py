"""When the process must end because nothing goes on, and when it must not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from scicat_ingest.engine.ports import Pulse
from scicat_ingest.engine.states import EngineState
from scicat_ingest.faults import KafkaUnavailable, Stalled
from scicat_ingest.observe.watchdog import FETCH_SECONDS, LOOK_SECONDS, LoopGuard, Suspicions, Watchdog
from scicat_ingest.testing.simulate.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.consume.record_stream import Partition

ONE = ("t", 1)
MANY_LOOKS = 100


def pulse(number: int = 0, **changes: Any) -> Pulse:
    """Give a good pulse: a fetch has returned since the last look."""
    good: dict[str, Any] = {
        "state": EngineState.RUNNING,
        "fetched_at": float(number),
        "unassigned_since": None,
        "received": {ONE: 5},
    }
    return Pulse(**good | changes)


def looks(pulses: list[Pulse], lags: Mapping[Partition, int] | None) -> tuple[int, str]:
    """Look at each; give the number of the look that found something, and what."""
    suspicions = Suspicions(session_timeout_seconds=45)
    for number, each in enumerate(pulses):
        reason = suspicions.look(each, lags)
        if reason is not None:
            return number, reason
    return -1, ""


def test_a_partition_with_lag_that_gives_nothing_for_two_minutes_ends_the_process() -> None:
    """The reason names the partition and the lag."""
    at, reason = looks([pulse(n) for n in range(MANY_LOOKS)], {ONE: 7})
    assert reason == "t[1] has 7 more records and gave none for 135 s, and Kafka answers"
    assert at * LOOK_SECONDS == pytest.approx(FETCH_SECONDS, abs=LOOK_SECONDS)


@pytest.mark.parametrize(
    ("pulses", "lags"),
    [
        ([pulse(n) for n in range(MANY_LOOKS)], {ONE: 0}),
        ([pulse(n) for n in range(MANY_LOOKS)], {}),
        ([pulse(n) for n in range(MANY_LOOKS)], None),
        ([pulse(n, received={ONE: n}) for n in range(MANY_LOOKS)], {ONE: 7}),
        ([pulse(n, received={}) for n in range(MANY_LOOKS)], {ONE: 7}),
        ([pulse(n, received={ONE: 5} if n % 5 else {}) for n in range(MANY_LOOKS)], {ONE: 7}),
        ([pulse(0, state=EngineState.HALTED) for _ in range(MANY_LOOKS)], {ONE: 7}),
        ([pulse(n, unassigned_since=float(n)) for n in range(MANY_LOOKS)], {}),
    ],
    ids=[
        "no lag",
        "not ours",
        "Kafka is away",
        "moves",
        "paused by us",
        "now and then paused",
        "halted",
        "joins often",
    ],
)
def test_what_is_no_stall(pulses: list[Pulse], lags: Mapping[Partition, int] | None) -> None:
    """Idle topics, outages of Kafka, our own pauses and halts last as long as they last."""
    assert looks(pulses, lags) == (-1, "")


def test_a_rebalance_that_gives_no_partitions_ends_the_process() -> None:
    """After three minutes more than a dead member's session may take."""
    at, reason = looks([pulse(n, unassigned_since=1.0) for n in range(MANY_LOOKS)], {})
    assert reason.startswith("the rebalance has not given us partitions")
    assert at * LOOK_SECONDS == pytest.approx(180 + 45, abs=2 * LOOK_SECONDS)


def test_a_fetch_that_never_returns_ends_the_process() -> None:
    """Whatever the lags are."""
    _, reason = looks([pulse(0) for _ in range(MANY_LOOKS)], {})
    assert reason.startswith("no fetch has returned")


def test_a_clock_that_has_jumped_is_nobodys_fault() -> None:
    """After a SIGSTOP of an hour the first look sees an old pulse: it counts as one look."""
    at, _ = looks([pulse(0), pulse(0), pulse(3600), pulse(3601)], {ONE: 7})
    assert at == -1


def watch(lags: Any, seconds: float, pulses: Any = pulse) -> float:
    """Watch for so long in virtual time; give when it ended."""

    async def main(_: object) -> float:
        dog = Watchdog(lags, session_timeout_seconds=45, guard=NoGuard())
        with anyio.move_on_after(seconds):
            await dog.watch(pulses)
        return anyio.current_time()

    return run_in_virtual_time(main)


def test_it_tells_whether_kafka_answers() -> None:
    """At each look; without partitions nobody was asked."""
    answers: list[dict[tuple[str, int], int] | None] = [{ONE: 0}, None, None, {}, {ONE: 0}]
    told: list[str | None] = []

    async def lags() -> dict[tuple[str, int], int]:
        answer = answers.pop(0) if answers else {}
        if answer is None:
            raise KafkaUnavailable("no offsets within 10 s")
        return answer

    async def main(_: object) -> None:
        tell = lambda fault: told.append(None if fault is None else fault.message)  # noqa: E731
        dog = Watchdog(lags, session_timeout_seconds=45, tell=tell, guard=NoGuard())
        with anyio.move_on_after(5.5 * LOOK_SECONDS):
            await dog.watch(lambda: pulse(round(anyio.current_time())))

    run_in_virtual_time(main)
    assert told == [None, "no offsets within 10 s", "no offsets within 10 s", None]


class NoGuard(LoopGuard):
    """Without its thread: virtual time has none."""

    expected = False

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def expect_end(self) -> None:
        NoGuard.expected = True


def test_the_watchdog_raises_what_it_has_seen_and_expects_an_end() -> None:
    """The engine ends with it, and a hanging end is watched, too."""

    async def lags() -> dict[Partition, int]:
        await anyio.lowlevel.checkpoint()
        return {ONE: 7}

    numbers = iter(range(1000))
    NoGuard.expected = False
    with pytest.raises(BaseExceptionGroup) as caught:
        watch(lags, 3600, lambda: pulse(next(numbers)))
    assert caught.group_contains(Stalled, match=r"t\[1\] has 7 more records")
    assert NoGuard.expected


def test_the_watchdog_has_no_verdict_while_kafka_does_not_answer() -> None:
    """Stalls are normal then."""

    async def lags() -> dict[Partition, int]:
        await anyio.sleep(10)
        raise KafkaUnavailable("silence")

    assert watch(lags, 3600) == 3600


def test_a_loop_that_does_not_turn_ends_the_process_and_says_where_it_hangs(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a thread, because nothing in the loop can."""
    monkeypatch.setattr("scicat_ingest.observe.watchdog.LOOP_SECONDS", 0.01)
    codes: list[int] = []
    ended = threading.Event()

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    guard = LoopGuard(end, tick_seconds=0.001)
    guard.start()
    assert ended.wait(30), "this thread hangs here, and the guard says so"
    guard.stop()
    assert codes == [1]
    assert "the event loop has not turned" in caplog.text
    assert "ended.wait(30)" in caplog.text


def test_a_loop_that_turns_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it turns once a tick."""
    monkeypatch.setattr("scicat_ingest.observe.watchdog.LOOP_SECONDS", 20.0)
    codes: list[int] = []
    guard = LoopGuard(codes.append, tick_seconds=0.001)

    async def turn() -> None:
        with anyio.move_on_after(0.05):
            await guard.turn()

    guard.start()
    anyio.run(turn)
    guard.stop()
    assert codes == []


def test_an_end_that_hangs_is_forced(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Also when the guard was told to stop: the end that it expects is watched to the end."""
    monkeypatch.setattr("scicat_ingest.observe.watchdog.END_SECONDS", 0.005)
    ended = threading.Event()
    guard = LoopGuard(lambda _: ended.set(), tick_seconds=0.001)
    guard.start()
    guard.expect_end()
    guard.stop()
    assert ended.wait(30)
    assert "the orderly end took longer" in caplog.text
