"""What the tests of several folders share: a real broker, started once a session and only if a test asks for it.

If Kafka cannot be started, the tests that need it fail: they are never skipped.
"""

from __future__ import annotations

import gc
import os
import re
import uuid
from typing import TYPE_CHECKING

import pytest

from scicat_ingest.testing.kafka import EmbeddedKafka, GivenBroker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scicat_ingest.testing.kafka import Broker

BROKER_VARIABLE = "KAFKA_TEST_BOOTSTRAP_SERVERS"


def pytest_collection_finish() -> None:
    """Spare the garbage collector the thousands of tests: it looked through all of them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def kafka() -> Iterator[Broker]:
    """One plain broker; the one at $KAFKA_TEST_BOOTSTRAP_SERVERS if that is set."""
    if given := os.environ.get(BROKER_VARIABLE):
        yield GivenBroker(given)
        return
    with EmbeddedKafka() as started:
        yield started


@pytest.fixture
def topic_names(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Give names of topics (and groups) that no other test and no earlier run uses: `topic_names("events")`.

    The same argument gives the same name within a test. The topics are not created.
    """
    test = re.sub(r"[^a-zA-Z0-9._-]", "-", request.node.name)[:100]
    prefix = f"{test}-{uuid.uuid4().hex[:8]}"
    return lambda name: f"{prefix}.{name}"
