"""Who we are at SciCat: a login that is renewed, or a given token."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio

from scicat_ingest.faults import CatalogueUnavailable, CredentialsRejected, InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from scicat_ingest.settings import ScicatSettings

_LOG = logging.getLogger(__name__)

RENEW_BEFORE_SECONDS = 60.0
"""A token is renewed this long before it expires, but not before half of its life is over."""
REFUSED_SECONDS = 1.0
"""So long after a login nobody logs in again: whatever goes wrong, it is no storm."""


@dataclass(slots=True)
class Renewals:
    """How it went with getting tokens. May be read in any thread."""

    succeeded: int = 0
    """Logins, the first one too; for a token from a file: how often another one was found there."""
    failed: int = 0
    expires_at: float | None = None
    """When the present token ends, by SciCat's clock in seconds since 1970; None: it does not say, or there is none."""
    issued_at: float | None = None
    """When the present token was made, by the same clock; None: as above."""

    def present(self, token: str) -> None:
        """Note what the token says of itself."""
        self.issued_at, self.expires_at = _time_claim(token, "iat"), token_expiry(token)


class Credentials(Protocol):
    """Gives tokens. A token is a secret: it is never logged."""

    @property
    def renewals(self) -> Renewals:
        """How it went so far."""
        ...

    async def token(self) -> str:
        """Give a token that should be good. Raises CredentialsRejected, CatalogueUnavailable."""
        ...

    async def renew(self, bad_token: str) -> bool:
        """Replace a token that was refused; many callers cause one renewal. Tells whether there is another one now."""
        ...


class GivenToken:
    """A token from the settings or a file; the file is read again when it has changed."""

    def __init__(self, token: str | None, path: Path | None) -> None:
        self._path = path
        self._read_at = 0
        self._token = token or ""
        self.renewals = Renewals()
        self.renewals.present(self._token)
        self._read_if_changed()

    async def token(self) -> str:
        """Give the token."""
        self._read_if_changed()
        return self._token

    async def renew(self, bad_token: str) -> bool:
        """Look into the file."""
        self._read_if_changed()
        return self._token != bad_token

    def _read_if_changed(self) -> None:
        if self._path is None:
            return
        try:
            changed_at = self._path.stat().st_mtime_ns
        except OSError:
            changed_at = -1  # let read_secret say what is wrong
        if changed_at != self._read_at:
            try:
                token = read_secret(self._path, "scicat.token_file")
            except CredentialsRejected:
                self.renewals.failed += 1
                raise
            self.renewals.succeeded += bool(self._token) and token != self._token
            self.renewals.present(token)
            self._token, self._read_at = token, changed_at


class PasswordLogin:
    """A login with user name and password, renewed before the token expires.

    One login at a time, whoever asks; one that failed is not repeated for REFUSED_SECONDS: all who wait for it get the
    same fault. Times are those of SciCat's own clock, from the token, so that ours may be wrong.
    """

    def __init__(
        self,
        username: str,
        read_password: Callable[[], str],
        login: Callable[[str, str], Awaitable[str]],
        monotonic: Callable[[], float],
    ) -> None:
        self._username = username
        self._read_password = read_password
        self._login = login
        self._monotonic = monotonic
        self._lock = anyio.Lock()
        self._token = ""
        self._renew_at = 0.0
        self._fault: CredentialsRejected | CatalogueUnavailable | None = None
        self._tried_at = float("-inf")
        self.renewals = Renewals()

    async def token(self) -> str:
        """Give the token; log in first if there is none or it expires soon."""
        if not self._token or self._monotonic() >= self._renew_at:
            await self.renew(self._token)
        return self._token

    async def renew(self, bad_token: str) -> bool:
        """Log in again, unless somebody else just did, or just failed to."""
        async with self._lock:
            if self._token != bad_token:
                return True
            password = self._read_password()
            now = self._monotonic()
            if now - self._tried_at < REFUSED_SECONDS:
                raise self._again_later()
            self._tried_at, self._fault = now, None
            try:
                self._token = await self._login(self._username, password)
            except (CredentialsRejected, CatalogueUnavailable) as fault:
                self._fault = fault
                self.renewals.failed += 1
                raise
            self.renewals.succeeded += 1
            self.renewals.present(self._token)
            life = token_life(self._token) or 2 * RENEW_BEFORE_SECONDS
            self._renew_at = now + max(life - RENEW_BEFORE_SECONDS, life / 2)
            _LOG.info("logged in to SciCat as %s; the token lives %.0f s", self._username, life)
            return True

    def _again_later(self) -> CredentialsRejected | CatalogueUnavailable:
        if isinstance(self._fault, CredentialsRejected):
            return CredentialsRejected(self._fault.message)
        if self._fault is not None:
            return CatalogueUnavailable(self._fault.message)
        return CatalogueUnavailable("SciCat does not know the token that it gave us just now")


def credentials_from(
    settings: ScicatSettings, login: Callable[[str, str], Awaitable[str]], monotonic: Callable[[], float]
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

    return PasswordLogin(username, read_password, login, monotonic)


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
    return _time_claim(token, "exp")


def token_life(token: str) -> float | None:
    """Give the seconds from a JWT's making to its end, by the clock of who made it; None if it does not say."""
    issued, expires = _time_claim(token, "iat"), _time_claim(token, "exp")
    return None if issued is None or expires is None else expires - issued


def _time_claim(token: str, name: str) -> float | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    moment = claims.get(name) if isinstance(claims, dict) else None
    return float(moment) if isinstance(moment, (int, float)) else None
