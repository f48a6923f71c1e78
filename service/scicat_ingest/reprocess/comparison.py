"""A catalogue that takes plans and only compares them with what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.deliver.delivered import Delivered, SoFar, TryAgain
from scicat_ingest.faults import CatalogueFault
from scicat_ingest.preview.difference import compare_with_catalogue

if TYPE_CHECKING:
    from scicat_ingest.engine.way import Catalogue as AnyCatalogue
    from scicat_ingest.engine.way import LooksUp
    from scicat_ingest.mapping.lookups import Wanted
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.preview.difference import AgainstCatalogue, Finds

TRY_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Compared(Delivered):
    """What the dataset would become; nothing was written."""

    against: AgainstCatalogue | None = None
    """None: there is no such dataset."""


class ComparingCatalogue:
    """Looks up as `catalogue` does, and compares instead of delivering. Obeys `engine.way.Catalogue`."""

    def __init__(self, catalogue: AnyCatalogue, finds: Finds) -> None:
        self._catalogue = catalogue
        self._finds = finds

    def begin(self, plan: Plan) -> _Comparing:
        """Begin a comparison."""
        return _Comparing(plan, self._finds)

    def look_up(self, pid: str, wanted: tuple[Wanted, ...]) -> LooksUp:
        """Look up what the record wants to know."""
        return self._catalogue.look_up(pid, wanted)

    def abort_started(self) -> None:
        """Give up the requests that are under way."""
        self._catalogue.abort_started()


class _Comparing:
    so_far = SoFar(0, False, (), ())  # noqa: FBT003 (nothing is ever done)

    def __init__(self, plan: Plan, finds: Finds) -> None:
        self._plan = plan
        self._finds = finds

    async def attempt(self) -> Compared | TryAgain:
        try:
            against = await compare_with_catalogue(self._plan, self._finds)
        except CatalogueFault as fault:
            return TryAgain(TRY_AGAIN_SECONDS, fault.message)
        return Compared("created" if against is None else "already_present", 0, 0, 0, 0, (), (), 1, (), against=against)
