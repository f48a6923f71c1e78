"""Deliver one plan, attempt by attempt: create, or read and complete, until everything is there once."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import anyio.lowlevel

from scicat_ingest.deliver.backoff import delay_seconds
from scicat_ingest.deliver.delivered import Delivered, TryAgain
from scicat_ingest.deliver.reads import CatalogueReads
from scicat_ingest.deliver.reconcile import Remaining, totals_are_wrong
from scicat_ingest.faults import AmbiguousAnswer, CatalogueUnavailable, RejectedByCatalogue

if TYPE_CHECKING:
    from scicat_ingest.deliver.api_choice import ApiChoice
    from scicat_ingest.deliver.client import CatalogueClient
    from scicat_ingest.deliver.reconcile import Found
    from scicat_ingest.deliver.stored import StoredDataset
    from scicat_ingest.deliver.writes import CatalogueWrites
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.settings import Settings

_LOG = logging.getLogger(__name__)

BLOCKS_IN_TOTALS = 10
"""SciCat's v4 route sums up at most this many blocks; with more, its totals are checked and corrected."""

SETTLE_JITTER = 0.5
"""Share of the settle time by which a wait for it may be longer."""
TAKE_TURNS_SECONDS = 1.0
"""How long a record waits while another one of the same dataset, from another partition, has an attempt under way."""


class Waiting(Protocol):
    """Time and chance, so that tests decide on both."""

    def monotonic(self) -> float:
        """Give seconds that never go back."""
        ...

    def chance(self) -> float:
        """Give a random number from 0 to 1."""
        ...


class Deliveries:
    """Begins deliveries. A plan may be delivered again at any time: nothing is ever stored twice or deleted."""

    def __init__(
        self,
        client: CatalogueClient,
        writes: CatalogueWrites,
        api: ApiChoice,
        settings: Settings,
        waiting: Waiting,
    ) -> None:
        self._client = client
        self._reads = CatalogueReads(client, api, settings.scicat)
        self._writes = writes
        self._settings = settings
        self._waiting = waiting
        self._under_way: set[str] = set()
        """Pids with an attempt under way: two that find the same part missing would both post it."""

    def begin(self, plan: Plan) -> Delivery:
        """Give the delivery of this plan. Nothing is requested yet; may be called in any thread."""
        return Delivery(
            plan, self._reads, self._writes, self._settings, waiting=self._waiting, under_way=self._under_way
        )

    def abort_started(self) -> None:
        """Let cancellations interrupt requests that are under way: a hard stop. See CatalogueClient."""
        self._client.abort_started()


@dataclass(slots=True)
class _Progress:
    began: float | None = None
    """When the first attempt began, by the monotonic clock."""
    attempts: int = 0
    """Begun so far, without those that only found somebody at work."""
    look_first: bool = False
    """The dataset may be there: read before writing."""
    created: bool = False
    """We created the dataset in this delivery."""
    unsettled: bool = False
    """Somebody, or a request of ours whose answer we do not know, may still be writing to it."""
    block_ids: list[str] = field(default_factory=list)
    attachment_ids: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Delivery:
    """The delivery of one plan. It never waits: who calls `attempt` does, and holds no permit meanwhile."""

    def __init__(
        self,
        plan: Plan,
        reads: CatalogueReads,
        writes: CatalogueWrites,
        settings: Settings,
        *,
        waiting: Waiting,
        under_way: set[str],
    ) -> None:
        self._plan = plan
        self._under_way = under_way
        self._reads = reads
        self._writes = writes
        self._settle_seconds = settings.scicat.settle_seconds
        self._retry = settings.retry
        self._waiting = waiting
        self._progress = _Progress()

    async def attempt(self) -> Delivered | TryAgain:
        """Try once to put everything of the plan into the catalogue, or what is missing of it.

        Not to be called while another attempt of the same delivery runs. Cancellation takes effect between two requests
        (see CatalogueClient); a cancelled attempt returns nothing, whatever it has come to.

        Raises RecordFault (a dead letter), or ConfigurationFault (halt). After a ConfigurationFault or a cancellation
        it may be called again: it then reads before it writes, and leaves a dataset that lacks parts alone for the
        settle time, because an interrupted request may still be carried out.
        """
        progress, pid = self._progress, self._plan.pid
        if pid in self._under_way:
            return TryAgain(TAKE_TURNS_SECONDS, "another record of this dataset is being delivered")
        if progress.began is None:
            progress.began = self._waiting.monotonic()
        progress.attempts += 1
        self._under_way.add(pid)
        try:
            result = await self._try_once(progress.began)
            await anyio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            progress.unsettled = True
            raise
        finally:
            self._under_way.discard(pid)
        return result

    async def _try_once(self, began: float) -> Delivered | TryAgain:
        retry_after = None
        try:
            return await self._deliver()
        except CatalogueUnavailable as fault:
            trouble, retry_after = fault.message, fault.retry_after
        except AmbiguousAnswer as fault:
            trouble = fault.message
            self._progress.unsettled = True
        tried = self._waiting.monotonic() - began
        if tried > self._retry.max_age_seconds and await self._reads.catalogue_is_fine():
            raise RejectedByCatalogue(f"failed for {tried:.0f} s while SciCat is healthy, the last time: {trouble}")
        attempt = self._progress.attempts
        delay = delay_seconds(attempt, self._retry, self._waiting.chance(), retry_after)
        _LOG.warning("%s: %s; attempt %d, next in %.1f s", self._plan.pid, trouble, attempt, delay)
        return TryAgain(delay, trouble)

    async def _deliver(self) -> Delivered | TryAgain:
        plan, progress = self._plan, self._progress
        found = await self._find_or_create()
        if found is not None and (wait := self._settle_wait(found)) > 0:
            progress.attempts -= 1
            why = "it lacks parts and was touched just now"
            _LOG.info("%s: %s; looking again in %.0f s", plan.pid, why, wait)
            return TryAgain(wait, why)
        remaining = Remaining(plan.blocks, plan.attachments) if found is None else found.remaining
        await self._post(remaining)
        stored = None if found is None else found.stored
        repaired = found is not None and not remaining.nothing
        if repaired or len(plan.blocks) > BLOCKS_IN_TOTALS:
            stored = await self._verify()
        if stored is not None:
            await self._judge_totals(stored)
        return _delivered(plan, progress, remaining)

    async def _find_or_create(self) -> Found | None:
        """Give what is there; None for a dataset that we created just now, which has no parts yet."""
        progress = self._progress
        found = await self._reads.find(self._plan) if progress.look_first else None
        progress.look_first = True
        if found is not None:
            return found
        if await self._writes.create_dataset(self._plan, progress.warnings):
            progress.created = True
            return None
        progress.unsettled = progress.unsettled or not progress.created
        return await self._reads.find_existing(self._plan)

    def _settle_wait(self, found: Found) -> float:
        """Give the seconds for which a dataset that lacks parts may be someone's work in progress.

        With some jitter: two services that wait for the same dataset must not begin to repair it at the same moment.
        """
        if found.remaining.nothing or not self._progress.unsettled:
            return 0.0
        left: float = self._settle_seconds - found.stored.seconds_since_touched()
        return left + self._waiting.chance() * SETTLE_JITTER * self._settle_seconds if left > 0 else 0.0

    async def _post(self, remaining: Remaining) -> None:
        """Post what is missing: blocks one after another, because SciCat loses totals of concurrent ones."""
        progress = self._progress
        for block in remaining.blocks:
            progress.block_ids.append(await self._writes.add_block(self._plan, block))
        for attachment in remaining.attachments:
            aid = await self._writes.add_attachment(self._plan, attachment, progress.warnings)
            if aid is not None:
                progress.attachment_ids.append(aid)

    async def _verify(self) -> StoredDataset:
        found = await self._reads.find_existing(self._plan)
        if found.remaining.blocks:
            raise AmbiguousAnswer("blocks that SciCat acknowledged are not in the dataset")
        return found.stored

    async def _judge_totals(self, stored: StoredDataset) -> None:
        warnings = self._progress.warnings
        if stored.number_of_files != len(stored.files):
            twice = stored.number_of_files - len(stored.files)
            ids = ", ".join(stored.block_ids)
            warnings.append(f"needs_curator: {twice} files are listed more than once, in blocks {ids}")
        elif totals_are_wrong(self._plan, stored) and not await self._writes.correct_totals(
            self._plan.pid, stored.size, stored.number_of_files
        ):
            warnings.append(
                f"needs_curator: SciCat's totals should be size {stored.size}, numberOfFiles "
                f"{stored.number_of_files}, and our account may not correct them"
            )


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
