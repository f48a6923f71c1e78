"""Raw requests to SciCat, and raw answers: the examination wants to see them, not to have them decided on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import httpx

from scicat_ingest.deliver.answer import read_answer
from scicat_ingest.deliver.transport_failure import Reason, Sent, classify_exception
from scicat_ingest.doctor.step import StepFailed, failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.deliver.answer import Answer
    from scicat_ingest.doctor.step import Secrets
    from scicat_ingest.settings import ScicatSettings

Version = Literal["v4", "v3"]

EXCERPT = 500
"""Characters after which deliver/answer.py cuts a message off."""

_ASK = {
    Reason.NAME_RESOLUTION: "is the host in scicat.url spelt right? If so, ask for this machine's name server to "
    "know it",
    Reason.CONNECT_REFUSED: "nobody listens there: check host and port in scicat.url, or ask whether SciCat is running",
    Reason.CONNECT_FAILED: "check host and port in scicat.url, and ask the network administrator for a way to it",
    Reason.TLS: "set scicat.ca_file to the facility's CA certificates, or correct https:// and the host in scicat.url",
    Reason.TIMEOUT_CONNECT: "ask the network administrator whether a firewall is between this machine and scicat.url",
    Reason.TIMEOUT_READ: "SciCat does not answer in time, as when its database hangs: ask the SciCat administrator",
    Reason.TIMEOUT_TOTAL: "SciCat, or the network, is too slow: ask the SciCat administrator, or raise "
    "scicat.read_timeout_seconds and scicat.write_timeout_seconds",
    Reason.BAD_REQUEST: "check scicat.url",
}
_ASK_OTHERWISE = (
    "what answers at scicat.url breaks off, or speaks no HTTP (https:// or another port?): check scicat.url, ask the "
    "administrator of SciCat or of the proxy before it"
)


class NoAnswer(StepFailed):
    """A request got no answer; a write may have been carried out all the same if `maybe_done`."""

    def __init__(self, request: str, reason: Reason, error: Exception, *, maybe_done: bool) -> None:
        super().__init__(failed(f"{request}: {reason}: {error}", _ASK.get(reason, _ASK_OTHERWISE)))
        self.maybe_done = maybe_done


@dataclass(frozen=True, slots=True)
class Timing:
    """When an answer came, by our clock."""

    seconds: float
    middle: datetime
    """Halfway between the request and its answer."""


class Requests:
    """Sends as one account, once `token` is set. Every request has a deadline: the settings' timeouts."""

    def __init__(self, http: httpx.AsyncClient, settings: ScicatSettings, secrets: Secrets) -> None:
        self._http = http
        self._settings = settings
        self._secrets = secrets
        self.token: str | None = None
        self.timing = Timing(0.0, datetime.now(UTC))
        """Of the last request."""

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Read. Raises NoAnswer."""
        return await self._send("GET", path, params=params)

    async def post(self, path: str, body: Mapping[str, Any] | bytes) -> Answer:
        """Create; `body` may be JSON already. Raises NoAnswer."""
        return await self._send("POST", path, body=body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Change. Raises NoAnswer."""
        return await self._send("PATCH", path, body=body)

    async def delete(self, path: str) -> Answer:
        """Remove. Raises NoAnswer."""
        return await self._send("DELETE", path)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | bytes | None = None,
    ) -> Answer:
        settings, writes = self._settings, method != "GET"
        headers = {"accept": "application/json"}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        if isinstance(body, bytes):
            headers["content-type"] = "application/json"
        content = body if isinstance(body, bytes) else None
        longest = settings.write_timeout_seconds if writes else settings.read_timeout_seconds
        began, sent_at = time.monotonic(), datetime.now(UTC)
        try:
            response = await self._http.request(
                method,
                path,
                params=params,
                json=None if content is not None else body,
                content=content,
                headers=headers,
                timeout=httpx.Timeout(longest, connect=settings.connect_timeout_seconds),
            )
        except httpx.HTTPError as error:
            failure = classify_exception(error)
            maybe_done = writes and failure.sent is Sent.MAYBE
            raise NoAnswer(f"{method} {path}", failure.reason, error, maybe_done=maybe_done) from error
        seconds = time.monotonic() - began
        self.timing = Timing(seconds, sent_at + (datetime.now(UTC) - sent_at) / 2)
        answer = read_answer(response)
        hide = self._secrets.hide_cut if len(answer.message) >= EXCERPT else self._secrets.hide
        return answer._replace(message=hide(answer.message))


def said(answer: Answer) -> str:
    """Give status and message, as a finding shows them."""
    return f"{answer.status} {answer.message[:200]}".rstrip()


def lacks_route(answer: Answer) -> bool:
    """Tell whether the server does not offer the route at all."""
    return answer.status == 405 or (answer.status == 404 and answer.message.startswith("Cannot "))
