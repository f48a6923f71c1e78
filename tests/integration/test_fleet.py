"""Processes join, leave, die and freeze while events flow: everything is in SciCat once, and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from tests.integration.fleet import READING, Sent, check_ending, events, fleet, send_slowly, until_said
from tests.integration.harness import at_least, make_site, read_outcomes, send

from scicat_ingest.consume.connection import connection_arguments
from scicat_ingest.consume.topics import prepare_topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.harness import Site

    from scicat_ingest.testing.kafka import Broker, EmbeddedKafka
    from scicat_ingest.testing.stand_in import StandInThread

pytestmark = pytest.mark.anyio

PARTITIONS = 6


@pytest.fixture
def wide_site(kafka: Broker, stand_in: StandInThread, topic_names: Callable[[str], str]) -> Site:
    """Give a site with more partitions, and a settle time that outlasts a freeze."""
    return make_site(
        kafka.bootstrap_servers,
        stand_in,
        topic_names,
        kafka={"partitions": PARTITIONS},
        scicat={"settle_seconds": 15},
    )


async def test_processes_join_and_leave_while_5000_events_flow(wide_site: Site, tmp_path: Path) -> None:
    """Two, then three, then two, then three."""
    site, sent = wide_site, Sent()
    await prepare_topics(site.settings, create=True)
    with fleet(site, tmp_path) as processes:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_slowly, site, events(5000), sent)
            first = processes.start("first")
            processes.start("second")
            await read_outcomes(site, at_least(500))
            processes.start("third")
            await read_outcomes(site, at_least(1500))
            processes.retire(first)
            await read_outcomes(site, at_least(3000))
            processes.start("fourth")
        await read_outcomes(site, at_least(5000))
        processes.retire_all()
    repeats = await check_ending(site, sent)
    assert set(repeats.values()) == {1}, "an orderly rebalance repeats nothing"


async def test_a_process_that_is_killed_costs_repeats_at_most(wide_site: Site, tmp_path: Path) -> None:
    """Kill -9 of one of two, twice."""
    site = wide_site
    await prepare_topics(site.settings, create=True)
    sent = await send(site, events(1000))
    with fleet(site, tmp_path) as processes:
        processes.start("survivor")
        for done in (100, 400):
            victim = processes.start("victim")
            await until_said(victim, READING, times=1 if done == 100 else 2)
            await read_outcomes(site, at_least(done))
            victim.kill()
        await read_outcomes(site, at_least(1000))
        processes.retire_all()
    await check_ending(site, sent)


async def test_a_process_that_was_frozen_for_longer_than_its_session_lets_go_and_joins_again(
    wide_site: Site, tmp_path: Path
) -> None:
    """SIGSTOP until the other one has everything, then SIGCONT: the zombie cannot commit, and works on."""
    site = wide_site
    await prepare_topics(site.settings, create=True)
    sent = await send(site, events(600))
    with fleet(site, tmp_path) as processes:
        zombie = processes.start("zombie")
        await until_said(zombie, READING)
        other = processes.start("other")
        await until_said(other, READING)
        await read_outcomes(site, at_least(100))
        joined = zombie.said.count(READING)
        zombie.freeze()
        await until_said(other, ", ".join(f"{site.topic}[{number}]" for number in range(PARTITIONS)))
        zombie.thaw()
        await until_said(zombie, READING, times=joined + 1)
        sent |= await send(site, events(100, first=600))
        await read_outcomes(site, at_least(700))
        assert zombie.alive
        processes.retire_all()
    await check_ending(site, sent)


async def test_a_rolling_restart_with_static_membership_moves_no_partition(wide_site: Site, tmp_path: Path) -> None:
    """Each of three is restarted while events flow; the others are never told to let go."""
    site, sent = wide_site, Sent()
    site.document["kafka"]["session_timeout_seconds"] = 30
    await prepare_topics(site.settings, create=True)
    with fleet(site, tmp_path) as processes:
        names = ["one", "two", "three"]
        running = {name: processes.start(name, group_instance_id=name) for name in names}
        for name in names:
            await until_said(running[name], READING)
        settled = {name: running[name].said.count(READING) for name in names}
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_slowly, site, events(900), sent)
            for number, name in enumerate(names, start=1):
                await read_outcomes(site, at_least(number * 100))
                processes.retire(running[name])
                running[name] = processes.start(name, group_instance_id=name)
                await until_said(running[name], READING, times=settled[name] + 1)
        await read_outcomes(site, at_least(900))
        last_joins = {name: running[name].said.count(READING) for name in names}
        processes.retire_all()
    assert last_joins == {name: joins + 1 for name, joins in settled.items()}
    repeats = await check_ending(site, sent)
    assert set(repeats.values()) == {1}


async def coordinator_of(site: Site) -> int:
    """Give the number of the broker that coordinates the service's group."""
    admin = AIOKafkaAdminClient(**connection_arguments(site.settings.kafka))
    await admin.start()
    try:
        return int(await admin.find_coordinator(site.settings.kafka.group_id))
    finally:
        await admin.close()


async def test_the_broker_that_coordinates_the_group_is_killed_while_two_processes_work(
    kafka3: EmbeddedKafka, stand_in: StandInThread, topic_names: Callable[[str], str], tmp_path: Path
) -> None:
    """One of three; the work stalls and goes on, and the broker comes back."""
    site = make_site(kafka3.bootstrap_servers, stand_in, topic_names, scicat={"settle_seconds": 15})
    await prepare_topics(site.settings, create=True)
    sent = await send(site, events(1000))
    with fleet(site, tmp_path) as processes:
        running = [processes.start("one"), processes.start("two")]
        await read_outcomes(site, at_least(100))
        victim = await coordinator_of(site)
        kafka3.kill(victim)
        try:
            await read_outcomes(site, at_least(1000))
        finally:
            await anyio.to_thread.run_sync(kafka3.restart, victim)
        sent |= await send(site, events(50, first=1000))
        await read_outcomes(site, at_least(1050))
        assert all(process.alive for process in running)
        processes.retire_all()
    await check_ending(site, sent)


async def test_two_processes_over_sasl_ssl(
    secure_kafka: EmbeddedKafka, stand_in: StandInThread, topic_names: Callable[[str], str], tmp_path: Path
) -> None:
    """Authentication and encryption change nothing."""
    site = make_site(
        secure_kafka.sasl_bootstrap_servers,
        stand_in,
        topic_names,
        kafka={
            "security_protocol": "SASL_SSL",
            "sasl_username": secure_kafka.username,
            "sasl_password": secure_kafka.password,
            "ca_file": str(secure_kafka.cafile),
        },
    )
    await prepare_topics(site.settings, create=True)
    with fleet(site, tmp_path) as processes:
        processes.start("one")
        processes.start("two")
        sent = await send(site, events(300))
        await read_outcomes(site, at_least(300))
        processes.retire_all()
    await check_ending(site, sent)
