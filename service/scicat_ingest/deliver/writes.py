"""The writing requests of one plan, each in the API version that the account may use; a bad answer becomes a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from scicat_ingest.catalogue.v3 import attachment_for_v3, dataset_for_v3
from scicat_ingest.deliver.classify import Route, Verdict, classify_answer
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
    from collections.abc import Awaitable, Callable

    from scicat_ingest.deliver.answer import Answer
    from scicat_ingest.deliver.api_choice import ApiChoice, Version
    from scicat_ingest.deliver.client import CatalogueClient
    from scicat_ingest.plan.steps import Plan, PostAttachment, PostOrigDatablock

_NOT_BY_V4 = (Verdict.REFUSED, Verdict.SUSPICIOUS, Verdict.NO_ROUTE)
"""What a v4 block or attachment route answers to an account that may still use v3's."""


class CatalogueWrites:
    """Writes, one request each. Raises a CatalogueFault, RefusedByCatalogue, or ConfigurationFault unless it worked."""

    def __init__(self, client: CatalogueClient, api: ApiChoice) -> None:
        self._client = client
        self._api = api

    async def create_dataset(self, plan: Plan, warnings: list[str]) -> bool:
        """Create the dataset. Tells False if its pid is there already."""

        async def post(version: Version) -> Answer:
            if version == "v4":
                return await self._client.post_dataset(version, plan.dataset.payload, plan.weight)
            payload, lost = dataset_for_v3(plan.dataset.payload)
            warnings.extend(warning for warning in lost if warning not in warnings)
            return await self._client.post_dataset(version, payload, plan.weight)

        answer, verdict = await self._in_best_version(Route.POST_DATASET, post, (Verdict.NO_ROUTE,))
        if verdict is Verdict.CONFLICT:
            return False
        if verdict is Verdict.SUSPICIOUS:
            await self._refuse_if_healthy(answer)
        _require_done(Route.POST_DATASET, answer, verdict)
        return True

    async def add_block(self, plan: Plan, block: PostOrigDatablock) -> str:
        """Add a block and give its id."""

        async def post(version: Version) -> Answer:
            return await self._client.post_origdatablock(version, block.payload, plan.weight)

        answer, verdict = await self._in_best_version(Route.POST_ORIGDATABLOCK, post, _NOT_BY_V4)
        _require_done(Route.POST_ORIGDATABLOCK, answer, verdict)
        return _id_of(answer, "_id", "id")

    async def add_attachment(self, plan: Plan, attachment: PostAttachment, warnings: list[str]) -> str | None:
        """Add an attachment and give its id; None, with a warning, if another dataset's has the same id."""
        used: list[Version] = []

        async def post(version: Version) -> Answer:
            used.append(version)
            if version == "v4":
                return await self._client.post_attachment(version, plan.pid, attachment.payload, plan.weight)
            payload, lost = attachment_for_v3(attachment.payload)
            warnings.extend(warning for warning in lost if warning not in warnings)
            return await self._client.post_attachment(version, plan.pid, payload, plan.weight)

        answer, verdict = await self._in_best_version(Route.POST_ATTACHMENT, post, _NOT_BY_V4)
        if verdict is Verdict.AMBIGUOUS and used[-1] == "v4":
            # SciCat answers 500 to an id that is taken: look whose it is.
            there = await self._client.get_attachment(attachment.aid)
            if there.ok and there.document is not None:
                targets = [target.get("targetId") for target in there.document.get("relationships") or ()]
                if plan.pid in targets:
                    return attachment.aid
                warnings.append(f"attachment {attachment.aid}: another dataset's attachment has this id; left out")
                return None
        _require_done(Route.POST_ATTACHMENT, answer, verdict)
        return _id_of(answer, "aid", "_id", "id")

    async def correct_totals(self, pid: str, size: int, number_of_files: int) -> bool:
        """PATCH the dataset's sums. Tells False if our account may not."""

        async def patch(version: Version) -> Answer:
            return await self._client.patch_dataset(version, pid, {"size": size, "numberOfFiles": number_of_files})

        answer, verdict = await self._in_best_version(Route.PATCH_DATASET, patch, (Verdict.NO_ROUTE,))
        if verdict in (Verdict.REFUSED, Verdict.SUSPICIOUS):
            return False
        _require_done(Route.PATCH_DATASET, answer, verdict)
        return True

    async def _in_best_version(
        self, route: Route, attempt: Callable[[Version], Awaitable[Answer]], not_by_v4: tuple[Verdict, ...]
    ) -> tuple[Answer, Verdict]:
        version = self._api.version(route)
        answer = await attempt(version)
        verdict = classify_answer(route, answer)
        if version == "v4" and verdict in not_by_v4 and self._api.fall_back(route, f"{answer.status} {answer.message}"):
            answer = await attempt("v3")
            verdict = classify_answer(route, answer)
        return answer, verdict

    async def _refuse_if_healthy(self, answer: Answer) -> NoReturn:
        """Decide on a 403 that names no group, from an account that SciCat knows."""
        if not await self._client.is_healthy():
            raise CatalogueUnavailable(f"POST_DATASET: {answer.status} {answer.message}, and SciCat is not healthy")
        raise MayNotCreate(f"SciCat refuses our account: {answer.status} {answer.message}")


def _require_done(route: Route, answer: Answer, verdict: Verdict) -> None:
    said = f"{route.name}: {answer.status} {answer.message}"
    match verdict:
        case Verdict.DONE:
            return
        case Verdict.REFUSED | Verdict.SUSPICIOUS:
            raise ForbiddenGroup(said, field="groups.owner")
        case Verdict.INVALID:
            raise RejectedByCatalogue(said)
        case Verdict.TOO_LARGE:
            raise TooLargeForCatalogue(said)
        case Verdict.NO_ROUTE:
            raise WrongEndpoint(said)
        case Verdict.AMBIGUOUS | Verdict.CONFLICT:
            raise AmbiguousAnswer(said)
        case Verdict.NOT_FOUND | Verdict.TRANSIENT:
            raise CatalogueUnavailable(said, retry_after=answer.retry_after)


def _id_of(answer: Answer, *names: str) -> str:
    document: dict[str, Any] = answer.document or {}
    return next((str(document[name]) for name in names if document.get(name)), "")
