"""What an event needs to know from the catalogue, and what that changes (pure). `deliver.lookups` asks.

Nothing here goes into the pid: it must be the same whatever the catalogue says, and when it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from scicat_ingest.faults import InvalidField
from scicat_ingest.mapping.pid import is_addressable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.rules import MappingRules

OWNER_GROUP = "lookup.proposal.ownerGroup"
"""What templates of groups may name besides the event's fields: never taken from the event, whatever it holds."""
ACCESS_GROUPS = "{lookup.proposal.accessGroups}"
"""As a whole template of mapping.access_groups: all groups that the proposal gives."""


class Kind(StrEnum):
    """What can be looked up; the name is that of the event's field and of the setting in `lookups`."""

    INSTRUMENT = "instrument"
    PROPOSAL = "proposal"
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to look up."""

    kind: Kind
    key: str
    """The name of an instrument, the id of a proposal or sample."""

    @property
    def field(self) -> str:
        """Where the event names it."""
        return "instrument.name" if self.kind is Kind.INSTRUMENT else f"{self.kind}.id"

    def __str__(self) -> str:
        """Name it in a message."""
        return f"the {self.kind} {self.key!r}"


@dataclass(frozen=True, slots=True)
class Instruments:
    """The instruments of one name; a name need not be unique in SciCat."""

    pids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a proposal says. Blank texts are left out."""

    principal_investigators: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    """The principal investigator's, then the proposer's."""
    owner_group: str | None = None
    access_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """It is there."""


Found = Instruments | Proposal | Sample


@dataclass(frozen=True, slots=True)
class LookedUp:
    """All that was found out for one event."""

    instruments: Instruments = Instruments(())
    proposal: Proposal = Proposal()
    missing: tuple[Wanted, ...] = ()
    """Was waited for in vain: the dataset is for the fallback group alone."""

    @property
    def names(self) -> Mapping[str, str]:
        """What templates of groups may use."""
        return {} if self.proposal.owner_group is None else {OWNER_GROUP: self.proposal.owner_group}

    @property
    def warnings(self) -> list[str]:
        """What the outcome tells about it."""
        if len(self.instruments.pids) < 2:
            return []
        pids = ", ".join(self.instruments.pids)
        return [f"instrument.name: SciCat has several instruments of that name ({pids}); none was chosen"]


NOTHING_LOOKED_UP = LookedUp()


def what_to_look_up(event: AcquisitionCompleted, rules: MappingRules) -> tuple[Wanted, ...]:
    """Say what the rules want to know about this event; nothing for one that will not be ingested.

    Raises InvalidField for an id that cannot be asked for.
    """
    if rules.policy_for(event.status) != "ingest":
        return ()
    keys = {
        Kind.INSTRUMENT: _name_without_id(event),
        Kind.PROPOSAL: event.proposal and event.proposal.id,
        Kind.SAMPLE: event.sample and event.sample.id,
    }
    found = [
        Wanted(kind, key) for kind, key in keys.items() if rules.lookups.kinds[kind] == "on" and key and key.strip()
    ]
    for wanted in found:
        if wanted.kind is not Kind.INSTRUMENT and not is_addressable(wanted.key):
            raise InvalidField("expected an id that can stand in a URL, to look it up in SciCat", field=wanted.field)
    return tuple(found)


def looked_up_from(found: Iterable[Found], missing: tuple[Wanted, ...]) -> LookedUp:
    """Collect what was found for one event."""
    instruments, proposal = Instruments(()), Proposal()
    for each in found:
        match each:
            case Instruments():
                instruments = each
            case Proposal():
                proposal = each
            case Sample():
                pass
    return LookedUp(instruments, proposal, missing)


def instrument_ids(event: AcquisitionCompleted, looked_up: LookedUp) -> list[str]:
    """Give the event's own id, else the one that its name has in SciCat, if it is only one."""
    own = event.instrument and event.instrument.id
    if own and own.strip():
        return [own]
    return list(looked_up.instruments.pids) if len(looked_up.instruments.pids) == 1 else []


def principal_investigators(event: AcquisitionCompleted, looked_up: LookedUp) -> list[str]:
    """Give those that the event names, else the proposal's."""
    named = (event.proposal.principalInvestigators if event.proposal else None) or []
    return [name for name in named if name and name.strip()] or list(looked_up.proposal.principal_investigators)


def _name_without_id(event: AcquisitionCompleted) -> str | None:
    """Give instrument.name where nothing in the event says the pid."""
    instrument = event.instrument
    given = (event.dataset or {}).get("instrumentIds")
    if instrument is None or given or (instrument.id and instrument.id.strip()):
        return None
    return instrument.name
