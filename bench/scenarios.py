"""What is measured, each scenario a function of the stage. Contestants of a round run right after one another."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from bench.figures import CEILING, LOOP, LOOP_ON_HTTPX, PYSCICAT, SERVICE, Comparison, Facts, percentiles
from bench.reference import MAPPING, WRITES, event, foreign, mixed, plain, records

from scicat_ingest.testing.kafka.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.processes import Watched
    from bench.stage import Stage

Result = Comparison | Facts


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int
    share: float
    """Of the events of a full measurement."""

    def events(self, full: int) -> int:
        """Give how many events of a full measurement's are worked off."""
        return max(round(full * self.share), min(full, 200))


async def _compare(
    stage: Stage,
    size: Size,
    comparison: Comparison,
    topic: str,
    contestants: dict[str, int],
    **how: Any,
) -> Comparison:
    """Let contestants, each with its number of events, work off a topic in turn."""
    for _ in range(size.rounds):
        for name, events in contestants.items():
            comparison.add(name, stage.work_off(name, topic, size.events(events), **how))
    return comparison


async def instant(stage: Stage, size: Size) -> Result:
    """Small events, and a sink that answers at once."""
    await stage.fill("small", records(size.events(5000)))
    comparison = Comparison("instant", "10 files and a preview of 20 kB; the sink answers at once")
    contestants = {SERVICE: 5000, LOOP: 5000, LOOP_ON_HTTPX: 700, PYSCICAT: 1000}
    await _compare(stage, size, comparison, "small", contestants)
    for _ in range(size.rounds):
        comparison.add(CEILING, stage.ceiling(size.events(5000)))
    return comparison


async def _waiting(stage: Stage, size: Size, delay_ms: float, events: int, pyscicat: int) -> Result:
    await stage.fill("small", records(size.events(events)))
    comparison = Comparison(f"sink {delay_ms:.0f} ms", f"the same; the sink answers after {delay_ms:.0f} ms")
    comparison.ceiling_per_second = stage.concurrency / (WRITES * delay_ms / 1000)
    contestants = {SERVICE: events, LOOP: events, PYSCICAT: pyscicat}
    return await _compare(stage, size, comparison, "small", contestants, delay_ms=delay_ms)


async def sink_20(stage: Stage, size: Size) -> Result:
    """Let the sink answer after 20 ms."""
    return await _waiting(stage, size, 20, 8000, 150)


async def sink_200(stage: Stage, size: Size) -> Result:
    """Let the sink answer after 200 ms."""
    return await _waiting(stage, size, 200, 4000, 60)


async def many_files(stage: Stage, size: Size) -> Result:
    """Events of 1 000 files."""
    await stage.fill("large", records(size.events(600), lambda number: event(number, files=1000)))
    comparison = Comparison("1 000 files", "1 000 files and a preview an event; the sink answers at once")
    return await _compare(stage, size, comparison, "large", {SERVICE: 600, LOOP: 600})


async def mixture(stage: Stage, size: Size) -> Result:
    """10 files (80 %), 100 (15 %) and 1 000 (5 %), in any order."""
    await stage.fill("mixed", records(size.events(3000), mixed))
    comparison = Comparison("mixed", "10 files (80 %), 100 (15 %) or 1 000 (5 %); the sink answers at once")
    return await _compare(stage, size, comparison, "mixed", {SERVICE: 3000, LOOP: 3000})


async def one_partition(stage: Stage, size: Size) -> Result:
    """All events in one partition of six: the others are asked for records, and have none."""
    await stage.fill("one-partition", ((b"busy", value) for _, value in records(size.events(8000), plain)))
    comparison = Comparison("one partition", "events of 0.3 kB, all in one partition of six; the sink answers at once")
    return await _compare(stage, size, comparison, "one-partition", {SERVICE: 8000, LOOP: 8000}, writes=2)


async def translated(stage: Stage, size: Size) -> Result:
    """Translate a foreign format by a mapping file, beside the native event."""
    await stage.fill("small", records(size.events(5000)))
    await stage.fill("foreign", records(size.events(3000), foreign))
    (stage.folder / "mappings").mkdir(exist_ok=True)
    (stage.folder / "mappings" / "closed-runs.yaml").write_text(MAPPING)
    comparison = Comparison("foreign format", "the same events as another facility's JSON, through a mapping file")
    for _ in range(size.rounds):
        comparison.add(LOOP, stage.work_off(LOOP, "small", size.events(3000)))
        comparison.add(SERVICE, stage.work_off(SERVICE, "small", size.events(3000)))
        with stage.changed(mapping={"folder": str(stage.folder / "mappings")}):
            comparison.add(f"{SERVICE}, foreign", stage.work_off(SERVICE, "foreign", size.events(3000)))
    return comparison


async def processes(stage: Stage, size: Size) -> Result:
    """One, two and four processes of one group; they share the cores with Kafka and the sink."""
    await stage.fill("small", records(size.events(5000)))
    comparison = Comparison("processes", "1, 2 and 4 processes of one group, sink of 20 ms")
    for _ in range(size.rounds):
        comparison.add(LOOP, stage.work_off(LOOP, "small", size.events(5000), delay_ms=20))
        for number in (1, 2, 4):
            figures = stage.work_off(SERVICE, "small", size.events(5000), delay_ms=20, processes=number)
            comparison.add(f"{SERVICE}, {number}", figures)
    return comparison


async def latency(stage: Stage, size: Size) -> Result:
    """From the producer's hand to SciCat's last document, at about half of what the service can do."""
    rate = 400.0
    facts = Facts("latency", f"{rate:.0f} events/s; from the producer's send to the last write at an instant sink")
    for _ in range(size.rounds):
        for name in (SERVICE, LOOP):
            topic = await stage.new_topic("steady")
            stage.sink.reset(writes=WRITES)
            with stage.contestant(name, topic) as running:
                await stage.send(topic, records(1))
                stage.wait_for(1, running)
                count = size.events(5000)
                sent = await stage.send_steadily(topic, records(count, first=1), rate)
                stage.wait_for(count + 1, running)
            done = stage.sink.times()
            took = [(done[number] - at) * 1000 for number, at in enumerate(sent, start=1)]
            p50, p95, p99 = percentiles(took[len(took) // 5 :])
            facts.add(**{f"{name}: p50 ms": p50, f"{name}: p95 ms": p95, f"{name}: p99 ms": p99})
    return facts


async def backlog(stage: Stage, size: Size) -> Result:
    """Peak memory with a short and a long backlog."""
    short, long = size.events(5000), size.events(100_000)
    facts = Facts("backlog", f"events of 0.3 kB, {short:,} and {long:,} of them in Kafka; peak memory (VmHWM)")
    await stage.fill("plain", records(long, plain))
    for events in (short, long):
        stage.sink.reset(writes=2)
        with stage.contestant(SERVICE, "plain") as running:
            stage.wait_for(events, running, within=600)
            facts.add(**{f"{events:,}: peak MiB": running[0].peak_mib})
    return facts


async def idle(stage: Stage, size: Size) -> Result:
    """Start to ready, and then nothing to do."""
    facts = Facts("idle", "start to ready (no records); CPU and memory while nothing comes")
    seconds = 20 * min(size.share * 2, 1)
    (port,) = free_ports(1)
    for _ in range(size.rounds):
        topic = await stage.new_topic("idle")
        began = time.monotonic()
        with stage.changed(ops={"port": port}), stage.contestant(SERVICE, topic) as running:
            _wait_until_ready(port)
            facts.add(seconds_to_ready=time.monotonic() - began)
            await asyncio.sleep(2)
            before = running[0].cpu_seconds
            await asyncio.sleep(seconds)
            facts.add(percent_of_a_core=(running[0].cpu_seconds - before) / seconds * 100)
            facts.add(peak_MiB=running[0].peak_mib)
    return facts


async def _take_scicat_away(stage: Stage, topic: str, running: list[Watched], waiting: int) -> None:
    """Let the service work, take the sink away, and send so many events that have to wait."""
    await stage.send(topic, records(100))
    stage.wait_for(100, running)
    stage.sink.stop()
    await stage.send(topic, records(waiting, first=100))


async def catch_up(stage: Stage, size: Size) -> Result:
    """SciCat is away for a while, and events go on coming."""
    events, away = size.events(3000), 15.0 * min(size.share * 2, 1)
    facts = Facts("catch-up", f"SciCat away for {away:.0f} s, {events:,} events waiting when it is back")
    for _ in range(size.rounds):
        topic = await stage.new_topic("outage")
        stage.sink.reset(writes=WRITES)
        with stage.contestant(SERVICE, topic) as running:
            await _take_scicat_away(stage, topic, running, events)
            await asyncio.sleep(away)
            stage.sink.start()
            began = time.monotonic()
            first = stage.wait_for(1, running)
            half = stage.wait_for(events // 2, running)
            most = stage.wait_for(events - 64, running)
            facts.add(
                seconds_to_first_event=first.at - began,
                events_per_second_afterwards=(most.whole - half.whole) / (most.at - half.at),
            )
    return facts


async def scrape(stage: Stage, size: Size) -> Result:
    """Ask for metrics and status, while SciCat is away and as much is held as there can be."""
    facts = Facts("scrape", "CPU of the service for each answer; SciCat is away, 1 000 events wait")
    times = size.events(1000)
    (port,) = free_ports(1)
    for _ in range(size.rounds):
        topic = await stage.new_topic("scrape")
        stage.sink.reset(writes=WRITES)
        with stage.changed(ops={"port": port}), stage.contestant(SERVICE, topic) as running:
            await _take_scicat_away(stage, topic, running, 1000)
            await asyncio.sleep(5)
            for path in ("/metrics", "/api/status", "/livez"):
                before = running[0].cpu_seconds
                for _ in range(times):
                    _ask(port, path)
                facts.add(**{f"{path}: ms": (running[0].cpu_seconds - before) / times * 1000})
        stage.sink.start()
    return facts


def _ask(port: int, path: str) -> None:
    httpx.get(f"http://127.0.0.1:{port}{path}").raise_for_status()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            _ask(port, "/readyz")
        except httpx.HTTPError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("the service was not ready within 60 s")


async def sink_cost(stage: Stage, size: Size) -> Result:
    """Measure the sink itself, while it is asked by the cheapest client there is."""
    facts = Facts("sink", "CPU of the sink, so that it is known not to be the limit")
    for _ in range(size.rounds):
        before = stage.sink.cpu_seconds
        events = size.events(5000)
        figures = stage.ceiling(events)
        facts.add(
            CPU_ms_an_event=(stage.sink.cpu_seconds - before) / events * 1000,
            events_per_second=figures.events_per_second,
        )
    return facts


SCENARIOS: dict[str, Callable[[Stage, Size], Awaitable[Result]]] = {
    "instant": instant,
    "sink-20": sink_20,
    "sink-200": sink_200,
    "files": many_files,
    "mixed": mixture,
    "one-partition": one_partition,
    "foreign": translated,
    "processes": processes,
    "latency": latency,
    "backlog": backlog,
    "catch-up": catch_up,
    "idle": idle,
    "scrape": scrape,
    "sink": sink_cost,
}
