"""A stand-in whose clock the test decides on, and a bench to deliver to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.service.bench import Bench, Clock

from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> Iterator[StandInThread]:
    with StandInThread(clock=lambda: clock.now) as started:
        yield started


@pytest.fixture
def bench(stand_in: StandInThread, clock: Clock) -> Bench:
    return Bench(stand_in, clock)
