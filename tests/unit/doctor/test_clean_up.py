"""What the doctor created is removed or named, however the examination ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from aiohttp import ClientSession, web
from tests.unit.doctor.examined import by_name, examined, server, settings_for, stored

from scicat_ingest.doctor.examine import examine_scicat
from scicat_ingest.doctor.step import Examination
from scicat_ingest.testing.stand_in import Account, StandInThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from scicat_ingest.doctor.step import Step

pytestmark = pytest.mark.anyio

REMOVER = Account("robot", "robot-password", ("ingestor", "archiveManager"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stand_in() -> Iterator[StandInThread]:
    with StandInThread(accounts=(REMOVER,)) as started:
        yield started


@pytest.fixture
async def passed_on(
    stand_in: StandInThread,
) -> AsyncIterator[Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]]:
    """Give a proxy's handler that passes a request on to the stand-in."""
    async with ClientSession(auto_decompress=False) as session:

        async def pass_on(request: web.BaseRequest) -> web.StreamResponse:
            headers = {
                name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers
            }
            url = f"{stand_in.url}{request.raw_path}"
            async with session.request(request.method, url, data=await request.read(), headers=headers) as answer:
                return web.Response(
                    status=answer.status, body=await answer.read(), content_type="application/json", charset="utf-8"
                )

        yield pass_on


async def test_an_interrupted_examination_still_cleans_up(stand_in: StandInThread) -> None:
    """Ctrl-C after the attachment was made: nothing of it stays."""

    def interrupt(step: Step) -> None:
        if step.name == "scicat attachment":
            scope.cancel()

    examination = Examination(interrupt)
    with anyio.CancelScope() as scope:
        await examine_scicat(settings_for(stand_in.url, REMOVER), examination)
    assert scope.cancelled_caught
    assert examination.steps[-1].name == "scicat clean-up"
    assert stored(stand_in) == {"Dataset": 0, "OrigDatablock": 0, "Attachment": 0}


async def test_a_dataset_whose_creation_was_not_answered_is_removed(
    stand_in: StandInThread, passed_on: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
) -> None:
    """A lost answer may mean that it is there."""

    async def lose(request: web.BaseRequest) -> web.StreamResponse:
        answer = await passed_on(request)
        if request.method == "POST" and request.path.endswith("/datasets") and request.transport is not None:
            request.transport.close()
        return answer

    async with server(lose) as url:
        examination = await examined(settings_for(url, REMOVER))
    assert by_name(examination)["scicat dataset"].status == "failed"
    assert stand_in.requests["POST /api/v4/datasets"] == 1
    assert stored(stand_in)["Dataset"] == 0
    assert examination.left_behind == []


async def test_a_block_that_was_stored_by_a_500_is_removed_before_its_dataset(
    stand_in: StandInThread, passed_on: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
) -> None:
    """Its id was never told: it is found by reading the dataset."""

    async def fail(request: web.BaseRequest) -> web.StreamResponse:
        answer = await passed_on(request)
        if answer.status == 201 and request.path.endswith("/origdatablocks"):
            return web.json_response("Internal server error", status=500)
        return answer

    async with server(fail) as url:
        examination = await examined(settings_for(url, REMOVER))
    assert by_name(examination)["scicat block"].status == "failed"
    assert stand_in.answers["POST /api/v4/origdatablocks", 201] + stand_in.answers["POST /api/v3/origdatablocks", 201]
    assert stored(stand_in) == {"Dataset": 0, "OrigDatablock": 0, "Attachment": 0}


async def test_a_dataset_is_not_removed_while_a_block_stays(
    stand_in: StandInThread, passed_on: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
) -> None:
    """The block would come back with the next dataset of this pid."""

    async def keep_blocks(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "DELETE" and "/origdatablocks/" in request.path:
            return web.json_response({"message": "Forbidden resource"}, status=403)
        return await passed_on(request)

    async with server(keep_blocks) as url:
        examination = await examined(settings_for(url, REMOVER))
    assert [left.kind for left in examination.left_behind] == ["origdatablock", "dataset"]
    assert stored(stand_in) == {"Dataset": 1, "OrigDatablock": 1, "Attachment": 0}


async def test_what_a_server_that_went_away_still_has_is_named(
    stand_in: StandInThread, passed_on: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
) -> None:
    """No answer to a DELETE is no proof that it is gone."""

    async def vanish(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "DELETE" and request.transport is not None:
            request.transport.close()
        return await passed_on(request) if request.method != "DELETE" else web.Response()

    async with server(vanish) as url:
        examination = await examined(settings_for(url, REMOVER))
    assert [left.kind for left in examination.left_behind] == ["attachment", "origdatablock", "dataset"]
