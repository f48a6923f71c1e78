"""Settings of how an event becomes a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from scicat_ingest.settings.values import Group, GroupName, PidPrefix, StatusPolicy, Switch, existing_zone

if TYPE_CHECKING:
    from datetime import tzinfo


class StatusPolicies(Group):
    """What becomes of an acquisition that did not complete."""

    aborted: StatusPolicy = "ingest"
    failed: StatusPolicy = "dead_letter"
    cancelled: StatusPolicy = "ignore"


class MappingSettings(Group):
    """How an event becomes a dataset.

    Templates name event fields, with alternatives: `p{proposal.id}`, `{instrument.id|instrument.name}`. One that names
    a field which the event does not have gives nothing.
    """

    pid_prefix: PidPrefix = Field(description="no default: your facility's prefix, such as 20.500.12345")
    namespace: UUID = Field(description="no default: a UUID of your own, never changed, that pids are derived from")
    owner_group: str = Field(default="{proposal.id}", description="template of ownerGroup")
    fallback_owner_group: GroupName = Field(
        description="no default: a restricted group, ownerGroup of events whose template does not resolve"
    )
    access_groups: tuple[str, ...] = Field(default=(), description="templates of accessGroups")
    instrument_group: str | None = Field(default=None, description="template of instrumentGroup")
    creation_location: str = Field(
        default="{instrument.location|instrument.name|instrument.id}", description="template of creationLocation"
    )
    owner: str | None = Field(default=None, description="owner of events that name none")
    contact_email: str | None = Field(default=None, description="contactEmail of events that name none")
    timezone: Annotated[str, AfterValidator(existing_zone)] | None = Field(
        default=None, description="IANA zone of times without offset; default: such times are refused"
    )
    provenance: bool = Field(default=True, description="write scientificMetadata.ingest, to know our own datasets")
    on_status: StatusPolicies = StatusPolicies()
    folder: Path | None = Field(default=None, description="folder of mapping files (*.yaml), for foreign formats")
    shipped: tuple[str, ...] = Field(
        default=(), description="names of mapping files that come with the service: docs/mapping-files.md"
    )
    reload: Switch = Field(
        default="off", description="on: take a changed mapping file while running, if its golden examples pass"
    )
    unknown_fields: Literal["warn", "reject"] = Field(
        default="warn", description="names close to a known one are always refused"
    )

    @property
    def zone(self) -> tzinfo | None:
        """The zone of times without offset."""
        return ZoneInfo(self.timezone) if self.timezone else None
