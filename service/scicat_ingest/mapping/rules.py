"""What the mapping of one source goes by, checked once at start."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from scicat_ingest import __version__
from scicat_ingest.catalogue.text_rules import is_email
from scicat_ingest.decode.formats import formats_for
from scicat_ingest.faults import InvalidSettings
from scicat_ingest.mapping.lookups import ACCESS_GROUPS, OWNER_GROUP
from scicat_ingest.mapping.template import check_template
from scicat_ingest.settings import Protected
from scicat_ingest.translate.mappings import NO_MAPPINGS

if TYPE_CHECKING:
    from scicat_ingest.decode.decoded import Decoded
    from scicat_ingest.decode.document import Format
    from scicat_ingest.settings import (
        FilesSettings,
        LimitsSettings,
        LintSettings,
        LookupsSettings,
        MappingSettings,
        Settings,
        SourceSettings,
        StatusPolicy,
    )
    from scicat_ingest.translate.mappings import Mappings

PRODUCED_BY = f"scicat-ingest/{__version__}"


@dataclass(frozen=True, slots=True)
class MappingRules:
    """The settings that shape a source's datasets."""

    source: SourceSettings
    mapping: MappingSettings
    lookups: LookupsSettings
    limits: LimitsSettings
    lint: LintSettings
    max_body_bytes: int
    read_back_group: str | None
    files: FilesSettings
    formats: tuple[Format, ...]
    """What the records of this source may be."""
    mappings: Mappings
    """The mapping files."""
    digest: str
    """SHA-256 of these settings, first 16 hexadecimal digits: tells which mapping made a dataset."""

    @property
    def pid_prefix(self) -> str:
        """The prefix of this source's pids, without slash."""
        return self.source.pid_prefix or self.mapping.pid_prefix

    @property
    def trusting(self) -> MappingRules:
        """The same rules for what a mapping file has made: it is ours, and may set every field."""
        return replace(self, source=self.source.model_copy(update={"may_set": frozenset(get_args(Protected))}))

    def digest_for(self, decoded: Decoded) -> str:
        """Tell these settings, with the mapping file that was used, from all others."""
        file = decoded.mapped_by.digest
        return hashlib.sha256(f"{self.digest} {file}".encode()).hexdigest()[:16] if file else self.digest

    def policy_for(self, status: str) -> StatusPolicy:
        """Say what becomes of an acquisition that ended like this."""
        if status == "completed":
            return "ingest"
        policy: StatusPolicy = getattr(self.mapping.on_status, status)
        return policy


def rules_for(source: SourceSettings, settings: Settings, mappings: Mappings = NO_MAPPINGS) -> MappingRules:
    """Collect and check the rules of a source.

    Raises InvalidSettings for a template or default that cannot work, ExtraMissing for a format that is not installed.
    """
    mapping = settings.mapping
    looked_up = (OWNER_GROUP,) if settings.lookups.proposal == "on" else ()
    check_template(mapping.owner_group, "mapping.owner_group", looked_up)
    check_template(mapping.creation_location, "mapping.creation_location")
    if mapping.instrument_group is not None:
        check_template(mapping.instrument_group, "mapping.instrument_group", looked_up)
    for template in mapping.access_groups:
        if template != ACCESS_GROUPS or not looked_up:
            check_template(template, "mapping.access_groups", looked_up)
    for template in source.roots:
        check_template(template, "sources.roots")
    if mapping.contact_email is not None and not is_email(mapping.contact_email):
        raise InvalidSettings("mapping.contact_email: SciCat does not take this as an e-mail address")
    return MappingRules(
        source=source,
        mapping=mapping,
        lookups=settings.lookups,
        limits=settings.limits,
        lint=settings.lint,
        max_body_bytes=settings.scicat.max_body_bytes,
        read_back_group=settings.scicat.read_back_group,
        files=settings.files,
        formats=formats_for(source),
        mappings=mappings,
        digest=_digest(source, settings),
    )


def _digest(source: SourceSettings, settings: Settings) -> str:
    groups = {"source": source, "mapping": settings.mapping, "lint": settings.lint}
    digested = {name: group.model_dump(mode="json") for name, group in groups.items()}
    lookups = settings.lookups
    if "on" in lookups.kinds.values():
        digested["lookups"] = {**lookups.kinds, "on_missing": lookups.on_missing}
    for name in ("may_set", "instruments", "formats"):  # sets, in no order
        digested["source"][name] = sorted(digested["source"][name] or ())
    return hashlib.sha256(json.dumps(digested, sort_keys=True).encode()).hexdigest()[:16]
