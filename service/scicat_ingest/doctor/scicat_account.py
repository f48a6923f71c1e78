"""The first half of the questions to SciCat: whether it is there, who we are, what time it is."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from scicat_ingest.deliver.credentials import read_secret, token_expiry
from scicat_ingest.doctor.scicat_requests import lacks_route, said
from scicat_ingest.doctor.step import StepFailed, failed, ok, warning

if TYPE_CHECKING:
    from scicat_ingest.doctor.scicat_requests import Requests
    from scicat_ingest.doctor.step import Examination, Finding, Secrets
    from scicat_ingest.settings import ScicatSettings

REACHABLE, VERSION, LOGIN = "scicat reachable", "scicat version", "scicat login"
TOKEN_LIFE, GROUPS, CLOCK = "scicat token life", "scicat groups", "scicat clock"

SHORTEST_LIFE_SECONDS = 5 * 60
"""Of a token from a login: it is renewed a minute before its end."""
SHORTEST_GIVEN_SECONDS = 24 * 3600
"""Of a given token: somebody must replace it."""
LARGEST_DIFFERENCE_SECONDS = 5.0

_NOT_SCICAT = "what answers there is not SciCat: scicat.url is the backend's address without /api"
_ROUTES_SINCE = (
    ("/api/v4/origdatablocks", "v4.20"),
    ("/api/v4/attachments", "v4.15"),
    ("/api/v4/datasets", "v4.12"),
)
"""The routes that tell how old a backend is at most, newest first."""


class AccountQuestions:
    """Asks them; a good login gives the token to the requests."""

    def __init__(self, requests: Requests, scicat: ScicatSettings, secrets: Secrets) -> None:
        self._requests = requests
        self._scicat = scicat
        self._secrets = secrets
        self._date: datetime | None = None
        self.groups: list[str] = []

    async def ask_all(self, examination: Examination) -> bool:
        """Do the steps; tell whether we may go on as somebody."""
        await examination.step(REACHABLE, self.reachable)
        await examination.step(VERSION, self.version, needs=[REACHABLE])
        known = await examination.step(LOGIN, self.login, needs=[REACHABLE])
        await examination.step(TOKEN_LIFE, self.token_life, needs=[LOGIN])
        await examination.step(GROUPS, self.our_groups, needs=[LOGIN])
        await examination.step(CLOCK, self.clock, needs=[REACHABLE])
        return known

    async def reachable(self) -> Finding:
        """Ask for its health, as anybody may."""
        answer = await self._requests.get("/api/v3/health")
        document = answer.document or {}
        here = f"{self._scicat.url} answers in {self._requests.timing.seconds * 1000:.0f} ms"
        if 300 <= answer.status < 400:
            return failed(f"{here}: {said(answer)}, a redirect", "set scicat.url to where it leads, without /api")
        if answer.ok and document.get("status") == "ok":
            return ok(f"{here} and is healthy")
        if document.get("status") == "error":
            down = ", ".join(str(name) for name in _object(document.get("error"))) or "it does not say what"
            return failed(f"{here}, and is not healthy: {down} is down", "ask the SciCat administrator to mend that")
        if answer.document is not None and lacks_route(answer):
            return warning(f"{here}, but has no /api/v3/health", "ask the SciCat administrator for a newer release")
        if answer.status >= 500:
            return failed(f"{here}: {said(answer)}", "ask the administrator of SciCat or of the proxy before it")
        return failed(f"{here}: {said(answer)}", _NOT_SCICAT)

    async def version(self) -> Finding:
        """Read its API document; many say no release there, but the routes tell."""
        answer = await self._requests.get("/explorer-json")
        document = answer.document or {}
        if not answer.ok or not isinstance(document.get("paths"), dict):
            return warning(f"unknown: GET /explorer-json gives {answer.status}", "nothing; v4 routes need v4.20")
        release = str(_object(document.get("info")).get("version") or "")
        if re.match(r"v?\d+\.\d+", release):
            return ok(release)
        for route, since in _ROUTES_SINCE:
            if route in document["paths"]:
                return ok(f"{since} or newer, by its routes (its API document says {release!r})")
        return warning("older than v4.12, by its routes", "nothing; only v3 routes will be used")

    async def login(self) -> Finding:
        """Log in, or take the given token; whoami must know it."""
        given = self._scicat.token is not None or self._scicat.token_file is not None
        token = self._given_token() if given else await self._log_in()
        self._secrets.add(token)
        if not (token.isascii() and token.isprintable()):
            return failed("the given token has characters that no token has", "write the token alone into its file")
        self._requests.token = token
        answer = await self._requests.get("/api/v3/auth/whoami")
        self._date = answer.server_time
        if not answer.ok:
            return failed(f"whoami: {said(answer)}", "ask the SciCat administrator")
        if answer.document is None or "currentGroups" not in answer.document:
            if given:
                return failed("SciCat does not know the given token: expired, or another SciCat's", "replace the token")
            return failed("SciCat does not know the token that it just gave", "ask the SciCat administrator")
        self.groups = [str(group) for group in answer.document["currentGroups"] or ()]
        how = "the given token is" if given else "logged in as"
        return ok(f"{how} {answer.document.get('username') or 'somebody'}")

    async def token_life(self) -> Finding:
        """Say how long the token is good for, by SciCat's clock."""
        expires = token_expiry(self._requests.token or "")
        if expires is None:
            return warning("the token does not say when it expires", "nothing; it is renewed when it is refused")
        now = self._date.timestamp() if self._date else time.time()
        left = expires - now
        shown = str(timedelta(seconds=round(left)))
        given = self._scicat.token is not None or self._scicat.token_file is not None
        if given and left < SHORTEST_GIVEN_SECONDS:
            return warning(
                f"the given token expires in {shown}",
                "replace it in time, or set scicat.username and password_file: then it is renewed by itself",
            )
        if left < SHORTEST_LIFE_SECONDS:
            return warning(f"{shown}; it is renewed often", "ask the SciCat administrator for a longer JWT_EXPIRES_IN")
        return ok(f"{shown}{'' if given else ', renewed by itself'}")

    async def our_groups(self) -> Finding:
        """Check that read_back_group is one of ours."""
        group, ours = self._scicat.read_back_group, ", ".join(self.groups) or "none"
        if group is None:
            return ok(f"{ours} (scicat.read_back_group is not set)")
        if group not in self.groups:
            return failed(
                f"scicat.read_back_group {group!r} is none of our groups ({ours})",
                "set it to one of them, or ask the SciCat administrator to put the account into it",
            )
        return ok(f"{ours}; we read back as {group}")

    async def clock(self) -> Finding:
        """Compare the Date header, which has whole seconds, with our time at the middle of a request."""
        answer = await self._requests.get("/api/v3/health")
        if answer.server_time is None:
            return warning("its answers have no Date header", "nothing; keep the clocks of both machines synchronised")
        theirs = answer.server_time.astimezone(UTC) + timedelta(seconds=0.5)
        difference = (theirs - self._requests.timing.middle).total_seconds()
        if abs(difference) > LARGEST_DIFFERENCE_SECONDS:
            word = "ahead of" if difference > 0 else "behind"
            return warning(
                f"SciCat's is {abs(difference):.0f} s {word} ours",
                "synchronise both machines (NTP): settle times and If-Unmodified-Since compare these clocks",
            )
        return ok(f"within {max(1.0, abs(difference)):.0f} s of ours")

    def _given_token(self) -> str:
        if self._scicat.token is not None:
            return self._scicat.token.get_secret_value()
        return read_secret(self._scicat.token_file, "scicat.token_file") if self._scicat.token_file else ""

    async def _log_in(self) -> str:
        scicat = self._scicat
        password = scicat.password.get_secret_value() if scicat.password else ""
        if scicat.password_file is not None:
            password = read_secret(scicat.password_file, "scicat.password_file")
        self._secrets.add(password)
        answer = await self._requests.post("/api/v3/auth/login", {"username": scicat.username, "password": password})
        document = answer.document or {}
        token = document.get("access_token") or document.get("id")
        if answer.ok and isinstance(token, str):
            return token
        if answer.status in (400, 401, 403):
            raise StepFailed(
                failed(
                    f"SciCat refuses the login of {scicat.username!r}: {said(answer)}",
                    "check scicat.username and the password, or ask the SciCat administrator for a functional account",
                )
            )
        if answer.ok or answer.status in (404, 405):
            raise StepFailed(failed(f"POST /api/v3/auth/login: {said(answer)}", _NOT_SCICAT))
        raise StepFailed(
            failed(f"POST /api/v3/auth/login: {said(answer)}", "ask the SciCat administrator: is its database up?")
        )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
