"""What the doctor says of a SciCat that is not there, is another thing, or does not know us."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from tests.unit.doctor.examined import by_name, examined, server, settings_for, statuses

from scicat_ingest.deliver.transport import open_http_client
from scicat_ingest.doctor.examine import check_settings
from scicat_ingest.doctor.report import closing_lines, step_lines
from scicat_ingest.faults import InvalidSettings
from scicat_ingest.settings import Settings
from scicat_ingest.testing.stand_in import StandInThread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def stand_in() -> Iterator[StandInThread]:
    with StandInThread() as started:
        yield started


async def a_token(stand_in: StandInThread) -> str:
    """Log in as the ingestor, elsewhere."""
    account = stand_in.account("ingestor")
    async with open_http_client(base_url=stand_in.url, max_connections=1, user_agent="test") as http:
        body = {"username": account.username, "password": account.password}
        return str((await http.post("/api/v3/auth/login", json=body)).json()["access_token"])


async def test_a_wrong_password_skips_only_what_needs_the_login(stand_in: StandInThread) -> None:
    """Reachability, version and clock are still told; nothing is created, so nothing is cleaned up."""
    account = stand_in.account("ingestor")
    examination = await examined(settings_for(stand_in.url, account, password="wrong-password"))
    found = statuses(examination)
    assert (found["reachable"], found["clock"], found["login"]) == ("ok", "ok", "failed")
    assert "password" in by_name(examination)["scicat login"].ask
    later = {name: status for name, status in found.items() if name not in {"reachable", "version", "login", "clock"}}
    assert set(later.values()) == {"skipped"}
    assert by_name(examination)["scicat block"].seen == "needs: scicat dataset"
    assert "clean-up" not in found


async def test_nobody_listening_and_an_unknown_host_are_told_apart() -> None:
    """Each with the setting to look at; everything else is skipped."""
    listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    for url, word in ((f"http://127.0.0.1:{port}", "connect_refused"), ("http://scicat.invalid", "name_resolution")):
        examination = await examined(settings_for(url))
        first, *others = examination.steps
        assert (first.name, first.status) == ("scicat reachable", "failed")
        assert word in first.seen
        assert "scicat.url" in first.ask
        assert {step.status for step in others} == {"skipped"}
        assert not examination.ok


async def test_tls_to_a_plain_port_is_told_as_such(stand_in: StandInThread) -> None:
    """https:// for http:// is a matter of scicat.url, an unknown certificate one of scicat.ca_file."""
    first = (await examined(settings_for(stand_in.url.replace("http:", "https:")))).steps[0]
    assert first.status == "failed"
    assert "tls" in first.seen
    assert "scicat.ca_file" in first.ask


async def test_a_server_that_hangs_ends_in_time() -> None:
    """As SciCat does while its database hangs."""
    told = asyncio.Event()

    async def hang(_: web.BaseRequest) -> web.StreamResponse:
        await told.wait()
        return web.Response()

    async with server(hang) as url:
        first = (await examined(settings_for(url, connect_timeout_seconds=0.1, read_timeout_seconds=0.1))).steps[0]
        told.set()
    assert first.status == "failed"
    assert "timeout" in first.seen


@pytest.mark.parametrize(
    ("status", "body", "headers", "words", "asks"),
    [
        (200, "<html>Welcome</html>", {}, "200", "not SciCat"),
        (404, "<html>no</html>", {}, "404", "not SciCat"),
        (302, "", {"Location": "/login"}, "redirect", "where it leads"),
        (502, "Bad Gateway", {}, "502", "proxy"),
        (503, '{"status":"error","error":{"mongodb":{"status":"down"}}}', {}, "mongodb is down", "administrator"),
    ],
)
async def test_what_answers_instead_of_a_healthy_scicat_is_told(
    status: int, body: str, headers: dict[str, str], words: str, asks: str
) -> None:
    """A web page, a redirect to a login, a proxy whose backend is away, a backend whose database is down."""

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, text=body, headers=headers)

    async with server(answer) as url:
        examination = await examined(settings_for(url))
    first = examination.steps[0]
    assert first.status == "failed"
    assert words in first.seen
    assert asks in first.ask
    assert examination.left_behind == []


@pytest.mark.parametrize(
    ("document", "status", "words"),
    [
        ({"info": {"version": "4.27.0"}, "paths": {}}, "ok", "4.27.0"),
        ({"info": {"version": "api/v3"}, "paths": {"/api/v4/origdatablocks": {}}}, "ok", "v4.20 or newer"),
        ({"info": {"version": "api/v3"}, "paths": {"/api/v4/datasets": {}}}, "ok", "v4.12 or newer"),
        ({"info": {}, "paths": {"/api/v3/datasets": {}}}, "warning", "older than v4.12"),
        (None, "warning", "unknown"),
    ],
)
async def test_the_version_is_what_the_api_document_says_or_its_routes_tell(
    document: dict[str, Any] | None, status: str, words: str
) -> None:
    """Real backends give "api/v3" for a release; one that hides the document is unknown, which is no failure."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/explorer-json" and document is not None:
            return web.json_response(document)
        if request.path == "/api/v3/health":
            return web.json_response({"status": "ok"})
        return web.json_response({"message": f"Cannot {request.method} {request.path}"}, status=404)

    async with server(answer) as url:
        step = by_name(await examined(settings_for(url)))["scicat version"]
    assert step.status == status
    assert words in step.seen


@pytest.mark.parametrize(("shift", "words"), [(60, "ahead of"), (-60, "behind")])
async def test_a_clock_that_differs_is_a_warning(shift: float, words: str) -> None:
    """Settle times and If-Unmodified-Since compare SciCat's clock with ours."""
    with StandInThread(clock=lambda: time.time() + shift) as stand_in:
        examination = await examined(settings_for(stand_in.url, stand_in.account("ingestor")))
        step = by_name(examination)["scicat clock"]
        assert step.status == "warning"
        assert f"60 s {words} ours" in step.seen or f"59 s {words} ours" in step.seen
        assert by_name(examination)["scicat token life"].status == "ok"


async def test_short_lived_tokens_are_a_warning() -> None:
    """A token of two minutes is renewed every minute."""
    with StandInThread(token_life=120) as stand_in:
        step = by_name(await examined(settings_for(stand_in.url, stand_in.account("ingestor"))))["scicat token life"]
    assert step.status == "warning"
    assert "JWT_EXPIRES_IN" in step.ask


async def test_a_given_token_that_dies_within_a_day_is_a_warning(stand_in: StandInThread, tmp_path: Path) -> None:
    """Nobody renews it; otherwise it is as good as a login."""
    file = tmp_path / "token"
    file.write_text(await a_token(stand_in))
    settings = settings_for(stand_in.url, username=None, password=None, token_file=file, read_back_group="ingestor")
    examination = await examined(settings)
    assert examination.ok
    assert by_name(examination)["scicat token life"].status == "warning"
    assert "the given token is ingestor" in by_name(examination)["scicat login"].seen


@pytest.mark.parametrize("content", ["not.a.token", "two\nlines", "é"])
async def test_a_given_token_that_scicat_does_not_know_is_a_failed_login(
    stand_in: StandInThread, tmp_path: Path, content: str
) -> None:
    """Also one that cannot even be sent."""
    file = tmp_path / "token"
    file.write_text(content, encoding="utf-8")
    step = by_name(await examined(settings_for(stand_in.url, username=None, password=None, token_file=file)))[
        "scicat login"
    ]
    assert step.status == "failed"
    assert "token" in step.seen


async def test_a_password_file_that_is_not_there_is_a_failed_login(stand_in: StandInThread, tmp_path: Path) -> None:
    """The file is named."""
    settings = settings_for(stand_in.url, username="ingestor", password=None, password_file=tmp_path / "none")
    step = by_name(await examined(settings))["scicat login"]
    assert step.status == "failed"
    assert "none" in step.seen


async def test_secrets_are_never_shown_even_if_the_server_echoes_them(stand_in: StandInThread) -> None:
    """Neither password nor token, in any spelling, whole or cut off."""
    password = 'pass"word/with-quotes'
    token = f"eyJhbGciOiJIUzI1NiJ9.{'e' * 470}.signature"

    async def echo(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/api/v3/health":
            return web.json_response({"status": "ok"})
        if request.path == "/api/v3/auth/login":
            return web.json_response({"access_token": token}, status=201)
        if request.path == "/api/v3/auth/whoami":
            return web.json_response({"username": password, "currentGroups": [token]})
        sent = request.headers.get("authorization", "")
        return web.json_response({"message": f"{password} {sent}"}, status=500)

    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/api/v3/health":
            return web.json_response({"status": "ok"})
        return web.Response(status=401, text=(await request.read()).decode())

    for answer in (echo, refuse):
        async with server(answer) as url:
            examination = await examined(settings_for(url, username="robot", password=password))
        shown = json.dumps(examination.as_json()) + "".join(step_lines(step, 80) for step in examination.steps)
        shown += closing_lines(examination)
        assert not examination.ok
        assert "***" in shown
        for part in (password, json.dumps(password)[1:-1], token[:20], token[-20:]):
            assert part not in shown
            assert json.dumps(part)[1:-1] not in shown


def test_settings_that_no_request_can_be_made_with_are_a_configuration_fault() -> None:
    """They end the command with 78 before the first step."""
    good = settings_for("http://127.0.0.1:9").model_dump()
    kafka = good["kafka"] | {"bootstrap_servers": "127.0.0.1:9"}
    check_settings(Settings.model_validate(good | {"kafka": kafka}))
    for group, changes, word in (
        ("kafka", {"bootstrap_servers": None}, "kafka.bootstrap_servers"),
        ("kafka", {"security_protocol": "SASL_SSL"}, "sasl_password"),
        ("kafka", {"ingested_topic": "scicat.acquisitions"}, "must all differ"),
        ("scicat", {"url": None}, "scicat.url"),
        ("scicat", {"username": None, "password": None}, "no credentials"),
    ):
        wrong = good | {"kafka": kafka}
        with pytest.raises(InvalidSettings, match=word):
            check_settings(Settings.model_validate(wrong | {group: wrong[group] | changes}))
