"""Deliver one plan, attempt by attempt: create, or read and complete, until everything is there once."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

import anyio.lowlevel
import anyio.to_thread

from scicat_ingest.catalogue.times import parse_time, write_time
from scicat_ingest.deliver.backoff import delay_seconds
from scicat_ingest.deliver.classify import Health, Verdict
from scicat_ingest.deliver.delivered import Delivered, SoFar, TryAgain
from scicat_ingest.deliver.missing_blocks import some
from scicat_ingest.deliver.progress import Progress
from scicat_ingest.deliver.reconcile import Remaining, totals_are_wrong
from scicat_ingest.faults import (
    AmbiguousAnswer,
    CatalogueFault,
    CatalogueUnavailable,
    ForbiddenGroup,
    KillsCatalogue,
    RecordFault,
    RejectedByCatalogue,
)
from scicat_ingest.plan.steps import PostAttachment, PostOrigDatablock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scicat_ingest.deliver.client import CatalogueClient
    from scicat_ingest.deliver.delivered import DatasetVerdict
    from scicat_ingest.deliver.pace.traffic import Clock, Traffic
    from scicat_ingest.deliver.probe import Probe
    from scicat_ingest.deliver.progress import Step
    from scicat_ingest.deliver.reads import CatalogueReads
    from scicat_ingest.deliver.reconcile import Found
    from scicat_ingest.deliver.stored import StoredDataset
    from scicat_ingest.deliver.writes import CatalogueWrites, Created
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.settings import Settings

_LOG = logging.getLogger(__name__)

BLOCKS_IN_TOTALS = 10
"""SciCat's v4 route sums up at most this many blocks; with more, its totals are checked and corrected."""
TAKE_TURNS_SECONDS = 1.0
"""How long a record waits while another one of the same dataset, from another partition, has an attempt under way."""
FRESH_SECONDS = 600.0
"""The dataset of an older record may have been there before and deleted: its blocks would still be there."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every delivery works with."""

    client: CatalogueClient
    reads: CatalogueReads
    writes: CatalogueWrites
    traffic: Traffic
    probe: Probe
    settings: Settings
    clock: Clock


@dataclass(frozen=True, slots=True)
class Shared:
    """What the deliveries of a process tell each other."""

    under_way: set[str] = field(default_factory=set)
    """Pids with an attempt under way: two that find the same part missing would both post it."""
    not_ours_to_change: set[str] = field(default_factory=set)
    """Groups whose datasets our account may not PATCH."""


class Delivery:
    """The delivery of one plan. It never waits: who calls `attempt` does, and holds no place meanwhile."""

    def __init__(self, plan: Plan, parts: Parts, shared: Shared) -> None:
        self._plan = plan
        self._reads = parts.reads
        self._writes = parts.writes
        self._traffic = parts.traffic
        self._probe = parts.probe
        self._scicat = parts.settings.scicat
        self._retry = parts.settings.retry
        self._clock = parts.clock
        self._shared = shared
        self._progress = Progress.begin(parts.settings.scicat)

    @property
    def so_far(self) -> SoFar:
        """What was done by now."""
        done = self._progress
        return SoFar(done.attempts, done.created, tuple(done.block_ids), tuple(done.attachment_ids))

    async def attempt(self) -> Delivered | TryAgain:
        """Try once to put everything of the plan into the catalogue, or what is missing of it.

        Not to be called while another attempt of the same delivery runs. Cancellation takes effect between two requests
        (see CatalogueClient); a cancelled attempt returns nothing, whatever it has come to.

        Raises RecordFault (a dead letter), or ConfigurationFault (halt). After a ConfigurationFault or a cancellation
        it may be called again: it then reads before it writes, and leaves a dataset that lacks parts alone for the
        settle time, because an interrupted request may still be carried out.
        """
        progress, pid = self._progress, self._plan.pid
        if pid in self._shared.under_way:
            return TryAgain(TAKE_TURNS_SECONDS, "another record of this dataset is being delivered")
        progress.attempts += 1
        self._shared.under_way.add(pid)
        opened_before = self._traffic.begin(pid)
        try:
            result = await self._try_once(opened_before)
            await anyio.lowlevel.checkpoint_if_cancelled()
        except RecordFault:
            self._traffic.worked(pid)
            raise
        except BaseException:
            progress.interrupted(self._clock.monotonic())
            raise
        finally:
            self._traffic.end(pid)
            self._shared.under_way.discard(pid)
        if isinstance(result, Delivered):
            self._traffic.worked(pid)
        return result

    async def _try_once(self, opened_before: int) -> Delivered | TryAgain:
        began = self._clock.monotonic()
        too_old = self._progress.age > self._retry.max_age_seconds
        last_chance = too_old and await self._probe.look() is Health.UP
        try:
            return await self._deliver()
        except CatalogueFault as fault:
            self._progress.broke_off(self._clock.monotonic())
            if last_chance:
                why = f"failed for {self._progress.age:.0f} s while SciCat is up, the last time: {fault.message}"
                raise RejectedByCatalogue(why) from fault
            return await self._judge_failure(fault, began, opened_before)

    # A failure

    async def _judge_failure(self, fault: CatalogueFault, began: float, opened_before: int) -> TryAgain:
        """Say when to try again, unless it is the record's fault. Raises RejectedByCatalogue, KillsCatalogue."""
        pid, progress, traffic = self._plan.pid, self._progress, self._traffic
        retry_after = fault.retry_after if isinstance(fault, CatalogueUnavailable) else None
        if retry_after is None and not traffic.is_open and not traffic.is_cooling:
            progress.wrote_unseen = progress.wrote_unseen or isinstance(fault, AmbiguousAnswer)
            unlucky = traffic.was_good_lately and (fault.status is not None or progress.failures == 0)
            if not unlucky:
                traffic.failed(pid, opened_before, await self._probe.look(), wrote=progress.wrote_unseen)
                progress.wrote_unseen = False
            if traffic.is_deadly(pid):
                raise KillsCatalogue(f"SciCat went down twice in a row of this record alone: {fault.message}")
        if (evidence := traffic.blames(pid)) is not None:
            raise RejectedByCatalogue(f"{evidence}; the last time: {fault.message}")
        if not traffic.closed:
            return TryAgain(self._retry.first_delay_seconds, fault.message)
        progress.failures += 1
        delay = delay_seconds(progress.failures, self._retry, self._clock.chance(), retry_after)
        progress.age += self._clock.monotonic() - began + delay
        _LOG.info("%s: %s; attempt %d, next in %.1f s", pid, fault.message, progress.attempts, delay)
        return TryAgain(delay, fault.message)

    def _wait(self, seconds: float, why: str) -> TryAgain:
        """Give way to somebody else: no failure."""
        self._progress.attempts -= 1
        _LOG.info("%s: %s; looking again in %.1f s", self._plan.pid, why, seconds)
        return TryAgain(seconds, why)

    # The way to the end

    async def _deliver(self) -> Delivered | TryAgain:
        plan, progress = self._plan, self._progress
        if self._scicat.exists_by and not progress.look_first and (other := await self._reads.find_other(plan)):
            return _existing(plan, progress, other)
        found = await self._find_or_create()
        remaining = Remaining(plan.blocks, plan.attachments)
        if found is not None:
            remaining = found.remaining
            if (wait := await self._make_way(found)) is not None:
                return wait
        if (wait := await self._post(remaining)) is not None:
            return wait
        repaired = found is not None and remaining.parts > 0
        if repaired or len(plan.blocks) > BLOCKS_IN_TOTALS or self._scicat.verify == "always":
            found = await self._verify()
        if found is not None and not found.copies:
            await self._mend_totals(found.stored)
        return _delivered(plan, progress)

    async def _find_or_create(self) -> Found | None:
        """Give what is there; None for a dataset that we created just now, which has no parts yet."""
        progress, plan = self._progress, self._plan
        found = await self._reads.find(plan) if progress.look_first else None
        progress.look_first = True
        if found is None:
            sent_at = self._clock.monotonic()
            progress.writes(plan.dataset)
            created = await self._writes.create_dataset(plan, progress.warnings)
            progress.refused() if created is None else progress.wrote(sent_at)
            if created is not None:
                progress.created = True
                return await self._find_orphans(created)
            found = await self._reads.find_existing(plan)
        self._take_in(found)
        return found

    async def _find_orphans(self, created: Created) -> Found | None:
        """Look for parts that a new dataset has already: those of a deleted one come back with its pid."""
        recorded = self._plan.recorded_at_ms / 1000
        if created.at is not None and recorded >= 0 and created.at.timestamp() - recorded < FRESH_SECONDS:
            return None
        found = await self._reads.find_existing(self._plan)
        stored, warnings = found.stored, self._progress.warnings
        if stored.files.block_ids:
            warnings.append(_for_curator(f"blocks of a deleted dataset came back: {some(stored.files.block_ids)}"))
        if stored.attachment_ids:
            ids = ", ".join(sorted(stored.attachment_ids))
            warnings.append(_for_curator(f"attachments of a deleted dataset came back: {ids}"))
        self._take_in(found)
        return found

    def _take_in(self, found: Found) -> None:
        if self._progress.saw(found):
            self._traffic.moved(self._plan.pid)

    async def _make_way(self, found: Found) -> TryAgain | None:
        """Let others finish, claim the dataset, change what is to be changed; None when we may go on."""
        progress, remaining = self._progress, found.remaining
        now = self._clock.monotonic()
        wait = progress.wait_before_writing(found, now, self._clock.chance())
        if wait > 0:
            return self._wait(wait, "it lacks parts and was touched just now")
        if remaining.changes:
            return await self._change(found)
        if not remaining.parts or progress.has_lease(now):
            return None
        return await self._claim(found)

    async def _change(self, found: Found) -> TryAgain | None:
        sent_at = self._clock.monotonic()
        names = sorted(found.remaining.changes)
        match await self._writes.change(
            self._plan, found.remaining.changes, unmodified_since=_just_after(found.stored)
        ):
            case Verdict.MODIFIED:
                return self._wait(TAKE_TURNS_SECONDS, "somebody else changed it meanwhile")
            case Verdict.REFUSED:
                raise ForbiddenGroup(
                    f"our account may not change {', '.join(names)} of the dataset {self._plan.pid}",
                    hint="let the SciCat administrator add the account to the dataset's ownerGroup or to ADMIN_GROUPS",
                )
            case _:
                self._progress.wrote(sent_at)
                self._progress.updated = True
                return None

    async def _claim(self, found: Found) -> TryAgain | None:
        """Make sure that nobody else begins the same repair: its PATCH would come too late."""
        progress, stored = self._progress, found.stored
        totals = {"size": stored.files.size, "numberOfFiles": stored.files.number}
        group = str(self._plan.dataset.payload["ownerGroup"])
        sent_at = self._clock.monotonic()
        verdict = Verdict.REFUSED
        if group not in self._shared.not_ours_to_change:
            verdict = await self._writes.change(self._plan, totals, unmodified_since=_just_after(stored))
        match verdict:
            case Verdict.MODIFIED:
                return self._wait(TAKE_TURNS_SECONDS, "somebody else touched it meanwhile")
            case Verdict.REFUSED:
                self._shared.not_ours_to_change.add(group)
                if progress.drew_lots:
                    return None
                progress.drew_lots = True
                wait = progress.settle_seconds * self._clock.chance()
                return self._wait(wait, "our account cannot claim it, and somebody else may begin to repair it as well")
            case _:
                progress.wrote(sent_at)
                return None

    async def _post(self, remaining: Remaining) -> TryAgain | None:
        """Post what is missing: blocks one after another, because SciCat loses totals of concurrent ones."""
        progress = self._progress
        made = isinstance(remaining.blocks, tuple)
        steps: Iterator[Step] = chain(remaining.blocks, remaining.attachments)
        for number in range(remaining.parts):
            step = next(steps) if made else await anyio.to_thread.run_sync(next, steps)
            sent_at = self._clock.monotonic()
            if number and not progress.has_lease(sent_at):  # the first one: we have just looked
                return self._wait(0.0, "we were away for long")
            progress.writes(step)
            try:
                await self._post_one(step)
            except RecordFault:
                progress.refused()
                raise
            progress.wrote(sent_at)
        return None

    async def _post_one(self, step: Step) -> None:
        progress = self._progress
        match step:
            case PostOrigDatablock():
                progress.block_ids.append(await self._writes.add_block(self._plan, step))
            case PostAttachment():
                aid = await self._writes.add_attachment(self._plan, step, progress.warnings)
                if aid is not None:
                    progress.attachment_ids.append(aid)

    async def _verify(self) -> Found:
        found = await self._reads.find_existing(self._plan)
        if found.remaining.blocks:
            raise AmbiguousAnswer("blocks that SciCat acknowledged are not in the dataset")
        self._take_in(found)
        return found

    async def _mend_totals(self, stored: StoredDataset) -> None:
        if not totals_are_wrong(self._plan, stored):
            return
        totals = {"size": stored.files.size, "numberOfFiles": stored.files.number}
        if await self._writes.change(self._plan, totals) is Verdict.REFUSED:
            self._progress.warnings.append(
                _for_curator(
                    f"SciCat's totals should be size {stored.files.size}, numberOfFiles {stored.files.number}, and "
                    "our account may not correct them"
                )
            )


def _for_curator(what: str) -> str:
    return f"needs_curator: {what}"


def _just_after(stored: StoredDataset) -> str | None:
    """Give a time for If-Unmodified-Since: SciCat wants it to be later than `updatedAt`."""
    text = stored.fields.get("updatedAt")
    if not isinstance(text, str):
        return None
    try:
        return write_time(parse_time(text) + timedelta(milliseconds=1))
    except (ValueError, OverflowError):
        return None


def _delivered(plan: Plan, progress: Progress) -> Delivered:
    blocks, attachments = len(progress.block_ids), len(progress.attachment_ids)
    verdict: DatasetVerdict = "completed" if blocks or attachments else "already_present"
    if progress.created or progress.updated:
        verdict = "created" if progress.created else "updated"
    return Delivered(
        verdict=verdict,
        blocks_created=blocks,
        blocks_found=max(len(plan.blocks) - blocks, 0),
        attachments_created=attachments,
        attachments_found=max(len(plan.attachments) - attachments, 0),
        block_ids=tuple(progress.block_ids),
        attachment_ids=tuple(progress.attachment_ids),
        attempts=progress.attempts,
        warnings=(*dict.fromkeys(progress.warnings), *(_for_curator(doubt) for doubt in progress.doubts)),
        drift=progress.drift,
    )


def _existing(plan: Plan, progress: Progress, other: str) -> Delivered:
    return Delivered(
        verdict="already_present",
        blocks_created=0,
        blocks_found=len(plan.blocks),
        attachments_created=0,
        attachments_found=len(plan.attachments),
        block_ids=(),
        attachment_ids=(),
        attempts=progress.attempts,
        warnings=(f"exists_by: the dataset {other} is taken for this acquisition's; it was not looked into",),
        existing_pid=other,
    )
