"""What SciCat answers does not stay in memory."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING

import anyio
import httpx
from tests.unit.acquisition_events import settings

from scicat_ingest.bootstrap import RealClock
from scicat_ingest.deliver.deliveries import Deliveries
from scicat_ingest.testing.httpx_wire import HttpxWire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Body(httpx.AsyncByteStream):
    """Gives a list in two pieces."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"["
        yield b"]"


def test_an_answer_is_gone_when_it_was_read() -> None:
    """Pages of a long file list would otherwise pile up until the next full garbage collection."""
    answers: list[weakref.ref[httpx.Response]] = []

    def answer(_: httpx.Request) -> httpx.Response:
        response = httpx.Response(200, stream=Body(), headers={"content-type": "application/json"})
        answers.append(weakref.ref(response))
        return response

    async def ask() -> None:
        async with httpx.MockTransport(answer) as transport:
            given = settings(scicat={"url": "http://scicat", "token": "secret"})
            client = Deliveries.over(HttpxWire(transport), given, RealClock()).parts.client
            reply, _ = await client.get_origdatablocks("v4", "pid", 0, 10)
            assert reply.body == []

    gc.collect()
    gc.disable()
    try:
        anyio.run(ask)
        assert len(answers) >= 1
        assert [each() for each in answers] == [None] * len(answers)
    finally:
        gc.enable()
