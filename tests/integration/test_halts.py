"""Configuration that goes wrong while we run, and brokers that go away: we wait, loudly, and lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.integration.fleet import READING, check_ending, events, fleet, until_said
from tests.integration.harness import at_least, make_site, read_outcomes, send

from scicat_ingest.consume.topics import prepare_topics
from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandInThread
from scicat_ingest.testing.stand_in.accounts import Account

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scicat_ingest.testing.kafka import Broker

pytestmark = pytest.mark.anyio


async def test_a_password_that_is_changed_halts_us_until_its_file_is_corrected(
    kafka: Broker, topic_names: Callable[[str], str], tmp_path: Path
) -> None:
    """No dead letter for it, no partition given up, and no restart needed."""
    password = tmp_path / "password"
    with StandInThread() as first:
        port = int(first.url.rpartition(":")[2])
        site = make_site(kafka.bootstrap_servers, first, topic_names)
        password.write_text(site.document["scicat"].pop("password"))
        site.document["scicat"]["password_file"] = str(password)
        await prepare_topics(site.settings, create=True)
        with fleet(site, tmp_path) as processes:
            service = processes.start("service")
            before = await send(site, events(3))
            await read_outcomes(site, at_least(3))
            first.stop()
            with StandInThread(port=port, accounts=(Account("ingestor", "another one", ("ingestor",)),)) as second:
                after = await send(site, events(20, first=3))
                await until_said(service, "halted, nothing is read: credentials_rejected")
                password.write_text("another one")
                await until_said(service, "the halt is over")
                await read_outcomes(site, at_least(23))
                processes.retire_all()
                assert service.said.count(READING) == 1
                assert "another one" not in service.said
                assert {dataset["datasetName"] for dataset in second.store.datasets()} == {
                    f"run-{number}" for number in range(3, 23)
                }
    assert len(before) + len(after) == 23


async def test_brokers_that_are_away_for_a_while_cost_nothing(
    stand_in: StandInThread, topic_names: Callable[[str], str], tmp_path: Path
) -> None:
    """Records are in flight when the only broker dies; the process waits, and publishes when it is back."""
    with EmbeddedKafka() as kafka:
        site = make_site(kafka.bootstrap_servers, stand_in, topic_names)
        await prepare_topics(site.settings, create=True)
        sent = await send(site, events(1500))
        with fleet(site, tmp_path) as processes:
            service = processes.start("service")
            await read_outcomes(site, at_least(100))
            kafka.kill(1)
            await until_said(service, "Kafka does not acknowledge outcomes")
            kafka.restart(1)
            await until_said(service, "Kafka has acknowledged all outcomes")
            await read_outcomes(site, at_least(1500))
            assert service.alive
            processes.retire_all()
        await check_ending(site, sent)
