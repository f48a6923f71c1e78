"""SciCat's HTTP API: one attempt each, with typed answers. What to do next is `delivery`'s matter."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx

from scicat_ingest.deliver.answer import Answer, read_answer
from scicat_ingest.deliver.bodies import run_by_weight, serialise
from scicat_ingest.deliver.classify import Route, Verdict, classify_answer
from scicat_ingest.deliver.transport import Sent, classify_exception, path_segment
from scicat_ingest.faults import (
    AmbiguousAnswer,
    CatalogueUnavailable,
    CredentialsRejected,
    TooLargeForCatalogue,
    WrongEndpoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scicat_ingest.deliver.api_choice import Version
    from scicat_ingest.deliver.credentials import Credentials
    from scicat_ingest.settings import ScicatSettings


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request."""

    route: Route
    method: str
    path: str
    params: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    weight: int = 0
    """Size in bytes of what the body was made from; tells whether serialising it is heavy."""

    def __str__(self) -> str:
        """Name the request in a message, without its body."""
        return f"{self.method} {self.path}"


_WHOAMI = Request(Route.WHOAMI, "GET", "/api/v3/auth/whoami")
_HEALTH = Request(Route.HEALTH, "GET", "/api/v3/health")


class CatalogueClient:
    """Sends requests as one account. Every await has a deadline: the settings' timeouts.

    Cancellation takes effect before a request or after its answer, never in between, unless `abort_started` was called.
    `send` raises CatalogueUnavailable (nothing was done), AmbiguousAnswer (a write may have been done), or
    TooLargeForCatalogue; every answer, also a refusal, is returned.
    """

    def __init__(self, http: httpx.AsyncClient, settings: ScicatSettings, *, max_concurrency: int) -> None:
        self._http = http
        self._settings = settings
        self._gate = anyio.CapacityLimiter(max_concurrency)
        self._timeouts = {
            False: httpx.Timeout(settings.read_timeout_seconds, connect=settings.connect_timeout_seconds),
            True: httpx.Timeout(settings.write_timeout_seconds, connect=settings.connect_timeout_seconds),
        }
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

    async def login(self, username: str, password: str) -> str:
        """Log in and give the token. Raises CredentialsRejected, WrongEndpoint, CatalogueUnavailable."""
        body = {"username": username, "password": password}
        answer = await self._exchange(Request(Route.LOGIN, "POST", "/api/v3/auth/login", body=body))
        document = answer.document or {}
        token = document.get("access_token") or document.get("id")
        if answer.ok and isinstance(token, str):
            return token
        if answer.status in (400, 401, 403):
            raise CredentialsRejected(f"SciCat refuses the login of {username!r}: {answer.status} {answer.message}")
        if answer.ok or answer.status in (404, 405):
            raise WrongEndpoint(f"POST /api/v3/auth/login answers {answer.status} {answer.message[:100]!r}")
        raise CatalogueUnavailable(f"login: {answer.status} {answer.message}", retry_after=answer.retry_after)

    async def groups(self) -> list[str] | None:
        """Give the groups of our account; None if SciCat does not know our token."""
        answer = await self.send(_WHOAMI)
        if not answer.ok:
            raise CatalogueUnavailable(f"whoami: {answer.status} {answer.message}", retry_after=answer.retry_after)
        if answer.document is None:
            return None
        return [str(group) for group in answer.document.get("currentGroups") or ()]

    async def is_healthy(self) -> bool:
        """Tell whether SciCat says that it and its database are up."""
        try:
            return (await self._exchange(_HEALTH)).ok
        except CatalogueUnavailable:
            return False

    async def get_dataset(self, version: Version, pid: str) -> Answer:
        """Read a dataset with all its blocks and attachments."""
        path = f"/api/{version}/datasets/{path_segment(pid)}"
        include = ["origdatablocks", "attachments"]
        if version == "v4":
            return await self.send(Request(Route.READ, "GET", path, params={"include": include}))
        relations = {"include": [{"relation": name} for name in include]}
        return await self.send(Request(Route.READ, "GET", path, params={"filter": json.dumps(relations)}))

    async def find_datasets(self, version: Version, filters: Mapping[str, Any]) -> Answer:
        """List datasets by a filter object: `where`, `include`, `fields`, `limits`."""
        params = {"filter": json.dumps(filters)}
        return await self.send(Request(Route.READ, "GET", f"/api/{version}/datasets", params=params))

    async def get_attachment(self, aid: str) -> Answer:
        """Read an attachment by its id (v4 only)."""
        return await self.send(Request(Route.READ, "GET", f"/api/v4/attachments/{path_segment(aid)}"))

    async def post_dataset(self, version: Version, payload: Mapping[str, Any], weight: int) -> Answer:
        """Create a dataset; `payload` is in the version's own spelling."""
        path = f"/api/{version}/datasets"
        return await self.send(Request(Route.POST_DATASET, "POST", path, body=payload, weight=weight))

    async def post_origdatablock(self, version: Version, payload: Mapping[str, Any], weight: int) -> Answer:
        """Add a block to its dataset."""
        path = f"/api/{version}/origdatablocks"
        return await self.send(Request(Route.POST_ORIGDATABLOCK, "POST", path, body=payload, weight=weight))

    async def post_attachment(self, version: Version, pid: str, payload: Mapping[str, Any], weight: int) -> Answer:
        """Add an attachment; v3 takes the dataset from the path, v4 from the payload's relationships."""
        path = "/api/v4/attachments" if version == "v4" else f"/api/v3/datasets/{path_segment(pid)}/attachments"
        return await self.send(Request(Route.POST_ATTACHMENT, "POST", path, body=payload, weight=weight))

    async def patch_dataset(self, version: Version, pid: str, changes: Mapping[str, Any]) -> Answer:
        """Change fields of a dataset."""
        path = f"/api/{version}/datasets/{path_segment(pid)}"
        return await self.send(Request(Route.PATCH_DATASET, "PATCH", path, body=changes))

    async def send(self, request: Request) -> Answer:
        """Make one authenticated request; a refusal that may be a dead token or an outage is looked into.

        A token that SciCat does not know is renewed; then the request is made once more. Raises CredentialsRejected if
        SciCat, while healthy, does not know the new token either.
        """
        credentials = self._credentials
        if credentials is None:
            raise CredentialsRejected("no credentials are set")
        token = await credentials.token()
        answer = await self._exchange(request, token)
        if classify_answer(request.route, answer) is not Verdict.SUSPICIOUS or request.route is Route.WHOAMI:
            return answer
        if not await self._knows(token):
            await credentials.renew(token)
            token = await credentials.token()
            if not await self._knows(token):
                said = f"{request}: {answer.status} {answer.message}"
                if await self.is_healthy():
                    raise CredentialsRejected(f"SciCat does not know our token: {said}")
                raise CatalogueUnavailable(f"{said}, and SciCat is not healthy")
        return await self._exchange(request, token)

    async def _knows(self, token: str) -> bool:
        return (await self._exchange(_WHOAMI, token)).document is not None

    async def _exchange(self, request: Request, token: str | None = None) -> Answer:
        headers = {"accept": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        content = None
        if request.body is not None:
            headers["content-type"] = "application/json"
            content = await run_by_weight(request.weight, serialise, request.body)
            self._refuse_too_large(content)
        writes = request.route.writes
        try:
            async with self._gate:
                await anyio.lowlevel.checkpoint_if_cancelled()
                with self._uninterrupted():
                    response = await self._http.request(
                        request.method,
                        request.path,
                        params=request.params,
                        content=content,
                        headers=headers,
                        timeout=self._timeouts[writes],
                    )
                    return await run_by_weight(len(response.content), read_answer, response)
        except httpx.InvalidURL as error:
            raise TooLargeForCatalogue(f"{request.method}: the address cannot be used: {error}", field="pid") from None
        except httpx.HTTPError as error:
            failure = classify_exception(error)
            if failure.sent is Sent.NO or not writes:
                raise CatalogueUnavailable(f"{request}: {failure.reason}") from error
            raise AmbiguousAnswer(f"{request}: {failure.reason}") from error

    @contextmanager
    def _uninterrupted(self) -> Iterator[None]:
        """Let a cancellation wait for the answer: else nobody would know whether the request was carried out."""
        with anyio.CancelScope(shield=True) as scope:
            self._under_way.add(scope)
            try:
                yield
            finally:
                self._under_way.remove(scope)

    def _refuse_too_large(self, content: bytes) -> None:
        if len(content) > self._settings.max_body_bytes:
            raise TooLargeForCatalogue(
                f"a document of {len(content)} bytes is needed, SciCat takes {self._settings.max_body_bytes}"
            )
