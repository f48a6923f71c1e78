"""Who we are at SciCat: a login that is renewed, or a given token."""

from __future__ import annotations

import base64
import json
import logging
from typing import TYPE_CHECKING, Protocol

import anyio

from scicat_ingest.faults import CredentialsRejected, InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from scicat_ingest.settings import ScicatSettings

_LOG = logging.getLogger(__name__)

RENEW_BEFORE_SECONDS = 60.0
"""A token is renewed this long before it expires, but not before half of its life is over."""


class Credentials(Protocol):
    """Gives tokens. A token is a secret: it is never logged."""

    async def token(self) -> str:
        """Give a token that should be good. Raises CredentialsRejected, CatalogueUnavailable."""
        ...

    async def renew(self, bad_token: str) -> bool:
        """Replace a token that was refused; many callers cause one renewal. Tells whether there is another one now."""
        ...


class GivenToken:
    """A token from the settings or a file; the file is read again when the token is refused."""

    def __init__(self, token: str | None, path: Path | None) -> None:
        self._path = path
        self._token = token if token is not None else self._read()

    async def token(self) -> str:
        """Give the token."""
        return self._token

    async def renew(self, bad_token: str) -> bool:
        """Read the file again."""
        if self._path is not None:
            self._token = self._read()
        return self._token != bad_token

    def _read(self) -> str:
        return read_secret(self._path, "scicat.token_file") if self._path else ""


class PasswordLogin:
    """A login with user name and password, renewed before the token expires."""

    def __init__(
        self,
        username: str,
        read_password: Callable[[], str],
        login: Callable[[str, str], Awaitable[str]],
        wall_clock: Callable[[], float],
    ) -> None:
        self._username = username
        self._read_password = read_password
        self._login = login
        self._wall_clock = wall_clock
        self._lock = anyio.Lock()
        self._token = ""
        self._renew_at = 0.0

    async def token(self) -> str:
        """Give the token; log in first if there is none or it expires soon."""
        if not self._token or self._wall_clock() >= self._renew_at:
            await self.renew(self._token)
        return self._token

    async def renew(self, bad_token: str) -> bool:
        """Log in again, unless somebody else just did."""
        async with self._lock:
            if self._token == bad_token:
                self._token = await self._login(self._username, self._read_password())
                now = self._wall_clock()
                expires = token_expiry(self._token) or now + 2 * RENEW_BEFORE_SECONDS
                self._renew_at = max(expires - RENEW_BEFORE_SECONDS, now + (expires - now) / 2)
                _LOG.info("logged in to SciCat as %s; the token lives %.0f s", self._username, expires - now)
        return True


def credentials_from(
    settings: ScicatSettings, login: Callable[[str, str], Awaitable[str]], wall_clock: Callable[[], float]
) -> Credentials:
    """Choose by what the settings give. Raises InvalidSettings if they give nothing."""
    if settings.token is not None or settings.token_file is not None:
        given = settings.token.get_secret_value() if settings.token else None
        return GivenToken(given, settings.token_file)
    username, password, password_file = settings.username, settings.password, settings.password_file
    if username is None:
        raise InvalidSettings("scicat: no credentials are set", hint="set username and password_file, or token_file")

    def read_password() -> str:
        if password is not None:
            return password.get_secret_value()
        return read_secret(password_file, "scicat.password_file") if password_file else ""

    return PasswordLogin(username, read_password, login, wall_clock)


def read_secret(path: Path, setting: str) -> str:
    """Read a secret's file, without the line end. Raises CredentialsRejected if it cannot be read or is empty."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsRejected(f"{setting}: cannot read {path}: {error}", hint="") from None
    if not secret:
        raise CredentialsRejected(f"{setting}: {path} is empty", hint="")
    return secret


def token_expiry(token: str) -> float | None:
    """Give the `exp` claim of a JWT (seconds since 1970) without checking its signature; None if it has none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return float(expiry) if isinstance(expiry, (int, float)) else None
