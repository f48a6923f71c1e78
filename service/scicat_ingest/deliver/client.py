"""SciCat's HTTP API: one request each, with its answer and what that means. What to do next is `delivery`'s matter."""

from __future__ import annotations

import asyncio
import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import anyio
import anyio.lowlevel
import httpx

from scicat_ingest import __version__
from scicat_ingest.deliver.answer import Answer, read_answer
from scicat_ingest.deliver.attempt import Attempt, Tell, result_of, tell_nobody
from scicat_ingest.deliver.bodies import run_by_weight, serialise
from scicat_ingest.deliver.classify import Check, Health, Route, Seen, Verdict, classify
from scicat_ingest.deliver.credentials import Renewals
from scicat_ingest.deliver.pace.traffic import Ended
from scicat_ingest.deliver.transport import base_url_of, path_segment
from scicat_ingest.deliver.transport_failure import Sent, classify_exception
from scicat_ingest.deliver.wire import WireRequest
from scicat_ingest.faults import (
    AmbiguousAnswer,
    CatalogueUnavailable,
    CredentialsRejected,
    TooLargeForCatalogue,
    WrongEndpoint,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.deliver.api_choice import Version
    from scicat_ingest.deliver.credentials import Credentials
    from scicat_ingest.deliver.pace.traffic import Clock, Traffic
    from scicat_ingest.deliver.wire import Wire
    from scicat_ingest.settings import ScicatSettings

HEALTH_SECONDS = 5.0
"""How long an answer about health may take, beside connecting: a backend whose database hangs gives none."""
SPARE_CONNECTIONS = 4
"""For probes and look-ups, when all places have a request under way."""


class Request(NamedTuple):
    """One HTTP request."""

    route: Route
    method: str
    path: str
    pid: str | None = None
    """The dataset that it is about; None for one that is no record's."""
    params: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    weight: int = 0
    """Size in bytes of what the body was made from; tells whether serialising it is heavy."""

    def __str__(self) -> str:
        """Name the request in a message, without its body."""
        return f"{self.method} {self.path}"


Reply = tuple[Answer, Verdict]
"""What SciCat said, and what that means: never CHECK, CREDENTIAL, TRANSIENT or AMBIGUOUS, which are raised."""

_HEADERS = {
    "user-agent": f"scicat-ingest/{__version__}",
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
}
_WHOAMI = Request(Route.WHOAMI, "GET", "/api/v3/auth/whoami")
_HEALTH = Request(Route.HEALTH, "GET", "/api/v3/health")


class CatalogueClient:
    """Sends requests as one account. Every await has a deadline: the settings' timeouts.

    Cancellation takes effect before a request or after its answer, never in between, unless `abort_started` was called.
    Requests raise CatalogueUnavailable (nothing was done), AmbiguousAnswer (a write may have been done),
    CredentialsRejected, or TooLargeForCatalogue; every other answer, also a refusal, is returned.
    """

    def __init__(
        self,
        wire: Wire,
        settings: ScicatSettings,
        traffic: Traffic,
        clock: Clock,
        *,
        max_concurrency: int,
        tell: Tell = tell_nobody,
    ) -> None:
        self._wire = wire
        self._base_url = base_url_of(str(settings.url))
        self._settings = settings
        self._traffic = traffic
        self._clock = clock
        self._tell_attempt = tell
        self._gate = asyncio.Semaphore(max_concurrency + SPARE_CONNECTIONS)
        connect, reading = settings.connect_timeout_seconds, settings.read_timeout_seconds
        seconds = {route: settings.write_timeout_seconds if route.writes else reading for route in Route}
        seconds[Route.HEALTH] = min(HEALTH_SECONDS, reading)
        self._seconds = {route: (connect, after) for route, after in seconds.items()}
        self._credentials: Credentials | None = None
        self._under_way: set[anyio.CancelScope] = set()

    def use(self, credentials: Credentials) -> None:
        """Set who we are; needed before the first authenticated request."""
        self._credentials = credentials

    def abort_started(self) -> None:
        """Let cancellations interrupt the requests that are under way, instead of waiting for answers: a hard stop.

        One that is already there takes effect at once. A request that is not cancelled goes on. Whether an interrupted
        one was carried out is not known.
        """
        for scope in self._under_way:
            scope.shield = False

    @property
    def under_way(self) -> int:
        """How many requests wait for their answers now."""
        return len(self._under_way)

    @property
    def token(self) -> Renewals:
        """How it went with logging in."""
        return Renewals() if self._credentials is None else self._credentials.renewals

    # Who we are

    async def login(self, username: str, password: str) -> str:
        """Log in and give the token. Raises CredentialsRejected, WrongEndpoint, CatalogueUnavailable."""
        body = {"username": username, "password": password}
        answer, verdict = await self._exchange(Request(Route.LOGIN, "POST", "/api/v3/auth/login", body=body))
        document = answer.document or {}
        token = document.get("access_token") or document.get("id")
        if verdict is Verdict.DONE and isinstance(token, str):
            return token
        if verdict is Verdict.CREDENTIAL:
            raise CredentialsRejected(f"SciCat refuses the login of {username!r}: {answer.status} {answer.message}")
        raise WrongEndpoint(f"POST /api/v3/auth/login answers {answer.status} {answer.message[:100]!r}")

    async def groups(self) -> list[str]:
        """Give the groups of our account. Raises CredentialsRejected if SciCat, while healthy, does not know us."""
        token = await self._token()
        document = await self._whoami(token)
        if document is None:
            await self._renew(token)
            document = await self._whoami(await self._token())
        if document is None:
            await self._reject("whoami: empty")
        return [str(group) for group in (document or {}).get("currentGroups") or ()]

    async def health(self) -> Health:
        """Ask whether SciCat and its database are up."""
        try:
            _, verdict = await self._exchange(_HEALTH)
        except CatalogueUnavailable as fault:
            return Health.DOWN if fault.certain else Health.SILENT
        return Health.UP if verdict is Verdict.DONE else Health.DOWN

    # Datasets

    async def get_dataset(self, version: Version, pid: str, *, with_blocks: bool = True) -> Reply:
        """Read a dataset with all its attachments, and all its blocks."""
        path = f"/api/{version}/datasets/{path_segment(pid)}"
        include = ["origdatablocks", "attachments"] if with_blocks else ["attachments"]
        if version == "v4":
            return await self.send(Request(Route.READ, "GET", path, pid, params={"include": include}))
        relations = {"include": [{"relation": name} for name in include]}
        return await self.send(Request(Route.READ, "GET", path, pid, params={"filter": json.dumps(relations)}))

    async def get_origdatablocks(self, version: Version, pid: str, skip: int, limit: int) -> Reply:
        """List some blocks of a dataset, in the order of their creation.

        An empty list of v3 proves nothing unless SciCat knows our token: with a dead one it answers the same.
        """
        order = {"sort": {"createdAt": "asc"}} if version == "v4" else {"order": "createdAt:asc"}
        filters = {"where": {"datasetId": pid}, "limits": {"skip": skip, "limit": limit, **order}}
        params = {"filter": json.dumps(filters)}
        return await self.send(Request(Route.READ, "GET", f"/api/{version}/origdatablocks", pid, params=params))

    async def find_datasets(self, version: Version, filters: Mapping[str, Any]) -> Reply:
        """List datasets by a filter object: `where`, `include`, `fields`, `limits`.

        An empty list of v3 proves nothing unless SciCat knows our token: with a dead one it answers the same.
        """
        params = {"filter": json.dumps(filters)}
        return await self.send(Request(Route.READ, "GET", f"/api/{version}/datasets", params=params))

    async def get_attachment(self, pid: str, aid: str) -> Reply:
        """Read an attachment by its id (v4 only)."""
        return await self.send(Request(Route.READ, "GET", f"/api/v4/attachments/{path_segment(aid)}", pid))

    async def post_dataset(self, version: Version, pid: str, payload: Mapping[str, Any], weight: int) -> Reply:
        """Create a dataset; `payload` is in the version's own spelling."""
        path = f"/api/{version}/datasets"
        return await self.send(Request(Route.POST_DATASET, "POST", path, pid, body=payload, weight=weight))

    async def post_origdatablock(self, version: Version, pid: str, payload: Mapping[str, Any], weight: int) -> Reply:
        """Add a block to its dataset."""
        path = f"/api/{version}/origdatablocks"
        return await self.send(Request(Route.POST_ORIGDATABLOCK, "POST", path, pid, body=payload, weight=weight))

    async def post_attachment(self, version: Version, pid: str, payload: Mapping[str, Any], weight: int) -> Reply:
        """Add an attachment; v3 takes the dataset from the path, v4 from the payload's relationships."""
        path = "/api/v4/attachments" if version == "v4" else f"/api/v3/datasets/{path_segment(pid)}/attachments"
        return await self.send(Request(Route.POST_ATTACHMENT, "POST", path, pid, body=payload, weight=weight))

    async def patch_dataset(
        self, version: Version, pid: str, changes: Mapping[str, Any], *, unmodified_since: str | None = None
    ) -> Reply:
        """Change fields of a dataset; with `unmodified_since`, only if nobody has written to it since (MODIFIED)."""
        path = f"/api/{version}/datasets/{path_segment(pid)}"
        headers = {} if unmodified_since is None else {"if-unmodified-since": unmodified_since}
        return await self.send(Request(Route.PATCH_DATASET, "PATCH", path, pid, body=changes, headers=headers))

    # What stands beside datasets; v3 only. With a dead token each of these may say that nothing is there.

    async def get_instruments(self, name: str) -> Reply:
        """List the instruments of this name; it need not be unique."""
        params = {"filter": json.dumps({"where": {"name": name}})}
        return await self.send(Request(Route.LOOK_UP, "GET", "/api/v3/instruments", params=params))

    async def get_proposal(self, proposal_id: str) -> Reply:
        """Read a proposal."""
        return await self.send(Request(Route.LOOK_UP, "GET", f"/api/v3/proposals/{path_segment(proposal_id)}"))

    async def get_sample(self, sample_id: str) -> Reply:
        """Read a sample."""
        return await self.send(Request(Route.LOOK_UP, "GET", f"/api/v3/samples/{path_segment(sample_id)}"))

    # How

    async def send(self, request: Request) -> Reply:
        """Make one authenticated request; a refusal that may be a dead token or an outage is looked into.

        A token that SciCat does not know is renewed; then the request is made once more.
        """
        token = await self._token()
        answer, verdict = await self._exchange(request, token)
        if verdict is not Verdict.CHECK:
            return answer, verdict
        if await self._whoami(token) is None:
            await self._renew(token)
            token = await self._token()
            if await self._whoami(token) is None:
                await self._reject(f"{request}: {answer.status} {answer.message}")
        answer, verdict = await self._exchange(request, token)
        if verdict is not Verdict.CHECK:
            return answer, verdict
        health = Check.GOOD if await self.health() is Health.UP else Check.BAD
        row = classify(Seen.answer(request.route, answer, identity=Check.GOOD, health=health))
        if row.verdict is Verdict.TRANSIENT:
            raise CatalogueUnavailable(f"{request}: {answer.status} {answer.message}, and SciCat is not healthy")
        return answer, row.verdict

    async def _token(self) -> str:
        if self._credentials is None:
            raise CredentialsRejected("no credentials are set")
        return await self._credentials.token()

    async def _renew(self, bad_token: str) -> None:
        if self._credentials is not None:
            await self._credentials.renew(bad_token)

    async def _whoami(self, token: str) -> dict[str, Any] | None:
        """Give what SciCat knows of the token's owner; None if it does not know the token."""
        answer, verdict = await self._exchange(_WHOAMI, token)
        if verdict is Verdict.DONE:
            return answer.document
        raise CatalogueUnavailable(f"{_WHOAMI}: {answer.status} {answer.message}", retry_after=answer.retry_after)

    async def _reject(self, said: str) -> None:
        if await self.health() is Health.UP:
            raise CredentialsRejected(f"SciCat does not know our token: {said}")
        raise CatalogueUnavailable(f"{said}, and SciCat is not healthy")

    async def _exchange(self, request: Request, token: str | None = None) -> Reply:
        headers = {**_HEADERS, **request.headers}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        content = b""
        if request.body is not None:
            headers["content-type"] = "application/json"
            content = await run_by_weight(request.weight, serialise, request.body)
            self._refuse_too_large(content)
        await self._traffic.admit()
        async with self._gate:
            await anyio.lowlevel.checkpoint_if_cancelled()
            began = self._clock.monotonic()
            connect, read = self._seconds[request.route]
            sent = WireRequest(request.method, self._url_of(request), headers, content, connect, read)
            uninterrupted = anyio.CancelScope(shield=True)  # else nobody would know whether it was carried out
            self._under_way.add(uninterrupted)
            try:
                with uninterrupted:
                    response = await self._wire.send(sent)
                    answer = await run_by_weight(len(response.content), read_answer, response)
            except httpx.InvalidURL as error:
                raise TooLargeForCatalogue(
                    f"{request.method}: the address cannot be used: {error}", field="pid"
                ) from None
            except httpx.HTTPError as error:
                failure = classify_exception(error)
                seconds = self._clock.monotonic() - began
                self._tell_attempt(Attempt(request.route, "transient", seconds))
                ended = Ended(request.route, len(content), seconds, good=False, timeout=failure.is_timeout)
                self._traffic.ended(request.pid, ended)
                if classify(Seen(request.route, None, sent=failure.sent)).verdict is Verdict.AMBIGUOUS:
                    raise AmbiguousAnswer(f"{request}: {failure.reason}") from error
                certain = failure.sent is Sent.NO and not failure.is_timeout
                raise CatalogueUnavailable(f"{request}: {failure.reason}", certain=certain) from error
            finally:
                self._under_way.remove(uninterrupted)
        return answer, self._judge(request, began, len(content), answer)

    def _url_of(self, request: Request) -> str:
        url = self._base_url + request.path
        return url if request.params is None else f"{url}?{urlencode(request.params, doseq=True)}"

    def _judge(self, request: Request, began: float, sent_bytes: int, answer: Answer) -> Verdict:
        verdict = classify(Seen.answer(request.route, answer)).verdict
        seconds = self._clock.monotonic() - began
        self._tell_attempt(Attempt(request.route, result_of(request.route, verdict, answer), seconds))
        good = verdict not in (Verdict.TRANSIENT, Verdict.AMBIGUOUS)
        if verdict is not Verdict.CHECK:
            ended = Ended(
                request.route,
                sent_bytes,
                seconds,
                good=good,
                pushed_back=answer.status in (429, 503),
                retry_after=answer.retry_after,
            )
            self._traffic.ended(request.pid, ended)
        if good:
            return verdict
        said = f"{request}: {answer.status} {answer.message}"
        if verdict is Verdict.TRANSIENT:
            raise CatalogueUnavailable(said, status=answer.status, retry_after=answer.retry_after)
        raise AmbiguousAnswer(said, status=answer.status)

    def _refuse_too_large(self, content: bytes) -> None:
        if len(content) > self._settings.max_body_bytes:
            raise TooLargeForCatalogue(
                f"a document of {len(content)} bytes is needed, SciCat takes {self._settings.max_body_bytes}"
            )
