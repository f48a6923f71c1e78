"""Who we are at SciCat, how long we wait, and which API we use."""

from __future__ import annotations

import base64
import json
import logging
import os
from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.deliver.api_choice import ApiChoice
from scicat_ingest.deliver.backoff import delay_seconds
from scicat_ingest.deliver.classify import Route
from scicat_ingest.deliver.credentials import Credentials, PasswordLogin, credentials_from, token_expiry
from scicat_ingest.faults import CatalogueUnavailable, CredentialsRejected, InvalidSettings
from scicat_ingest.settings import RetrySettings, ScicatSettings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def jwt(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{body}.signature"


class Backend:
    """Gives a new token for each login, which lives an hour by the clock of the test."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.logins: list[tuple[str, str]] = []
        self.lifetime: float | None = 3600
        self.fault: Exception | None = None

    async def login(self, username: str, password: str) -> str:
        await anyio.lowlevel.checkpoint()
        self.logins.append((username, password))
        if self.fault is not None:
            raise self.fault
        if self.lifetime is None:
            return f"opaque{len(self.logins)}"
        return jwt(iat=self.now, exp=self.now + self.lifetime, n=len(self.logins))

    def credentials(self, **settings: object) -> Credentials:
        return credentials_from(ScicatSettings.model_validate(settings), self.login, lambda: self.now)


async def test_a_login_is_kept_until_shortly_before_it_expires() -> None:
    """A minute before; then there is another one."""
    backend = Backend()
    credentials = backend.credentials(username="ingestor", password="aman")
    first = await credentials.token()
    backend.now += 3539
    assert await credentials.token() == first
    backend.now += 2
    assert await credentials.token() != first
    assert backend.logins == [("ingestor", "aman")] * 2


@pytest.mark.parametrize("lifetime", [10, None])
async def test_a_short_or_opaque_token_is_not_renewed_at_every_request(lifetime: float | None) -> None:
    """Half of its life is used at least."""
    backend = Backend()
    backend.lifetime = lifetime
    credentials = backend.credentials(username="u", password="p")
    await credentials.token()
    backend.now += 4
    await credentials.token()
    assert len(backend.logins) == 1


async def test_many_callers_with_a_refused_token_log_in_once() -> None:
    """Single flight."""
    backend = Backend()
    credentials = backend.credentials(username="u", password="p")
    bad = await credentials.token()
    backend.now += 2
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(credentials.renew, bad)
    assert len(backend.logins) == 2
    assert await credentials.renew(bad)
    assert len(backend.logins) == 2


async def test_a_password_file_is_read_at_every_login(tmp_path: Path) -> None:
    """A rotated secret is taken without a restart."""
    backend = Backend()
    (tmp_path / "password").write_text("old\n")
    credentials = backend.credentials(username="u", password_file=tmp_path / "password")
    token = await credentials.token()
    backend.now += 2
    await credentials.renew(token)
    (tmp_path / "password").write_text("new")
    backend.now += 2
    await credentials.renew(await credentials.token())
    assert [password for _, password in backend.logins] == ["old", "old", "new"]


async def test_a_given_token_cannot_be_renewed() -> None:
    """One in a file can, when the file changes."""
    credentials = Backend().credentials(token="given")
    assert await credentials.token() == "given"
    assert not await credentials.renew("given")


async def test_a_token_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    """Before the old token is refused."""
    file = tmp_path / "token"
    file.write_text("first\n")
    credentials = Backend().credentials(token_file=file)
    assert not await credentials.renew("first")
    assert await credentials.token() == "first"
    file.write_text("second")
    os.utime(file, ns=(1, 1))
    assert await credentials.token() == "second"
    assert await credentials.renew("first")
    file.unlink()
    with pytest.raises(CredentialsRejected, match="cannot read"):
        await credentials.token()


@pytest.mark.parametrize("fault", [CredentialsRejected("no"), CatalogueUnavailable("away")])
async def test_a_login_that_fails_is_no_storm(fault: CredentialsRejected | CatalogueUnavailable) -> None:
    """All who wait for it get the same fault; after a second the next one tries again."""
    backend = Backend()
    backend.fault = fault
    credentials = backend.credentials(username="u", password="p")
    caught: list[Exception] = []

    async def ask() -> None:
        try:
            await credentials.token()
        except type(fault) as error:
            caught.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(ask)
    assert (len(caught), len(backend.logins)) == (10, 1)
    assert {str(error) for error in caught} == {str(fault)}
    backend.now += 1.5
    backend.fault = None
    assert await credentials.token()


async def test_a_token_that_is_refused_at_once_is_no_storm() -> None:
    """A server whose tokens are dead on arrival is asked once a second."""
    backend = Backend()
    credentials = backend.credentials(username="u", password="p")
    with pytest.raises(CatalogueUnavailable, match="gave us just now"):
        await credentials.renew(await credentials.token())
    assert len(backend.logins) == 1


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_a_secret_that_cannot_be_read_is_a_fault_of_the_set_up(tmp_path: Path, content: bytes | None) -> None:
    """The message names setting and file, and shows nothing of it."""
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(CredentialsRejected, match=r"scicat\.token_file: .*token"):
        Backend().credentials(token_file=tmp_path / "token")


def test_no_credentials_are_a_fault_of_the_settings() -> None:
    """With a hint."""
    with pytest.raises(InvalidSettings, match="username and password_file, or token_file"):
        Backend().credentials()
    assert isinstance(Backend().credentials(username="u", password="p"), PasswordLogin)


@pytest.mark.parametrize(
    ("token", "expiry"),
    [
        (jwt(exp=17), 17.0),
        (jwt(exp=17.5), 17.5),
        (jwt(), None),
        (jwt(exp="soon"), None),
        ("opaque", None),
        ("a.b.c", None),
        ("..", None),
        ("a.W10.c", None),
        ("a.é.c", None),
    ],
)
def test_the_expiry_is_read_if_the_token_tells(token: str, expiry: float | None) -> None:
    """SciCat's tokens are JWTs; others may not be."""
    assert token_expiry(token) == expiry


@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(0, 1000))
def test_a_delay_doubles_within_its_bounds(attempt: int, chance: float, retry_after: float | None) -> None:
    """Full jitter; never less than what the server asks for."""
    settings = RetrySettings(first_delay_seconds=0.5, max_delay_seconds=60)
    delay = delay_seconds(attempt, settings, chance, retry_after)
    assert (retry_after or 0) <= delay <= max(60, retry_after or 0)
    assert delay_seconds(1, settings, 1) == 0.5
    assert delay_seconds(attempt, settings, 1) == min(60, 0.5 * 2 ** min(attempt - 1, 30))


def test_auto_falls_back_route_by_route_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """v4 attachments need other rights than v4 datasets."""
    caplog.set_level(logging.INFO)
    api = ApiChoice("auto")
    assert api.version(Route.POST_ATTACHMENT) == "v4"
    assert api.fall_back(Route.POST_ATTACHMENT, "403 Forbidden resource")
    assert api.fall_back(Route.POST_ATTACHMENT, "403 Forbidden resource")
    assert (api.version(Route.POST_ATTACHMENT), api.version(Route.POST_DATASET)) == ("v3", "v4")
    assert caplog.text.count("403 Forbidden resource") == 1


def test_a_set_version_is_kept() -> None:
    """v4 has nothing to fall back to."""
    assert (ApiChoice("v3").version(Route.READ), ApiChoice("v4").version(Route.READ)) == ("v3", "v4")
    assert not ApiChoice("v4").fall_back(Route.READ, "404")
    assert ApiChoice("v3").fall_back(Route.READ, "404")


async def test_logins_and_the_tokens_end_are_counted(tmp_path: Path) -> None:
    """The first login counts as well; a failure leaves the last token's end as it is."""
    backend = Backend()
    credentials = backend.credentials(username="me", password="x")
    assert (credentials.renewals.succeeded, credentials.renewals.expires_at) == (0, None)
    await credentials.token()
    assert (credentials.renewals.succeeded, credentials.renewals.expires_at) == (1, backend.now + 3600)
    backend.fault = CatalogueUnavailable("away")
    backend.now += 3600
    with pytest.raises(CatalogueUnavailable):
        await credentials.token()
    assert (credentials.renewals.succeeded, credentials.renewals.failed) == (1, 1)


async def test_another_token_in_the_file_counts_as_a_renewal(tmp_path: Path) -> None:
    """The first one does not: nobody renews it until somebody does."""
    file = tmp_path / "token"
    file.write_text(jwt(exp=2000.0))
    credentials = Backend().credentials(token_file=file)
    assert (credentials.renewals.succeeded, credentials.renewals.expires_at) == (0, 2000.0)
    file.write_text(jwt(exp=3000.0))
    os.utime(file, ns=(1, 1))
    await credentials.token()
    assert (credentials.renewals.succeeded, credentials.renewals.expires_at) == (1, 3000.0)
    file.unlink()
    with pytest.raises(CredentialsRejected):
        await credentials.token()
    assert credentials.renewals.failed == 1
