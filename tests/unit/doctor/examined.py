"""An examination of a SciCat, as a test wants to look at it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from scicat_ingest.doctor.examine import examine_scicat
from scicat_ingest.doctor.step import Examination, Step
from scicat_ingest.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from scicat_ingest.testing.stand_in import Account, StandInThread

MAPPING = {
    "pid_prefix": "20.500.12345",
    "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
    "fallback_owner_group": "unassigned",
}
IN_SCICAT = ("Dataset", "OrigDatablock", "Attachment")


def settings_for(url: str, account: Account | None = None, *, group: str | None = "", **changes: Any) -> Settings:
    """Give settings for a SciCat; read_back_group is the account's first group unless another is given.

    `changes` are of the group `scicat`, or of `mapping` for names that are there.
    """
    scicat: dict[str, Any] = {"url": url, "username": "nobody", "password": "nobody-password"}
    if account is not None:
        scicat |= {"username": account.username, "password": account.password}
        scicat["read_back_group"] = account.groups[0] if group == "" else group
    mapping = MAPPING | {name: value for name, value in changes.items() if name in MAPPING}
    scicat |= {name: value for name, value in changes.items() if name not in MAPPING}
    return Settings.model_validate({"scicat": scicat, "mapping": mapping})


async def examined(settings: Settings, done: Callable[[Step], None] = lambda _: None) -> Examination:
    """Ask SciCat everything."""
    examination = Examination(done)
    await examine_scicat(settings, examination)
    return examination


def by_name(examination: Examination) -> dict[str, Step]:
    return {step.name: step for step in examination.steps}


def statuses(examination: Examination) -> dict[str, str]:
    """Give the status of each step, without the word "scicat"."""
    return {step.name.removeprefix("scicat "): step.status.value for step in examination.steps}


def stored(stand_in: StandInThread) -> dict[str, int]:
    return {name: len(list(stand_in.store.all(name))) for name in IN_SCICAT}


@asynccontextmanager
async def server(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Run an HTTP server on a free port; give its address."""
    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
