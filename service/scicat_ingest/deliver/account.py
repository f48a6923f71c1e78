"""Is the catalogue there, and are we somebody there? Asked once at start."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scicat_ingest.deliver.backoff import delay_seconds
from scicat_ingest.deliver.transport_failure import classify_exception
from scicat_ingest.faults import CatalogueUnavailable, InvalidSettings, WrongEndpoint

if TYPE_CHECKING:
    from scicat_ingest.deliver.client import CatalogueClient
    from scicat_ingest.deliver.pace.traffic import Clock
    from scicat_ingest.settings import RetrySettings, ScicatSettings

_LOG = logging.getLogger(__name__)


async def check_account(
    client: CatalogueClient, scicat: ScicatSettings, retry: RetrySettings, clock: Clock
) -> list[str]:
    """Log in and give our groups; wait while SciCat is down.

    Raises CredentialsRejected, WrongEndpoint, or InvalidSettings for a read_back_group that is not ours.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            groups = await client.groups()
            break
        except CatalogueUnavailable as fault:
            if fault.__cause__ is not None and classify_exception(fault.__cause__).blames_configuration:
                raise WrongEndpoint(f"{scicat.url}: {fault.__cause__}") from None
            delay = delay_seconds(attempt, retry, clock.chance(), fault.retry_after)
            _LOG.warning("SciCat is not there yet, is it up? %s; next try in %.1f s", fault.message, delay)
            await clock.sleep(delay)
    if scicat.read_back_group is not None and scicat.read_back_group not in groups:
        ours = ", ".join(groups) or "none"
        raise InvalidSettings(f"scicat.read_back_group {scicat.read_back_group!r} is none of our groups ({ours})")
    return groups
