"""The writing requests of one plan, each in the API version that the account may use; a bad answer becomes a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.v3 import attachment_for_v3, changes_for_v3, dataset_for_v3
from scicat_ingest.deliver.classify import Route, Verdict
from scicat_ingest.faults import (
    AmbiguousAnswer,
    CatalogueUnavailable,
    ForbiddenGroup,
    MayNotCreate,
    RejectedByCatalogue,
    TooLargeForCatalogue,
    WrongEndpoint,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from scicat_ingest.deliver.answer import Answer
    from scicat_ingest.deliver.api_choice import ApiChoice, Version
    from scicat_ingest.deliver.client import CatalogueClient, Reply
    from scicat_ingest.plan.steps import Plan, PostAttachment, PostOrigDatablock

_NOT_BY_V4 = (Verdict.REFUSED, Verdict.MAY_NOT, Verdict.NO_ROUTE)
"""What a v4 block or attachment route answers to an account that may still use v3's."""


class CatalogueWrites:
    """Writes, one request each. Raises a CatalogueFault, RefusedByCatalogue, or ConfigurationFault unless it worked."""

    def __init__(self, client: CatalogueClient, api: ApiChoice) -> None:
        self._client = client
        self._api = api

    async def create_dataset(self, plan: Plan, warnings: list[str]) -> Created | None:
        """Create the dataset. None if its pid is there already."""

        async def post(version: Version) -> Reply:
            if version == "v4":
                return await self._client.post_dataset(version, plan.pid, plan.dataset.payload, plan.weight)
            payload, lost = dataset_for_v3(plan.dataset.payload)
            warnings.extend(warning for warning in lost if warning not in warnings)
            return await self._client.post_dataset(version, plan.pid, payload, plan.weight)

        answer, verdict = await self._in_best_version(Route.POST_DATASET, post, (Verdict.NO_ROUTE,))
        if verdict is Verdict.CONFLICT:
            return None
        if verdict is Verdict.MAY_NOT:
            raise MayNotCreate(f"SciCat refuses our account: {answer.status} {answer.message}")
        _require_done(Route.POST_DATASET, answer, verdict)
        return Created(answer.server_time)

    async def add_block(self, plan: Plan, block: PostOrigDatablock) -> str:
        """Add a block and give its id."""

        async def post(version: Version) -> Reply:
            return await self._client.post_origdatablock(version, plan.pid, block.payload, plan.weight)

        answer, verdict = await self._in_best_version(Route.POST_ORIGDATABLOCK, post, _NOT_BY_V4)
        _require_done(Route.POST_ORIGDATABLOCK, answer, verdict)
        return _id_of(answer, "_id", "id")

    async def add_attachment(self, plan: Plan, attachment: PostAttachment, warnings: list[str]) -> str | None:
        """Add an attachment and give its id; None, with a warning, if another dataset's has the same id."""

        async def post(version: Version) -> Reply:
            if version == "v4":
                return await self._post_v4_attachment(plan, attachment)
            payload, lost = attachment_for_v3(attachment.payload)
            warnings.extend(warning for warning in lost if warning not in warnings)
            return await self._client.post_attachment(version, plan.pid, payload, plan.weight)

        answer, verdict = await self._in_best_version(Route.POST_ATTACHMENT, post, _NOT_BY_V4)
        if verdict is Verdict.CONFLICT:
            warnings.append(f"attachment {attachment.aid}: another dataset's attachment has this id; left out")
            return None
        _require_done(Route.POST_ATTACHMENT, answer, verdict)
        return _id_of(answer, "aid", "_id", "id")

    async def _post_v4_attachment(self, plan: Plan, attachment: PostAttachment) -> Reply:
        """Post it; when nobody knows what came of it, look: SciCat answers 500 to an id that is taken."""
        try:
            return await self._client.post_attachment("v4", plan.pid, attachment.payload, plan.weight)
        except AmbiguousAnswer:
            answer, verdict = await self._client.get_attachment(plan.pid, attachment.aid)
            if verdict is not Verdict.DONE or answer.document is None:
                raise
            related = answer.document.get("relationships") or ()
            targets = [target.get("targetId") for target in related if isinstance(target, dict)]
            return answer, Verdict.DONE if plan.pid in targets else Verdict.CONFLICT

    async def change(self, plan: Plan, changes: Mapping[str, Any], *, unmodified_since: str | None = None) -> Verdict:
        """PATCH the dataset: DONE, MODIFIED by somebody else meanwhile, or REFUSED to our account."""

        async def patch(version: Version) -> Reply:
            body = changes if version == "v4" else changes_for_v3(changes, plan.dataset.payload["type"])
            return await self._client.patch_dataset(version, plan.pid, body, unmodified_since=unmodified_since)

        answer, verdict = await self._in_best_version(Route.PATCH_DATASET, patch, (Verdict.NO_ROUTE,))
        if verdict in (Verdict.REFUSED, Verdict.MAY_NOT):
            return Verdict.REFUSED
        if verdict is not Verdict.MODIFIED:
            _require_done(Route.PATCH_DATASET, answer, verdict)
        return verdict

    async def _in_best_version(
        self, route: Route, attempt: Callable[[Version], Awaitable[Reply]], not_by_v4: tuple[Verdict, ...]
    ) -> Reply:
        version = self._api.version(route)
        answer, verdict = await attempt(version)
        if version == "v4" and verdict in not_by_v4 and self._api.fall_back(route, f"{answer.status} {answer.message}"):
            answer, verdict = await attempt("v3")
        return answer, verdict


@dataclass(frozen=True, slots=True)
class Created:
    """A dataset that SciCat has just made for us."""

    at: datetime | None
    """By the server's clock."""


def _require_done(route: Route, answer: Answer, verdict: Verdict) -> None:
    if verdict is Verdict.DONE:
        return
    said = f"{route.name}: {answer.status} {answer.message}"
    match verdict:
        case Verdict.REFUSED | Verdict.MAY_NOT:
            raise ForbiddenGroup(said, field="groups.owner", status=answer.status)
        case Verdict.INVALID:
            raise RejectedByCatalogue(said, status=answer.status)
        case Verdict.TOO_LARGE:
            raise TooLargeForCatalogue(said, status=answer.status)
        case Verdict.NO_ROUTE:
            raise WrongEndpoint(said)
        case _:  # its dataset is gone, say: read again
            raise CatalogueUnavailable(said)


def _id_of(answer: Answer, *names: str) -> str:
    document: dict[str, Any] = answer.document or {}
    return next((str(document[name]) for name in names if document.get(name)), "")
