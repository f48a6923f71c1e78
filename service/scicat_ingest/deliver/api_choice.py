"""Which API version each route uses: v4, or v3 where an account's rights or an older server need it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scicat_ingest.deliver.classify import Route

_LOG = logging.getLogger(__name__)

Version = Literal["v4", "v3"]


class ApiChoice:
    """Decides per route, once, and says so in the log."""

    def __init__(self, setting: Literal["auto", "v4", "v3"]) -> None:
        self._setting = setting
        self._fallen_back: set[Route] = set()

    def version(self, route: Route) -> Version:
        """Give the version to use now."""
        return "v3" if self._setting == "v3" or route in self._fallen_back else "v4"

    def fall_back(self, route: Route, reason: str) -> bool:
        """Use v3 for this route from now on. Tells whether v3 may be used at all."""
        if self._setting != "auto":
            return self._setting == "v3"
        if route not in self._fallen_back:
            self._fallen_back.add(route)
            _LOG.info(
                "%s: SciCat's v4 route is not for this account or server (%s); using v3, which does the same. "
                "scicat.api: v3 asks no more",
                route.name,
                reason,
            )
        return True
