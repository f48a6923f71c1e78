"""What is left to do for a plan, given what the catalogue has (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.deliver.stored import StoredDataset, read_stored
from scicat_ingest.faults import NotSupported, PidTaken, StaleRevision

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from scicat_ingest.plan.steps import Plan, PostAttachment, PostOrigDatablock


@dataclass(frozen=True, slots=True)
class Remaining:
    """The steps whose results are not there yet."""

    blocks: tuple[PostOrigDatablock, ...]
    attachments: tuple[PostAttachment, ...]

    @property
    def nothing(self) -> bool:
        """Whether everything is there."""
        return not self.blocks and not self.attachments


@dataclass(frozen=True, slots=True)
class Found:
    """A plan's dataset as the catalogue has it."""

    stored: StoredDataset
    remaining: Remaining


def compare(plan: Plan, document: Mapping[str, Any], server_time: datetime | None) -> Found:
    """Say what a GET of the plan's dataset has found. Raises as `find_remaining`."""
    stored = read_stored(document, server_time)
    return Found(stored, find_remaining(plan, stored))


def find_remaining(plan: Plan, stored: StoredDataset) -> Remaining:
    """Compare file by file, so that a dataset whose blocks were split otherwise is not given its files twice.

    Raises PidTaken if the dataset is not this acquisition's, StaleRevision if the catalogue has a later one.
    """
    _refuse_foreign(plan, stored)
    _refuse_other_revision(plan, stored)
    blocks = []
    for block in plan.blocks:
        missing = block.files - stored.files
        if missing:
            blocks.append(block if missing == block.files else block.only(missing))
    attachments = tuple(
        attachment
        for attachment in plan.attachments
        if attachment.aid not in stored.attachment_ids and attachment.key not in stored.attachment_keys
    )
    return Remaining(tuple(blocks), attachments)


def totals_are_wrong(plan: Plan, stored: StoredDataset) -> bool:
    """Tell whether SciCat's own sums differ from its blocks: it computes them from the first 10 or 100 only."""
    if not plan.blocks:
        return False
    given = (stored.fields.get("size"), stored.fields.get("numberOfFiles"))
    return given != (stored.size, stored.number_of_files)


def _refuse_foreign(plan: Plan, stored: StoredDataset) -> None:
    theirs = stored.provenance.get("acquisitionId")
    if theirs is not None:
        if theirs != plan.acquisition_id:
            raise PidTaken(f"the dataset {plan.pid} is of acquisition {theirs!r}", field="pid")
        return
    for name in ("type", "sourceFolder", "ownerGroup"):
        ours, there = plan.dataset.payload[name], stored.fields.get(name)
        if ours != there:
            raise PidTaken(f"the dataset {plan.pid} is another one: its {name} is {there!r}, not {ours!r}", field="pid")


def _refuse_other_revision(plan: Plan, stored: StoredDataset) -> None:
    revision = stored.provenance.get("revision")
    if not isinstance(revision, int):
        return
    if plan.revision < revision:
        raise StaleRevision(f"the catalogue has revision {revision}, this is {plan.revision}", field="revision")
    if plan.revision > revision:
        raise NotSupported(
            f"the catalogue has revision {revision}; this release cannot update a dataset", field="revision"
        )
