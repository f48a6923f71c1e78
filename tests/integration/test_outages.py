"""SciCat and Kafka go away in the middle of the work: nothing is lost, and nobody's record is blamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka.client import AIOKafkaClient
from tests.integration.harness import at_least, make_site, read_outcomes, running, send

from scicat_ingest.consume.topics import committed_offsets, prepare_topics
from scicat_ingest.doctor.kafka import KafkaQuestions
from scicat_ingest.doctor.step import Status
from scicat_ingest.testing.stand_in import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.testing.kafka import Broker, EmbeddedKafka

pytestmark = pytest.mark.anyio


def records(count: int) -> list[tuple[bytes, bytes]]:
    made = []
    for number in range(count):
        name = f"run-{number}"
        event: dict[str, Any] = {
            "acquisitionId": name,
            "proposal": {"id": "p1001"},
            "source": {"folder": f"/data/{name}"},
            "files": [{"path": "a.nxs", "size": 3}],
        }
        made.append((name.encode(), json.dumps(event).encode()))
    return made


async def test_an_outage_of_scicat_pauses_the_work_and_makes_no_dead_letter(
    kafka: Broker, topic_names: Callable[[str], str]
) -> None:
    """The server goes away twice in the middle; every event is ingested once in the end."""
    async with StandIn() as stand_in:
        retry = {"first_delay_seconds": 0.05, "max_delay_seconds": 0.2}
        site = make_site(kafka.bootstrap_servers, stand_in, topic_names, retry=retry)
        await prepare_topics(site.settings, create=True)
        await send(site, records(300))
        async with running(site):
            for done in (60, 150):
                await read_outcomes(site, at_least(done))
                await stand_in.stop()
                await stand_in.start()
            outcomes = await read_outcomes(site, at_least(300))
        assert {outcome.topic for outcome in outcomes} == {site.settings.kafka.ingested_topic}
        assert len(stand_in.store.datasets()) == len(stand_in.store.origdatablocks()) == 300


async def test_the_loss_of_one_broker_of_three_stalls_the_work_and_loses_nothing(
    kafka3: EmbeddedKafka, topic_names: Callable[[str], str]
) -> None:
    """Kill -9 of a broker in the middle: replication 3, two in sync are enough to go on."""
    async with StandIn() as stand_in:
        site = make_site(kafka3.bootstrap_servers, stand_in, topic_names)
        await prepare_topics(site.settings, create=True)
        await send(site, records(300))
        try:
            async with running(site):
                await read_outcomes(site, at_least(60))
                kafka3.kill(2)
                outcomes = await read_outcomes(site, at_least(300))
        finally:
            kafka3.restart(2)
        assert {outcome.topic for outcome in outcomes} == {site.settings.kafka.ingested_topic}
        assert len(stand_in.store.datasets()) == len(stand_in.store.origdatablocks()) == 300


async def test_a_service_starts_while_one_broker_of_three_is_away(
    kafka3: EmbeddedKafka, topic_names: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is asked by chance and is the one that is away: another one is asked; by the doctor, too."""
    away = 2
    pick = AIOKafkaClient.get_random_node
    picks: list[int] = []

    def pick_the_dead_one_first(client: AIOKafkaClient) -> int:
        picks.append(pick(client) if len(picks) % 2 else away)
        return picks[-1]

    async with StandIn() as stand_in:
        site = make_site(kafka3.bootstrap_servers, stand_in, topic_names)
        await prepare_topics(site.settings, create=True)
        await send(site, records(1))
        kafka3.kill(away)
        monkeypatch.setattr(AIOKafkaClient, "get_random_node", pick_the_dead_one_first)
        try:
            await prepare_topics(site.settings, create=False)
            assert await committed_offsets(site.settings.kafka) == {}
            questions = KafkaQuestions(site.settings, None)
            assert (await questions.reachable()).status is Status.OK
            assert (await questions.group()).status is not Status.FAILED
            assert picks.count(away) > 4
            async with running(site):
                assert len(await read_outcomes(site, at_least(1))) == 1
        finally:
            kafka3.restart(away)
