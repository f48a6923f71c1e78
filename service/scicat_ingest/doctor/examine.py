"""All questions in their order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio

from scicat_ingest import __version__
from scicat_ingest.bootstrap import rules_by_topic
from scicat_ingest.consume.connection import connection_arguments
from scicat_ingest.deliver.transport import open_http_client
from scicat_ingest.doctor.folders import ask_folders
from scicat_ingest.doctor.kafka import KafkaQuestions
from scicat_ingest.doctor.scicat_account import AccountQuestions
from scicat_ingest.doctor.scicat_clean_up import CLEAN_UP, clean_up
from scicat_ingest.doctor.scicat_lookups import ask_look_ups
from scicat_ingest.doctor.scicat_requests import Requests
from scicat_ingest.doctor.scicat_writes import WriteQuestions
from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    import httpx

    from scicat_ingest.doctor.step import Examination
    from scicat_ingest.settings import ScicatSettings, Settings


def check_settings(settings: Settings) -> None:
    """Raise InvalidSettings for what is wrong before any request is made."""
    rules_by_topic(settings)
    connection_arguments(settings.kafka)
    scicat = settings.scicat
    if scicat.url is None:
        raise InvalidSettings("scicat.url is not set", hint="the backend's address without /api")
    if scicat.username is None and scicat.token is None and scicat.token_file is None:
        raise InvalidSettings("scicat: no credentials are set", hint="set username and password_file, or token_file")


async def examine(settings: Settings, examination: Examination, *, replicas: int | None = None) -> None:
    """Ask everything; the answers are in `examination`. Raises InvalidSettings before the first step, if at all."""
    check_settings(settings)
    examination.secrets.add(connection_arguments(settings.kafka).get("sasl_plain_password") or "")
    await examine_scicat(settings, examination)
    await KafkaQuestions(settings, replicas).ask_all(examination)
    await ask_folders(settings, examination)


async def examine_scicat(settings: Settings, examination: Examination) -> None:
    """Ask SciCat; remove what was created, or put it into `left_behind`, also when this is cancelled."""
    async with _http_client(settings.scicat) as http:
        requests = Requests(http, settings.scicat, examination.secrets)
        account = AccountQuestions(requests, settings.scicat, examination.secrets)
        await account.ask_all(examination)
        writes = WriteQuestions(requests, settings, account.groups)
        try:
            await writes.ask_all(examination)
            await ask_look_ups(requests, examination)
        finally:
            if writes.created.pid is not None:
                with anyio.CancelScope(shield=True):  # a step has a deadline
                    look = partial(clean_up, requests, writes.created, examination.left_behind)
                    await examination.step(CLEAN_UP, look)


def _http_client(scicat: ScicatSettings) -> httpx.AsyncClient:
    return open_http_client(
        base_url=str(scicat.url).rstrip("/"),
        max_connections=2,
        ca_file=scicat.ca_file,
        connect_timeout_seconds=scicat.connect_timeout_seconds,
        user_agent=f"scicat-ingest/{__version__} doctor",
    )
