"""Reading back what the catalogue has, in the API version that the account may use; a bad answer becomes a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.deliver.bodies import run_by_weight
from scicat_ingest.deliver.classify import Route, Verdict, classify_answer
from scicat_ingest.deliver.reconcile import compare
from scicat_ingest.faults import CannotReadBack, CatalogueUnavailable, PidTaken, WrongEndpoint

if TYPE_CHECKING:
    from scicat_ingest.deliver.answer import Answer
    from scicat_ingest.deliver.api_choice import ApiChoice
    from scicat_ingest.deliver.client import CatalogueClient
    from scicat_ingest.deliver.reconcile import Found
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.settings import ScicatSettings


class CatalogueReads:
    """Reads, one request each. Raises a CatalogueFault, RecordFault, or ConfigurationFault unless it worked."""

    def __init__(self, client: CatalogueClient, api: ApiChoice, settings: ScicatSettings) -> None:
        self._client = client
        self._api = api
        self._settings = settings

    async def find(self, plan: Plan) -> Found | None:
        """Read the plan's dataset and compare; None if it is not there."""
        answer, verdict = await self._in_best_version(plan.pid)
        said = f"{answer.status} {answer.message}"
        match verdict:
            case Verdict.DONE if answer.document is not None:
                weight = max(plan.weight, answer.weight)
                return await run_by_weight(weight, compare, plan, answer.document, answer.server_time)
            case Verdict.NOT_FOUND:
                return None
            case Verdict.SUSPICIOUS if not await self._client.is_healthy():
                raise CatalogueUnavailable(f"READ: {said}, and SciCat is not healthy")
            case Verdict.SUSPICIOUS if self._settings.read_back_group is not None:
                raise PidTaken(f"the dataset {plan.pid} is there, and not ours to read", field="pid")
            case Verdict.SUSPICIOUS:
                raise CannotReadBack(f"reading back {plan.pid}: {said}")
            case Verdict.NO_ROUTE:
                raise WrongEndpoint(f"READ: {said}")
            case _:
                raise CatalogueUnavailable(f"READ: {said}", retry_after=answer.retry_after)

    async def find_existing(self, plan: Plan) -> Found:
        """Read a dataset that must be there, because SciCat just said so."""
        found = await self.find(plan)
        if found is None:
            raise CatalogueUnavailable(f"the dataset {plan.pid} was there and is gone")
        return found

    async def catalogue_is_fine(self) -> bool:
        """Tell whether SciCat is healthy and knows us: then it is the record that it does not take."""
        try:
            return await self._client.is_healthy() and await self._client.groups() is not None
        except CatalogueUnavailable:
            return False

    async def _in_best_version(self, pid: str) -> tuple[Answer, Verdict]:
        version = self._api.version(Route.READ)
        answer = await self._client.get_dataset(version, pid)
        verdict = classify_answer(Route.READ, answer)
        if verdict is Verdict.NO_ROUTE and version == "v4" and self._api.fall_back(Route.READ, answer.message):
            answer = await self._client.get_dataset("v3", pid)
            verdict = classify_answer(Route.READ, answer)
        return answer, verdict
