"""Metrics and status of the whole service in virtual time: each moves as it should, and vanishes when it should."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
import httpx
from tests.simulation.play import TOPIC, Catalogue, Play
from tests.unit.observe.scrape import Scrape

from scicat_ingest.faults import KafkaUnavailable
from scicat_ingest.observe.logs import JsonLines, OutcomeLog

if TYPE_CHECKING:
    import pytest

    from scicat_ingest.observe.ops import Ops

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def status(ops: Ops) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ops.resources()["/api/status"].get({}).body)
    return document


def readiness(ops: Ops) -> tuple[HTTPStatus, list[str]]:
    reply = ops.resources()["/readyz"].get({})
    return reply.status, json.loads(reply.body)["reasons"]


def titles(ops: Ops) -> list[str]:
    return [condition["title"] for condition in status(ops)["conditions"]]


def test_every_outcome_is_counted_once_with_its_age_and_its_cost() -> None:
    """One is new, one comes again, one is broken, one is cancelled."""
    play = Play(Catalogue(latency=1.0))
    scrapes: list[Scrape] = []

    async def plot(play: Play) -> None:
        play.send("run-1")
        await play.until_done()
        play.send("run-1")
        play.kafka.append(TOPIC, 0, b"{", timestamp_ms=-1)
        play.send("run-2", status="cancelled")
        await play.until_done(3)
        await anyio.sleep(2)
        play.ops[0].heart.beat()
        scrapes.append(Scrape.of(play.ops[0]))
        shown.update(status(play.ops[0]))

    shown: dict[str, Any] = {}
    play.run(plot)
    [seen] = scrapes
    assert seen.by("records_total", "outcome") == {
        "created": 1,
        "already_present": 1,
        "dead_lettered": 1,
        "ignored": 1,
    }
    assert seen.get("records_total", topic=TOPIC, outcome="completed") == 0, "it is there before it is needed"
    assert seen.get("dead_letters_total", topic=TOPIC, reason="invalid_json", fault_class="record") == 1
    assert seen.get("ignored_total", topic=TOPIC, reason="cancelled") == 1
    assert seen.get("record_age_at_commit_seconds_count", topic=TOPIC) == 3, "one has no timestamp"
    assert seen.get("record_age_at_commit_seconds_bucket", topic=TOPIC, le="300.0") == 3
    assert seen.get("record_work_seconds_count", topic=TOPIC) == 4
    assert seen.get("scicat_requests_per_record_count") == 4
    assert seen.get("scicat_requests_per_record_bucket", le="1.0") == 2, "the broken and the cancelled one cost nothing"
    assert seen.by("scicat_attempts_total", "result") == {"success": 4, "conflict": 1, "record": 1}
    requests = seen.by("scicat_attempts_total", "route")
    assert seen.by("scicat_request_seconds_count", "route") == requests
    assert seen.get("scicat_requests_per_record_sum") == sum(requests.values())
    assert seen.by("publishes_total", "kind") == {"ingested": 2, "dead_letter": 1}
    assert seen.by("commits_total", "result").keys() == {"success"}
    assert seen.get("rebalances_total") == 1
    assert seen.get("assigned_partitions") == 1
    assert seen.get("lag_records", topic=TOPIC, partition="0") == 0
    assert seen.get("oldest_open_record_age_seconds", topic=TOPIC, partition="0") == 0
    assert seen.by("held_records", "state") == seen.by("held_bytes", "state") == {}
    assert seen.get("token_renewals_total", result="success") == 1
    expires, issued = seen.get("token_expires_timestamp_seconds"), seen.get("token_issued_timestamp_seconds")
    assert (expires or 0) - (issued or 0) == play.catalogue.token_life
    assert seen.get("state", state="running") == 1
    assert seen.get("circuit_open") == 0
    assert seen.get("source_held", topic=TOPIC) == 0
    assert seen.by("halted", "reason") == {}
    assert [each["outcome"] for each in shown["lastOutcomes"]][-1] == "created"
    assert shown["lastOutcomes"][-1]["acquisitionId"] == "run-1"
    assert shown["deadLetters"][0]["reason"] == "invalid_json"
    assert shown["severity"] == "ok"
    assert sum(minute["ingested"] for minute in shown["throughput"]["minutes"]) == 2


def test_an_outage_shows_what_waits_where_and_for_how_long() -> None:
    """The pod stays ready; when it is over, nothing is left but what was counted."""
    play = Play(Catalogue(), limits={"held_records": 50, "partition_records": 20})

    async def plot(play: Play) -> None:
        [ops] = play.ops
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ops.heart.run)
            play.send("run-0")
            await play.until_done()
            play.catalogue.up = False
            for number in (1, *range(1, 101)):
                play.send(f"run-{number}")
            await anyio.sleep(600)
            seen = Scrape.of(ops)
            assert seen.get("circuit_open") == 1
            assert (seen.get("circuit_opened_total") or 0) >= 1
            assert 550 <= (seen.get("paused_seconds_total", reason="circuit") or 0) <= 600
            assert seen.get("lag_records", topic=TOPIC, partition="0") == 101
            assert 599 <= (seen.get("oldest_open_record_age_seconds", topic=TOPIC, partition="0") or 0) <= 601
            assert sum(seen.by("held_records", "state").values()) <= 50
            assert seen.by("gate_waiting", "gate").keys() == {"circuit", "lane"}
            assert seen.get("gate_waiting", gate="lane") == 1, "the second of run-1"
            held, sizes = seen.by("held_records", "state"), seen.by("held_bytes", "state")
            assert sizes.keys() == held.keys()
            assert all(sizes[state] / held[state] > 100 for state in held)
            assert status(ops)["held"]["bytes"] == sum(sizes.values())
            assert seen.by("scicat_attempts_total", "result")["transient"] > 0
            assert readiness(ops) == (HTTPStatus.OK, [])
            assert "SciCat is away: work is paused" in titles(ops)
            play.catalogue.up = True
            await play.until_done()
            await anyio.sleep(2)
            seen = Scrape.of(ops)
            assert seen.get("circuit_open") == 0
            assert seen.get("lag_records", topic=TOPIC, partition="0") == 0
            assert seen.by("gate_waiting", "gate") == {}
            assert seen.by("records_total", "outcome") == {"created": 101, "already_present": 1}
            assert status(ops)["conditions"] == []
            tasks.cancel_scope.cancel()

    play.run(plot)


def test_failing_requests_are_told_while_work_goes_on() -> None:
    """An overloaded SciCat, say: the circuit may stay closed. A minute after the last failure nothing is told."""
    play = Play(Catalogue())
    title = "many requests to SciCat fail"

    async def plot(play: Play) -> None:
        [ops] = play.ops
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ops.heart.run)
            play.catalogue.noise = 0.12
            for number in range(300):
                play.send(f"run-{number}")
                await anyio.sleep(0.2)
            [told] = [each for each in status(ops)["conditions"] if each["title"] == title]
            assert told["severity"] == "degraded"
            assert re.fullmatch(r"of \d+ within a minute: \d+ transient", told["detail"])
            play.catalogue.noise = 0.0
            await play.until_done()
            await anyio.sleep(61)
            assert status(ops)["conditions"] == []
            tasks.cancel_scope.cancel()

    play.run(plot)


def test_kafka_that_does_not_answer_is_told_even_when_nothing_waits_for_it() -> None:
    """The watchdog asks it; nothing is read meanwhile."""
    play = Play(Catalogue())

    async def plot(play: Play) -> None:
        [ops] = play.ops
        assert Scrape.of(ops).get("kafka_answers") is None, "it was not asked yet"
        ops.kafka_asked(KafkaUnavailable("no offsets within 10 s"))
        ops.heart.beat()
        await anyio.sleep(60)
        ops.heart.beat()
        assert Scrape.of(ops).get("kafka_answers") == 0
        assert Scrape.of(ops).get("paused_seconds_total", reason="kafka") == 60
        assert titles(ops) == ["Kafka does not answer"]
        assert readiness(ops) == (HTTPStatus.OK, [])
        ops.kafka_asked(None)
        assert Scrape.of(ops).get("kafka_answers") == 1
        assert titles(ops) == []

    play.run(plot)


def test_a_halt_names_its_cause_as_long_as_it_lasts() -> None:
    """It is not ready then: a rollout with a wrong secret goes no further."""
    play = Play(Catalogue(token_life=60))

    def refuse(request: httpx.Request, _: bytes) -> None:
        if request.url.path.endswith("/auth/login"):
            play.catalogue.answer_next = httpx.Response(401, json={"message": "Unauthorized"}, request=request)

    async def plot(play: Play) -> None:
        [ops] = play.ops
        play.send("run-1")
        await play.until_done()
        play.catalogue.on_request = refuse
        await anyio.sleep(100)
        play.send("run-2")
        await anyio.sleep(20)
        ops.heart.beat()
        seen = Scrape.of(ops)
        assert seen.by("halted", "reason") == {"credentials_rejected": 1}
        assert seen.get("state", state="halted") == 1
        assert (seen.get("token_renewals_total", result="failure") or 0) >= 1
        assert seen.by("scicat_attempts_total", "result")["credential"] >= 1
        assert readiness(ops)[0] is HTTPStatus.SERVICE_UNAVAILABLE
        assert status(ops)["severity"] == "halted"
        play.catalogue.on_request = None
        await play.until_done()
        seen = Scrape.of(ops)
        assert seen.by("halted", "reason") == {}
        assert seen.get("state", state="running") == 1
        assert readiness(ops) == (HTTPStatus.OK, [])

    play.run(plot)


def test_a_held_source_is_named_and_its_oldest_record_grows_old() -> None:
    """Its records are in no memory any more, and still open: retention may overtake them."""
    play = Play(Catalogue(), guarded=True)

    async def plot(play: Play) -> None:
        [ops] = play.ops
        for number in range(40):
            play.send(f"run-{number}", status="no such status")
        await anyio.sleep(1000)
        seen = Scrape.of(ops)
        assert seen.get("source_held", topic=TOPIC) == 1
        assert (seen.get("oldest_open_record_age_seconds", topic=TOPIC, partition="0") or 0) > 990
        assert (seen.get("lag_records", topic=TOPIC, partition="0") or 0) > 0
        assert f"the source {TOPIC} is held" in titles(ops)
        assert status(ops)["sources"][0]["held"] is True

    play.run(plot)


def test_when_kafka_does_not_acknowledge_failures_are_counted() -> None:
    """And the time for which nothing is taken in."""
    play = Play(Catalogue())

    async def plot(play: Play) -> None:
        [ops] = play.ops
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ops.heart.run)
            play.catalogue.latency = 10.0
            play.send("run-1")
            await anyio.sleep(15)
            play.kafka.reachable = False
            await anyio.sleep(600)
            seen = Scrape.of(ops)
            assert (seen.get("publishes_total", kind="ingested", result="failure") or 0) > 1
            assert (seen.get("paused_seconds_total", reason="kafka") or 0) > 300
            assert seen.get("held_records", state="publishing") == 1
            assert status(ops)["kafka"]["acknowledges"] is False
            play.kafka.reachable = True
            await play.until_done()
            await anyio.sleep(5)
            assert Scrape.of(ops).get("publishes_total", kind="ingested", result="success") == 1
            assert status(ops)["kafka"]["acknowledges"] is True
            tasks.cancel_scope.cancel()

    play.run(plot)


def test_partitions_that_are_gone_have_no_series() -> None:
    """A second replica takes half of them."""
    play = Play(Catalogue(), replicas=2, partitions=4)

    async def plot(play: Play) -> None:
        await anyio.sleep(60)
        for ops in play.ops:
            seen = Scrape.of(ops)
            assert seen.get("assigned_partitions") == 2
            partitions = [dict(labels)["partition"] for name, labels in seen.values if name.endswith("lag_records")]
            assert len(partitions) == 2
            assert (seen.get("rate_limit_per_second") or 0) == 25
        names = [labels for ops in play.ops for name, labels in Scrape.of(ops).values if name.endswith("lag_records")]
        assert len(set(names)) == 4, "each is one replica's"

    play.run(plot)


def test_the_number_of_series_does_not_grow() -> None:
    """Over 10 000 pids and 1 000 rebalances."""
    play = Play(Catalogue(latency=0.0), partitions=2, limits={"requests_per_second": None, "max_concurrency": 256})

    async def plot(play: Play) -> None:
        [ops] = play.ops
        numbers = []
        for _ in range(2):
            for number in range(10):
                play.send(f"run-{play.sent}-{number}")
                play.kafka.append(TOPIC, 0, b"broken %d" % number, key=b"%d" % number)
                play.sent += 1
            await play.until_done()
            await anyio.sleep(2)
            numbers.append(len(Scrape.of(ops).values))
        known = next(iter(play.ingested.values()))
        for number in range(10_000):
            record = replace(known.record, offset=1000 + number, key=b"%d" % number)
            ops.observer.attempting(record)
            ops.observer.published(replace(known, record=record, plan=replace(known.plan, pid=f"20.500/{number}")))
        generation = play.kafka.group("group").generation
        while play.kafka.group("group").generation < generation + 1000:
            play.kafka.rebalance("group")
            await anyio.sleep(1)
        seen = Scrape.of(ops)
        assert (seen.get("rebalances_total") or 0) > 1000
        assert len(seen.values) == numbers[1]

    play.run(plot)


def test_each_outcome_is_one_line_that_is_found_by_its_ids(caplog: pytest.LogCaptureFixture) -> None:
    """Record, id of the outcome, trace, pid and reason; dead letters stand out."""
    play = Play(Catalogue())
    headers = (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()),)

    async def plot(play: Play) -> None:
        play.send("run-1")
        play.kafka.append(TOPIC, 0, b"{", timestamp_ms=0, headers=headers)
        play.send("run-2", status="cancelled")
        await play.until_done(2)
        await anyio.sleep(2)
        play.ops[0].heart.beat()

    play.run(plot)
    caplog.set_level(logging.INFO)
    caplog.clear()
    log = OutcomeLog()
    for published in play.kafka.published:
        log.published(published.outcome)
    lines = {line["record"]: line for line in map(json.loads, map(JsonLines().format, caplog.records))}
    assert len(caplog.records) == len(lines) == len(play.kafka.published)
    first, broken = lines[f"{TOPIC}[0]@0"], lines[f"{TOPIC}[0]@1"]
    assert (first["level"], first["verdict"], first["acquisition"]) == ("INFO", "created", "run-1")
    assert first["pid"].startswith("20.500.12345/")
    assert (broken["level"], broken["reason"], broken["trace_id"]) == ("WARNING", "invalid_json", TRACE)
    assert len({line["outcome_id"] for line in lines.values()}) == len(lines)


def test_exemplars_carry_the_trace_of_the_producer() -> None:
    """In OpenMetrics, which Prometheus asks for."""
    play = Play(Catalogue())

    async def plot(play: Play) -> None:
        [ops] = play.ops
        play.send("run-1")
        await play.until_done()
        traced = play.kafka.logs[TOPIC, 0].read(0, 1)[0][0].value
        headers = (("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()),)
        play.kafka.append(TOPIC, 0, traced, headers=headers)
        await play.until_done(2)
        reply = ops.resources()["/metrics"].get({"accept": "application/openmetrics-text; version=1.0.0"})
        assert reply.content_type.startswith("application/openmetrics-text")
        lines = [line for line in reply.body.decode().splitlines() if TRACE in line]
        assert {line.partition("{")[0].removesuffix("_bucket") for line in lines} == {
            "scicat_ingest_record_age_at_commit_seconds",
            "scicat_ingest_scicat_request_seconds",
        }
        assert "_created" not in reply.body.decode()

    play.run(plot)
