"""What a letter's dataset would be, against what SciCat has. Read-only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from scicat_ingest.plan.same import METADATA, NOT_COMPARED, same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scicat_ingest.deliver.reconcile import Found
    from scicat_ingest.plan.steps import Plan


class Finds(Protocol):
    """What is needed of CatalogueReads."""

    async def find(self, plan: Plan) -> Found | None:
        """Read the plan's dataset; None if it is not there."""
        ...


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field that is not the same; None stands for a value that is not there."""

    field: str
    there: Any
    here: Any
    would_change: bool = False
    """Whether it would be written; else it is left alone, because somebody else has set what is there."""


@dataclass(frozen=True, slots=True)
class AgainstCatalogue:
    """A dataset that is there, and what would be different."""

    fields: tuple[FieldDifference, ...]
    missing_blocks: int
    missing_attachments: int
    remarks: tuple[str, ...]
    """What differs and would be left alone, and what only a curator can put right."""

    @property
    def nothing(self) -> bool:
        """Whether it is all there and the same."""
        return not (self.fields or self.missing_blocks or self.missing_attachments or self.remarks)


async def compare_with_catalogue(plan: Plan, finds: Finds) -> AgainstCatalogue | None:
    """Say how the dataset in SciCat differs from the plan; None if there is none.

    What would be written depends on the `scicat.on_conflict` that `finds` goes by.

    Raises PidTaken or StaleRevision if it is not to be touched, CatalogueFault, ConfigurationFault.
    """
    found = await finds.find(plan)
    if found is None:
        return None
    return AgainstCatalogue(
        fields=tuple(
            replace(each, would_change=each.field.partition(".")[0] in found.remaining.changes)
            for each in differing_fields(plan.dataset.payload, found.stored.fields)
        ),
        missing_blocks=len(found.remaining.blocks),
        missing_attachments=len(found.remaining.attachments),
        remarks=(*(said for said in found.drift if ": " in said), *found.doubts),
    )


def differing_fields(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[FieldDifference]:
    """Compare a payload with a dataset field by field; metadata quantity by quantity (pure)."""
    for name, value in here.items():
        stored = there.get(name)
        if name in NOT_COMPARED or same(name, value, stored):
            continue
        if name == METADATA and isinstance(value, dict) and isinstance(stored, dict):
            yield from _differing_metadata(value, stored)
        else:
            yield FieldDifference(name, stored, value)


def _differing_metadata(here: Mapping[str, Any], there: Mapping[str, Any]) -> Iterator[FieldDifference]:
    for key in dict.fromkeys((*here, *there)):
        if not same(METADATA, {key: here.get(key)}, {key: there.get(key)}):
            yield FieldDifference(f"{METADATA}.{key}", there.get(key), here.get(key))
