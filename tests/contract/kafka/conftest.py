"""Both sides of the contract: Kafka in memory, and a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.kafka.memory_side import open_memory_side
from tests.contract.kafka.real_side import RealSide

from scicat_ingest.consume import kafka_stream
from scicat_ingest.report import publisher
from scicat_ingest.testing.kafka import EmbeddedKafka

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.contract.kafka.side import Side

SIDES = ["memory", pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio: aiokafka knows no other."""
    return "asyncio"


@pytest.fixture(scope="session")
def mortal_kafka() -> Iterator[EmbeddedKafka]:
    """Give a broker that a test may kill, if it restarts it."""
    with EmbeddedKafka() as started:
        yield started


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_stream, "REBALANCE_TIMEOUT_MS", 6_000)
    monkeypatch.setattr(publisher, "ACKNOWLEDGED_WITHIN_SECONDS", 2.0)


@pytest.fixture(params=SIDES)
async def side(request: pytest.FixtureRequest, topic_names: Callable[[str], str]) -> AsyncIterator[Side]:
    """Each side in turn."""
    if request.param == "kafka":
        async with RealSide(request.getfixturevalue("kafka"), topic_names) as real:
            yield real
    else:
        async with open_memory_side() as memory:
            yield memory


@pytest.fixture(params=SIDES)
async def mortal_side(request: pytest.FixtureRequest, topic_names: Callable[[str], str]) -> AsyncIterator[Side]:
    """Each side in turn, which may go away."""
    if request.param == "kafka":
        async with RealSide(request.getfixturevalue("mortal_kafka"), topic_names) as real:
            yield real
    else:
        async with open_memory_side() as memory:
            yield memory
