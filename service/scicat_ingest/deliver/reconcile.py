"""What is left to do for a plan, given what the catalogue has (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scicat_ingest.deliver.missing_blocks import find_missing_blocks, some
from scicat_ingest.deliver.stored import StoredDataset, read_stored
from scicat_ingest.deliver.stored_files import StoredFiles
from scicat_ingest.faults import DiffersFromCatalogue, PidTaken, StaleRevision
from scicat_ingest.mapping.metadata import PROVENANCE
from scicat_ingest.plan.same import METADATA, NOT_COMPARED, digest, read_written, same

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from scicat_ingest.deliver.api_choice import Version
    from scicat_ingest.plan.steps import Plan, PostAttachment, PostOrigDatablock
    from scicat_ingest.settings import OnConflict


@dataclass(frozen=True, slots=True)
class Remaining:
    """The steps whose results are not there yet."""

    blocks: Collection[PostOrigDatablock]
    attachments: tuple[PostAttachment, ...]
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the dataset to PATCH."""

    @property
    def parts(self) -> int:
        """How many blocks and attachments are missing."""
        return len(self.blocks) + len(self.attachments)

    @property
    def nothing(self) -> bool:
        """Whether everything is there."""
        return not self.parts and not self.changes


@dataclass(frozen=True, slots=True)
class Found:
    """A plan's dataset as the catalogue has it."""

    stored: StoredDataset
    remaining: Remaining
    drift: tuple[str, ...]
    """How it differs from the plan, and is left alone: a curator may have had reasons."""
    doubts: tuple[str, ...]
    """What only a curator can put right."""
    copies: bool
    """Whether files are listed more than once."""


def compare(  # noqa: PLR0917 (a thread gets its arguments by position)
    plan: Plan,
    document: Mapping[str, Any],
    server_time: datetime | None,
    version: Version = "v4",
    on_conflict: OnConflict = "keep",
    files: StoredFiles | None = None,
) -> Found:
    """Say what a GET of the plan's dataset has found; `files` are those of blocks that were read apart from it.

    Raises PidTaken if it is not this acquisition's, StaleRevision if the catalogue has a later one,
    DiffersFromCatalogue if that is to be a dead letter.
    """
    stored = read_stored(document, server_time, version, StoredFiles(plan.digests) if files is None else files)
    _refuse_foreign(plan, stored)
    differing = _differing(plan, stored)
    changes, drift = _changes(plan, stored, differing, on_conflict)
    if on_conflict == "dead_letter" and drift:
        raise DiffersFromCatalogue(f"the dataset {plan.pid} is there and differs in {', '.join(differing)}")
    blocks = find_missing_blocks(plan, stored.files)
    attachments = tuple(
        attachment
        for attachment in plan.attachments
        if attachment.aid not in stored.attachment_ids and attachment.key not in stored.attachment_keys
    )
    if plan.files_complete and blocks.unknown_paths:
        drift = (*drift, f"files: {some(sorted(blocks.unknown_paths))} not of this event")
    return Found(stored, Remaining(blocks.missing, attachments, changes), drift, blocks.doubts, blocks.copies)


def totals_are_wrong(plan: Plan, stored: StoredDataset) -> bool:
    """Tell whether SciCat's own sums differ from its blocks: it computes them from the first 10 or 100 only."""
    if not plan.blocks:
        return False
    given = (stored.fields.get("size"), stored.fields.get("numberOfFiles"))
    return given != (stored.files.size, stored.files.number)


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


def _differing(plan: Plan, stored: StoredDataset) -> list[str]:
    return [
        name
        for name, value in plan.dataset.payload.items()
        if name not in NOT_COMPARED and not same(name, value, stored.fields.get(name))
    ]


def _changes(
    plan: Plan, stored: StoredDataset, differing: list[str], on_conflict: OnConflict
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give the fields to PATCH, and those that differ and are left alone.

    Only what is still as we wrote it may be changed; what we wrote last is put down in our entry of the metadata.
    """
    revision = stored.revision
    if revision is not None and plan.revision < revision:
        raise StaleRevision(f"the catalogue has revision {revision}, this is {plan.revision}", field="revision")
    newer = revision is not None and plan.revision > revision
    if not newer and (on_conflict != "update" or not differing):
        return {}, tuple(differing)
    before = read_written(stored.provenance.get("written"))
    ours = [name for name in differing if before.get(name, _ABSENT) == _digest_of(name, stored)]
    kept = tuple(name for name in differing if name not in ours)
    if not ours and not newer:
        return {}, kept
    changes = {name: plan.dataset.payload[name] for name in ours if name != "type"}
    return changes | _new_metadata(plan, stored, before, kept), kept


_ABSENT = "absent"
"""Stands for a field that we did not write and that nobody else has set."""


def _digest_of(name: str, stored: StoredDataset) -> str:
    value = stored.fields.get(name)
    return _ABSENT if value in (None, "", [], {}) else digest(name, value)


def _new_metadata(
    plan: Plan, stored: StoredDataset, before: Mapping[str, str], kept: tuple[str, ...]
) -> dict[str, Any]:
    """Give the metadata with our entry of this revision; what is kept is still named as it was written."""
    new = plan.dataset.payload.get(METADATA) or {}
    entry = new.get(PROVENANCE)
    if entry is None:
        return {}
    digests = read_written(entry.get("written"))
    for name in kept:
        digests.pop(name, None)
    digests |= {name: before[name] for name in kept if name in before}
    there = stored.fields.get(METADATA)
    rest = there if METADATA in kept and isinstance(there, dict) else new
    sound = {name: value for name, value in rest.items() if name and value is not None}  # else SciCat falls ill
    text = " ".join(f"{name}:{value}" for name, value in digests.items())
    return {METADATA: {**sound, PROVENANCE: entry | {"written": text}}}
