"""More brokers for the tests in this folder, each started once a session and only if a test asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.harness import make_site

from scicat_ingest.testing.kafka import EmbeddedKafka
from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.harness import Site

    from scicat_ingest.testing.kafka import Broker

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, and no other, as one that needs Kafka; those marked otherwise need more."""
    for item in items:
        needs_more = item.get_closest_marker("image") or item.get_closest_marker("tools")
        if item.path.is_relative_to(HERE) and needs_more is None:
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio: aiokafka knows no other."""
    return "asyncio"


@pytest.fixture(scope="session")
def kafka3() -> Iterator[EmbeddedKafka]:
    """Three brokers that a test may kill, if it restarts them."""
    with EmbeddedKafka(nodes=3) as started:
        yield started


@pytest.fixture(scope="session")
def secure_kafka() -> Iterator[EmbeddedKafka]:
    """One broker with SASL_SSL listeners."""
    with EmbeddedKafka(secure=True) as started:
        yield started


@pytest.fixture
def stand_in() -> Iterator[StandInThread]:
    with StandInThread() as started:
        yield started


@pytest.fixture
def site(kafka: Broker, stand_in: StandInThread, topic_names: Callable[[str], str]) -> Site:
    return make_site(kafka.bootstrap_servers, stand_in, topic_names)
