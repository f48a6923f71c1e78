"""SciCat as the service uses it: one account, one traffic, many deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scicat_ingest.deliver.api_choice import ApiChoice
from scicat_ingest.deliver.attempt import Tell, tell_nobody
from scicat_ingest.deliver.client import CatalogueClient
from scicat_ingest.deliver.credentials import credentials_from
from scicat_ingest.deliver.delivery import Delivery, Parts, Shared
from scicat_ingest.deliver.looking_up import LookingUp
from scicat_ingest.deliver.lookups import Lookups
from scicat_ingest.deliver.pace.traffic import Traffic
from scicat_ingest.deliver.probe import Probe
from scicat_ingest.deliver.questions import Questions
from scicat_ingest.deliver.reads import CatalogueReads
from scicat_ingest.deliver.writes import CatalogueWrites

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable

    from scicat_ingest.deliver.credentials import Renewals
    from scicat_ingest.deliver.pace.traffic import Clock, Numbers
    from scicat_ingest.deliver.wire import Wire
    from scicat_ingest.mapping.lookups import Wanted
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.settings import Settings


class Deliveries:
    """Begins deliveries, and says how many may be under way (`engine.ports.Admits`).

    A plan may be delivered again at any time: nothing is ever stored twice or deleted.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._lookups = Lookups(Questions(parts.client).ask, parts.settings.lookups, parts.clock)
        self._shared = Shared()

    @classmethod
    def over(cls, wire: Wire, settings: Settings, clock: Clock, tell: Tell = tell_nobody) -> Self:
        """Join all that is between a plan and what carries requests; `tell` learns of each.

        Raises InvalidSettings, CredentialsRejected.
        """
        scicat = settings.scicat
        traffic = Traffic(settings.limits, clock)
        most = settings.limits.max_concurrency
        client = CatalogueClient(wire, scicat, traffic, clock, max_concurrency=most, tell=tell)
        client.use(credentials_from(scicat, client.login, clock.monotonic))
        api = ApiChoice(scicat.api)
        return cls(
            Parts(
                client=client,
                reads=CatalogueReads(client, api, scicat),
                writes=CatalogueWrites(client, api),
                traffic=traffic,
                probe=Probe(client, api, traffic, clock),
                settings=settings,
                clock=clock,
            )
        )

    def begin(self, plan: Plan) -> Delivery:
        """Give the delivery of this plan. Nothing is requested yet; may be called in any thread."""
        return Delivery(plan, self.parts, self._shared)

    def look_up(self, pid: str, wanted: tuple[Wanted, ...]) -> LookingUp:
        """Give the look-ups of a record, which is to become this pid. As `begin`."""
        return LookingUp(pid, wanted, self._lookups, self.parts)

    def abort_started(self) -> None:
        """Let cancellations interrupt requests that are under way: a hard stop. See CatalogueClient."""
        self.parts.client.abort_started()

    @property
    def places(self) -> int:
        """How many records may be under way; 0 while the catalogue is away."""
        return self.parts.traffic.places

    @property
    def isolated(self) -> Container[Hashable]:
        """The pids of records that must be under way alone."""
        return self.parts.traffic.isolated

    @property
    def trying(self) -> bool:
        """Whether others than those should go first."""
        return self.parts.traffic.trying

    @property
    def numbers(self) -> Numbers:
        """Where the traffic stands."""
        return self.parts.traffic.numbers

    @property
    def requests_under_way(self) -> int:
        """How many requests wait for their answers now."""
        return self.parts.client.under_way

    @property
    def token(self) -> Renewals:
        """How it went with logging in."""
        return self.parts.client.token

    def take_share(self, share: float) -> None:
        """Send this share of what all replicas together may send."""
        self.parts.traffic.take_share(share)

    async def tend(self, changed: Callable[[], None]) -> None:
        """Probe while the catalogue is away; call `changed` when it may be tried again. Runs for ever."""
        await self.parts.probe.tend(changed)
