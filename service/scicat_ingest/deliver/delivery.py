"""Deliver one plan: create, or read and complete, until everything is there once."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scicat_ingest.deliver.backoff import delay_seconds
from scicat_ingest.deliver.classify import Route, Verdict, classify_answer
from scicat_ingest.deliver.delivered import Delivered
from scicat_ingest.deliver.reconcile import Remaining, find_remaining, totals_are_wrong
from scicat_ingest.deliver.stored import StoredDataset, read_stored
from scicat_ingest.faults import (
    AmbiguousAnswer,
    CannotReadBack,
    CatalogueUnavailable,
    PidTaken,
    RejectedByCatalogue,
    WrongEndpoint,
)

if TYPE_CHECKING:
    from scicat_ingest.deliver.api_choice import ApiChoice
    from scicat_ingest.deliver.client import CatalogueClient
    from scicat_ingest.deliver.writes import CatalogueWrites
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.settings import Settings

_LOG = logging.getLogger(__name__)

BLOCKS_IN_TOTALS = 10
"""SciCat's v4 route sums up at most this many blocks; with more, its totals are checked and corrected."""


class Waiting(Protocol):
    """Time and chance, so that tests decide on both."""

    def monotonic(self) -> float:
        """Give seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def chance(self) -> float:
        """Give a random number from 0 to 1."""
        ...


@dataclass(slots=True)
class _Progress:
    created: bool = False
    """We created the dataset in this delivery."""
    unsettled: bool = False
    """Somebody, or a request of ours whose answer we do not know, may still be writing to it."""
    attempts: int = 0
    block_ids: list[str] = field(default_factory=list)
    attachment_ids: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Delivery:
    """Delivers plans. A plan may be delivered again at any time: nothing is ever stored twice or deleted."""

    def __init__(
        self,
        client: CatalogueClient,
        writes: CatalogueWrites,
        api: ApiChoice,
        settings: Settings,
        waiting: Waiting,
    ) -> None:
        self._client = client
        self._writes = writes
        self._api = api
        self._scicat = settings.scicat
        self._retry = settings.retry
        self._waiting = waiting

    async def deliver(self, plan: Plan) -> Delivered:
        """Put everything of the plan into the catalogue and wait out its outages.

        Raises RefusedByCatalogue or NotSupported (a dead letter), or ConfigurationFault (halt).
        """
        progress = _Progress()
        began = self._waiting.monotonic()
        while True:
            progress.attempts += 1
            retry_after = None
            try:
                return await self._attempt(plan, progress)
            except CatalogueUnavailable as fault:
                trouble, retry_after = fault.message, fault.retry_after
            except AmbiguousAnswer as fault:
                trouble = fault.message
                progress.unsettled = True
            tried = self._waiting.monotonic() - began
            if tried > self._retry.max_age_seconds and await self._catalogue_is_fine():
                raise RejectedByCatalogue(f"failed for {tried:.0f} s while SciCat is healthy, the last time: {trouble}")
            delay = delay_seconds(progress.attempts, self._retry, self._waiting.chance(), retry_after)
            _LOG.warning("%s: %s; attempt %d, next in %.1f s", plan.pid, trouble, progress.attempts, delay)
            await self._waiting.sleep(delay)

    async def _attempt(self, plan: Plan, progress: _Progress) -> Delivered:
        stored = await self._read(plan.pid) if progress.attempts > 1 else None
        if stored is None:
            if await self._writes.create_dataset(plan, progress.warnings):
                progress.created = True
            else:
                progress.unsettled = progress.unsettled or not progress.created
                stored = await self._read_existing(plan.pid)
        if stored is None:
            remaining = Remaining(plan.blocks, plan.attachments)
        else:
            stored, remaining = await self._wait_until_settled(plan, stored, progress)
        await self._post(plan, remaining, progress)
        repaired = stored is not None and not remaining.nothing
        if repaired or len(plan.blocks) > BLOCKS_IN_TOTALS:
            stored = await self._verify(plan)
        if stored is not None:
            await self._judge_totals(plan, stored, progress)
        return _delivered(plan, progress, remaining)

    async def _wait_until_settled(
        self, plan: Plan, stored: StoredDataset, progress: _Progress
    ) -> tuple[StoredDataset, Remaining]:
        """Wait while a dataset that lacks parts may be someone's work in progress."""
        while True:
            remaining = find_remaining(plan, stored)
            wait = self._scicat.settle_seconds - stored.seconds_since_touched()
            if remaining.nothing or not progress.unsettled or wait <= 0:
                return stored, remaining
            _LOG.info("%s: it lacks parts and was touched just now; looking again in %.0f s", plan.pid, wait)
            await self._waiting.sleep(wait)
            stored = await self._read_existing(plan.pid)

    async def _post(self, plan: Plan, remaining: Remaining, progress: _Progress) -> None:
        """Post what is missing: blocks one after another, because SciCat loses totals of concurrent ones."""
        for block in remaining.blocks:
            progress.block_ids.append(await self._writes.add_block(block))
        for attachment in remaining.attachments:
            aid = await self._writes.add_attachment(plan, attachment, progress.warnings)
            if aid is not None:
                progress.attachment_ids.append(aid)

    async def _verify(self, plan: Plan) -> StoredDataset:
        stored = await self._read_existing(plan.pid)
        if find_remaining(plan, stored).blocks:
            raise AmbiguousAnswer("blocks that SciCat acknowledged are not in the dataset")
        return stored

    async def _judge_totals(self, plan: Plan, stored: StoredDataset, progress: _Progress) -> None:
        if stored.number_of_files != len(stored.files):
            twice = stored.number_of_files - len(stored.files)
            ids = ", ".join(stored.block_ids)
            progress.warnings.append(f"needs_curator: {twice} files are listed more than once, in blocks {ids}")
        elif totals_are_wrong(plan, stored) and not await self._writes.correct_totals(
            plan.pid, stored.size, stored.number_of_files
        ):
            progress.warnings.append(
                f"needs_curator: SciCat's totals should be size {stored.size}, numberOfFiles "
                f"{stored.number_of_files}, and our account may not correct them"
            )

    async def _read(self, pid: str) -> StoredDataset | None:
        version = self._api.version(Route.READ)
        answer = await self._client.get_dataset(version, pid)
        verdict = classify_answer(Route.READ, answer)
        if verdict is Verdict.NO_ROUTE and version == "v4" and self._api.fall_back(Route.READ, answer.message):
            answer = await self._client.get_dataset("v3", pid)
            verdict = classify_answer(Route.READ, answer)
        match verdict:
            case Verdict.DONE if answer.document is not None:
                return read_stored(answer.document, answer.server_time)
            case Verdict.NOT_FOUND:
                return None
            case Verdict.SUSPICIOUS if not await self._client.is_healthy():
                raise CatalogueUnavailable(f"READ: {answer.status} {answer.message}, and SciCat is not healthy")
            case Verdict.SUSPICIOUS if self._scicat.read_back_group is not None:
                raise PidTaken(f"the dataset {pid} is there, and not ours to read", field="pid")
            case Verdict.SUSPICIOUS:
                raise CannotReadBack(f"reading back {pid}: {answer.status} {answer.message}")
            case Verdict.NO_ROUTE:
                raise WrongEndpoint(f"READ: {answer.status} {answer.message}")
            case _:
                said = f"READ: {answer.status} {answer.message}"
                raise CatalogueUnavailable(said, retry_after=answer.retry_after)

    async def _read_existing(self, pid: str) -> StoredDataset:
        stored = await self._read(pid)
        if stored is None:
            raise CatalogueUnavailable(f"the dataset {pid} was there and is gone")
        return stored

    async def _catalogue_is_fine(self) -> bool:
        try:
            return await self._client.is_healthy() and await self._client.groups() is not None
        except CatalogueUnavailable:
            return False


def _delivered(plan: Plan, progress: _Progress, remaining: Remaining) -> Delivered:
    blocks, attachments = len(progress.block_ids), len(progress.attachment_ids)
    found = remaining.nothing and not blocks and not attachments
    return Delivered(
        verdict="created" if progress.created else "already_present" if found else "completed",
        blocks_created=blocks,
        blocks_found=max(len(plan.blocks) - blocks, 0),
        attachments_created=attachments,
        attachments_found=max(len(plan.attachments) - attachments, 0),
        block_ids=tuple(progress.block_ids),
        attachment_ids=tuple(progress.attachment_ids),
        attempts=progress.attempts,
        warnings=tuple(dict.fromkeys(progress.warnings)),
    )
