"""The look-ups of one record, attempt by attempt: until all is found, or was waited for long enough."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scicat_ingest.deliver.backoff import delay_seconds
from scicat_ingest.deliver.classify import Health
from scicat_ingest.deliver.delivered import TryAgain
from scicat_ingest.deliver.questions import NotThere
from scicat_ingest.faults import CatalogueUnavailable, DependencyMissing, RejectedByCatalogue
from scicat_ingest.mapping.lookups import looked_up_from

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.deliver.delivery import Parts
    from scicat_ingest.deliver.lookups import Lookups
    from scicat_ingest.mapping.lookups import LookedUp, Wanted

_LOG = logging.getLogger(__name__)


class LookingUp:
    """What one record wants to know. It never waits: who calls `attempt` does, and holds no place meanwhile."""

    def __init__(self, pid: str, wanted: tuple[Wanted, ...], lookups: Lookups, parts: Parts) -> None:
        self._pid = pid
        self._wanted = wanted
        self._lookups = lookups
        self._policy = parts.settings.lookups
        self._retry = parts.settings.retry
        self._traffic = parts.traffic
        self._probe = parts.probe
        self._clock = parts.clock
        self._looks = 0
        self._waited = 0.0
        """Seconds for which something was not there, by this record's own count: waits, and the attempts between."""
        self._failures = 0
        self._failed_for = 0.0

    async def attempt(self) -> LookedUp | TryAgain:
        """Look for everything once.

        Nothing is requested for what is known. Raises DependencyMissing when something was waited for long enough and
        the policy is `dead_letter`, another RecordFault for what SciCat will never answer, or ConfigurationFault.
        Cancellation takes effect between two requests; it may be called again after one, and after a fault.
        """
        began = self._clock.monotonic()
        opened_before = self._traffic.numbers.circuit_opened
        try:
            answers = {wanted: await self._lookups.find(wanted) for wanted in self._wanted}
        except CatalogueUnavailable as fault:
            return await self._judge_failure(fault, began, opened_before)
        self._failures, self._failed_for = 0, 0.0
        missing = {wanted: answer.why for wanted, answer in answers.items() if isinstance(answer, NotThere)}
        if missing and (wait := self._wait_for(missing, began)) is not None:
            return wait
        return looked_up_from(
            (answer for answer in answers.values() if not isinstance(answer, NotThere)), tuple(missing)
        )

    def _wait_for(self, missing: Mapping[Wanted, str], began: float) -> TryAgain | None:
        """Say when to look again; None when it is time to go on without. Raises DependencyMissing."""
        self._looks += 1
        self._waited += self._clock.monotonic() - began
        why = ", ".join(f"{wanted} {reason}" for wanted, reason in missing.items())
        left = self._policy.wait_seconds - self._waited
        if left > 0:
            delay = min(delay_seconds(self._looks, self._retry, self._clock.chance()), left)
            self._waited += delay
            _LOG.info("%s: %s; looking again in %.1f s, for %.0f s at most", self._pid, why, delay, left)
            return TryAgain(delay, why)
        if self._policy.on_missing == "dead_letter":
            raise DependencyMissing(f"{why}; waited {self._waited:.0f} s for it", field=next(iter(missing)).field)
        _LOG.warning(
            "%s: %s; waited %.0f s for it, going on without; `scicat-ingest reprocess` when it is there",
            self._pid,
            why,
            self._waited,
        )
        return None

    async def _judge_failure(self, fault: CatalogueUnavailable, began: float, opened_before: int) -> TryAgain:
        """Say when to try again. Raises RejectedByCatalogue when it failed for long while SciCat is up."""
        traffic = self._traffic
        self._failures += 1
        if fault.retry_after is None and not traffic.is_open and not traffic.is_cooling:
            answered = fault.status is not None and traffic.was_good_lately
            health = Health.UP if answered else await self._probe.look()
            traffic.failed(self._pid, opened_before, health, wrote=False)
            if health is Health.UP and self._failed_for > self._retry.max_age_seconds:
                why = f"looking up failed for {self._failed_for:.0f} s while SciCat is up, the last time: "
                raise RejectedByCatalogue(why + fault.message) from fault
        if not traffic.closed:
            return TryAgain(self._retry.first_delay_seconds, fault.message)
        delay = delay_seconds(self._failures, self._retry, self._clock.chance(), fault.retry_after)
        self._failed_for += self._clock.monotonic() - began + delay
        _LOG.info("%s: %s; next look-up in %.1f s", self._pid, fault.message, delay)
        return TryAgain(delay, fault.message)
