"""Is SciCat there? Asked after a failure, and again and again while the circuit is open."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scicat_ingest.deliver.classify import Health, Route, Verdict
from scicat_ingest.faults import CatalogueFault, CatalogueUnavailable, ConfigurationFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.deliver.api_choice import ApiChoice
    from scicat_ingest.deliver.client import CatalogueClient
    from scicat_ingest.deliver.pace.traffic import Clock, Traffic

_LOG = logging.getLogger(__name__)

LOOKS = 2
"""How often a silent server is asked: one lost answer proves nothing."""
_ONE_DATASET = {"limits": {"limit": 1}, "fields": ["pid"]}


class Probe:
    """Asks for health, identity and, to be sure, for a dataset: reads need the database, health may be out of date."""

    def __init__(self, client: CatalogueClient, api: ApiChoice, traffic: Traffic, clock: Clock) -> None:
        self._client = client
        self._api = api
        self._traffic = traffic
        self._clock = clock

    async def look(self) -> Health:
        """Tell whether SciCat is healthy and knows us. Raises CredentialsRejected if it is, and does not."""
        knew_us = self._traffic.was_good_lately
        for _ in range(LOOKS):
            health = await self._client.health()
            if health is Health.UP and not knew_us:
                health = await self._knows_us()
            if health is not Health.SILENT:
                return health
        return Health.SILENT

    async def _knows_us(self) -> Health:
        try:
            await self._client.groups()
        except CatalogueUnavailable as fault:
            return Health.DOWN if fault.certain else Health.SILENT
        return Health.UP

    async def tend(self, changed: Callable[[], None]) -> None:
        """Whenever the circuit opens, probe until it may be tried again; say `changed` then. Runs for ever."""
        while True:
            await self._traffic.until_open()
            await self._clock.sleep(self._traffic.probe_delay)
            await self._probe()
            if not self._traffic.is_open:
                changed()

    async def _probe(self) -> None:
        try:
            good = await self.look() is Health.UP and await self._can_read()
        except CatalogueFault:
            good = False
        except ConfigurationFault as fault:
            _LOG.warning("SciCat is up, but: %s", fault)
            good = True  # the next record meets the same fault, and halts
        self._traffic.probed(good=good)

    async def _can_read(self) -> bool:
        _, verdict = await self._client.find_datasets(self._api.version(Route.READ), _ONE_DATASET)
        return verdict is Verdict.DONE
