"""From records to another client's hands: the engine ingests, scitacean downloads."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
from scitacean import Client
from scitacean.transfer.copy import CopyFileTransfer
from tests.contract.service.bench import Bench, Clock
from tests.e2e.acquisition import CONTENTS, derived_event, raw_event

from scicat_ingest.bootstrap import rules_by_topic
from scicat_ingest.engine.assignment import Bounds
from scicat_ingest.engine.engine import Engine, Parts
from scicat_ingest.engine.observer import Observer
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.report.outcome import DeadLettered, Ingested
from scicat_ingest.settings import JoinsSettings
from scicat_ingest.testing.facility import EmptyFacility
from scicat_ingest.testing.memory_kafka import MemoryKafka

if TYPE_CHECKING:
    from pathlib import Path

    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.testing.stand_in import StandInThread


def test_records_become_datasets_that_another_client_downloads(stand_in: StandInThread, folder: Path) -> None:
    """One raw, one derived, one broken, and the first again: two datasets, with each file once."""
    account = stand_in.account("ingestor")
    bench = Bench(
        stand_in, Clock(now=time.time()), account=account.username, scicat={"read_back_group": account.username}
    )
    rules = rules_by_topic(bench.settings)
    (topic,) = rules
    raw, derived = (json.dumps(event(folder)).encode() for event in (raw_event, derived_event))
    values = (raw, b'{"acquisitionId": "odin-0', derived, raw)

    outcomes: dict[int, Outcome] = {}

    async def ingest() -> None:
        async with bench.open() as deliveries, MemoryKafka() as kafka, anyio.create_task_group() as tasks:
            kafka.create_topic(topic)
            for value in values:
                kafka.append(topic, 0, value)
            stream = kafka.member("replica", [topic], "group")
            pipeline = Pipeline(rules, deliveries, EmptyFacility(), JoinsSettings(), lambda: datetime.now(UTC))
            engine = Engine(Parts(stream, pipeline, stream.publisher(), Observer(), deliveries), Bounds())
            tasks.start_soon(engine.run)
            with anyio.fail_after(60):
                while len(kafka.published) < len(values):
                    await kafka.something_happens(0.05)
            await engine.stop()
            assert kafka.group("group").committed == {(topic, 0): len(values)}
            outcomes.update({message.outcome.record.offset: message.outcome for message in kafka.published})

    anyio.run(ingest)
    verdicts = {at: outcome.delivered.verdict for at, outcome in outcomes.items() if isinstance(outcome, Ingested)}
    assert verdicts == {0: "created", 2: "created", 3: "already_present"}
    assert isinstance(outcomes[1], DeadLettered)

    client = Client.from_credentials(
        url=f"{stand_in.url}/api/v3",
        username=account.username,
        password=account.password,
        file_transfer=CopyFileTransfer(),
        allow_http=True,
    )
    found = client.scicat.query_datasets({"proposalIds": ["p1001"]}, strict_validation=True)
    assert Counter(dataset.type for dataset in found) == {"raw": 1, "derived": 1}
    for dataset in found:
        assert dataset.pid is not None
        target = folder.parent / str(dataset.type)
        files = client.download_files(client.get_dataset(dataset.pid), target=target).files
        assert {file.remote_path.posix: file.local_path and file.local_path.read_bytes() for file in files} == CONTENTS
