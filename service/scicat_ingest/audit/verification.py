"""Whether what was ingested is in SciCat now."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Protocol

import anyio

from scicat_ingest.audit.reckoning import State
from scicat_ingest.faults import CatalogueUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from scicat_ingest.audit.reckoning import Acquisition

AT_ONCE = 50
"""Datasets in one request: their pids stand in its address."""
TRIES = 5
TRY_AGAIN_SECONDS = 5.0

Totals = tuple[int, int]
"""Files and bytes of a dataset, by SciCat."""


class FindsTotals(Protocol):
    """What is needed of CatalogueReads."""

    async def find_totals(self, pids: Collection[str]) -> Mapping[str, Totals]:
        """Give the totals of datasets that are there, and ours to read."""
        ...


async def verify(
    acquisitions: Iterable[Acquisition], finds: FindsTotals, progress: Callable[[int], None] = lambda _: None
) -> dict[str, str]:
    """Say of each dataset that was ingested and is not whole in SciCat what is wrong, by pid.

    Raises CatalogueUnavailable, ConfigurationFault.
    """
    ingested = {each.pid: each for each in acquisitions if each.state in (State.INGESTED, State.PRESENT) and each.pid}
    wrong = {}
    for pids in _groups(ingested):
        there = await _find(finds, pids)
        for pid in pids:
            totals, wanted = there.get(pid), ingested[pid]
            if totals is None:
                wrong[pid] = "it is not there, or not ours to read"
            elif totals[0] < wanted.files or totals[1] < wanted.bytes:
                wrong[pid] = f"it has {totals[0]} files of {totals[1]} bytes, not {wanted.files} of {wanted.bytes}"
        progress(len(pids))
    return wrong


async def _find(finds: FindsTotals, pids: Collection[str]) -> Mapping[str, Totals]:
    for _ in range(TRIES - 1):
        try:
            return await finds.find_totals(pids)
        except CatalogueUnavailable:
            await anyio.sleep(TRY_AGAIN_SECONDS)
    return await finds.find_totals(pids)


def _groups(pids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(pids)
    while group := list(islice(rest, AT_ONCE)):
        yield group
