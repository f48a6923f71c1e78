"""Reading back what the catalogue has, in the API version that the account may use; a bad answer becomes a fault."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from scicat_ingest.deliver.bodies import run_by_weight
from scicat_ingest.deliver.classify import Route, Verdict
from scicat_ingest.deliver.reconcile import compare
from scicat_ingest.deliver.stored_files import StoredFiles
from scicat_ingest.faults import (
    CannotReadBack,
    CatalogueUnavailable,
    PidTaken,
    RejectedByCatalogue,
    WrongEndpoint,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from scicat_ingest.deliver.api_choice import ApiChoice, Version
    from scicat_ingest.deliver.client import CatalogueClient, Reply
    from scicat_ingest.deliver.reconcile import Found
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.settings import ScicatSettings


LONG_LIST = 20_000
"""Files; blocks of a longer list are read in pages: one answer with all of them would be too large for the database."""
PAGE_BLOCKS = 10


class CatalogueReads:
    """Reads, one request each. Raises a CatalogueFault, RecordFault, or ConfigurationFault unless it worked."""

    def __init__(self, client: CatalogueClient, api: ApiChoice, settings: ScicatSettings) -> None:
        self._client = client
        self._api = api
        self._settings = settings

    async def find(self, plan: Plan) -> Found | None:
        """Read the plan's dataset and compare; None if it is not there."""
        in_pages = plan.number_of_files > LONG_LIST
        (answer, verdict), version = await self._in_best_version(
            lambda version: self._client.get_dataset(version, plan.pid, with_blocks=not in_pages)
        )
        said = f"READ: {answer.status} {answer.message}"
        match verdict:
            case Verdict.DONE if answer.document is not None:
                weight, policy = max(plan.weight, answer.weight), self._settings.on_conflict
                files = await self._all_blocks(plan, version) if in_pages else None
                return await run_by_weight(
                    weight, compare, plan, answer.document, answer.server_time, version, policy, files
                )
            case Verdict.NOT_FOUND:
                return None
            case Verdict.REFUSED if self._settings.read_back_group is not None:
                raise PidTaken(f"the dataset {plan.pid} is there, and not ours to read", field="pid")
            case Verdict.REFUSED:
                raise CannotReadBack(f"reading back {plan.pid}: {said}")
            case Verdict.NO_ROUTE | Verdict.MAY_NOT:
                raise WrongEndpoint(said)
            case Verdict.INVALID | Verdict.TOO_LARGE:
                raise RejectedByCatalogue(said, status=answer.status)
            case _:
                raise CatalogueUnavailable(said)

    async def _all_blocks(self, plan: Plan, version: Version) -> StoredFiles:
        files = StoredFiles(plan.digests)
        while True:
            read = len(files.block_ids)
            answer, verdict = await self._believable(
                partial(self._client.get_origdatablocks, version, plan.pid, read, PAGE_BLOCKS), version
            )
            if verdict is not Verdict.DONE or not isinstance(answer.body, list):
                raise CatalogueUnavailable(f"listing the blocks of {plan.pid}: {answer.status} {answer.message}")
            blocks = [block for block in answer.body if isinstance(block, dict)]
            await run_by_weight(answer.weight, _take_in, files, blocks)
            if len(blocks) < PAGE_BLOCKS:
                return files

    async def _believable(self, ask: Callable[[], Awaitable[Reply]], version: Version) -> Reply:
        """Ask for a list; v3 answers a dead token that there is nothing, so an empty one is asked for again."""
        reply = await ask()
        if version == "v3" and reply[0].body == []:
            await self._client.groups()  # renews a dead token
            reply = await ask()
        return reply

    async def find_existing(self, plan: Plan) -> Found:
        """Read a dataset that must be there, because SciCat just said so."""
        found = await self.find(plan)
        if found is None:
            raise CatalogueUnavailable(f"the dataset {plan.pid} was there and is gone")
        return found

    async def find_other(self, plan: Plan) -> str | None:
        """Give the pid of a dataset that is the same by `scicat.exists_by`; None if there is none."""
        where = {name: plan.dataset.payload.get(name) for name in sorted(self._settings.exists_by)}
        if not where or None in where.values():
            return None
        filters: dict[str, Any] = {"where": where, "fields": ["pid"], "limits": {"limit": 1}}
        (answer, verdict), _ = await self._in_best_version(
            lambda version: self._believable(partial(self._client.find_datasets, version, filters), version)
        )
        if verdict is not Verdict.DONE or not isinstance(answer.body, list):
            raise WrongEndpoint(f"looking for datasets by {', '.join(where)}: {answer.status} {answer.message}")
        if answer.body and isinstance(answer.body[0], dict):
            return str(answer.body[0].get("pid"))
        return None

    async def find_totals(self, pids: Collection[str]) -> dict[str, tuple[int, int]]:
        """Give files and bytes of those of these datasets (at most 50) that are there and ours to read."""

        def filters(version: Version) -> dict[str, Any]:
            any_of = {"$in" if version == "v4" else "inq": list(pids)}
            return {
                "where": {"pid": any_of},
                "fields": ["pid", "numberOfFiles", "size"],
                "limits": {"limit": len(pids)},
            }

        (answer, verdict), _ = await self._in_best_version(
            lambda version: self._believable(partial(self._client.find_datasets, version, filters(version)), version)
        )
        if verdict is Verdict.DONE and isinstance(answer.body, list):
            found = [dataset for dataset in answer.body if isinstance(dataset, dict)]
            return {
                str(each.get("pid")): (int(each.get("numberOfFiles") or 0), int(each.get("size") or 0))
                for each in found
            }
        said = f"looking for datasets by pid: {answer.status} {answer.message}"
        if verdict in (Verdict.NO_ROUTE, Verdict.MAY_NOT, Verdict.REFUSED):
            raise WrongEndpoint(said)
        raise CatalogueUnavailable(said)

    async def _in_best_version(self, read: Callable[[Version], Awaitable[Reply]]) -> tuple[Reply, Version]:
        version = self._api.version(Route.READ)
        answer, verdict = await read(version)
        if verdict is Verdict.NO_ROUTE and version == "v4" and self._api.fall_back(Route.READ, answer.message):
            version = "v3"
            answer, verdict = await read(version)
        return (answer, verdict), version


def _take_in(files: StoredFiles, blocks: list[dict[str, Any]]) -> None:
    for block in blocks:
        files.add(block)
