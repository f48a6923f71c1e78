"""From records to another client's hands: the engine ingests, scitacean downloads."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
from scitacean import Client
from scitacean.transfer.copy import CopyFileTransfer
from tests.contract.service.bench import Bench, Clock
from tests.e2e.acquisition import CONTENTS, derived_event, raw_event

from scicat_ingest.bootstrap import rules_by_topic
from scicat_ingest.consume.record import Record
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.service import Service
from scicat_ingest.report.outcome import DeadLettered, Ingested

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scicat_ingest.consume.stream import Partition
    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.testing.stand_in import StandInThread


@dataclass
class Kafka:
    """A topic of given records; what is published and committed is kept."""

    records: list[Record]
    service: Service | None = None
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    committed: dict[Partition, int] = field(default_factory=dict)

    async def fetch(self, most: int) -> list[Record]:
        await anyio.lowlevel.checkpoint()
        batch, self.records = self.records[:most], self.records[most:]
        if not batch and self.service is not None:
            await self.service.stop()
        return batch

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        await anyio.lowlevel.checkpoint()
        self.committed |= offsets

    async def publish(self, outcome: Outcome) -> None:
        await anyio.lowlevel.checkpoint()
        self.outcomes[outcome.record.offset] = outcome

    def ready(self) -> None:
        """Learn nothing of interest."""

    def published(self, outcome: Outcome) -> None:
        """Learn what `publish` knows."""


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
    kafka = Kafka([Record(topic, 0, offset, 0, None, value) for offset, value in enumerate(values)])

    async def ingest() -> None:
        async with bench.open() as delivery:
            pipeline = Pipeline(rules, delivery, lambda: datetime.now(UTC))
            kafka.service = Service(kafka, pipeline, kafka, kafka, max_concurrency=4)
            await kafka.service.run()

    anyio.run(ingest)
    assert kafka.committed == {(topic, 0): len(values)}
    verdicts = {
        at: outcome.delivered.verdict for at, outcome in kafka.outcomes.items() if isinstance(outcome, Ingested)
    }
    assert verdicts == {0: "created", 2: "created", 3: "already_present"}
    assert isinstance(kafka.outcomes[1], DeadLettered)

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
