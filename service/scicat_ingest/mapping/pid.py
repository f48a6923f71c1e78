"""The pid rule: one acquisition gives one pid, in every wire form and at every repeat."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from scicat_ingest.faults import ForbiddenBySource, InvalidField

if TYPE_CHECKING:
    from scicat_ingest.decode.event import AcquisitionCompleted, AcquisitionReference
    from scicat_ingest.mapping.rules import MappingRules

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def canonical_json(*parts: str | None) -> str:
    """Write an array of strings as RFC 8785 does: no spaces, UTF-8 unescaped."""
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def derive_pid(prefix: str, namespace: UUID, instrument: str | None, acquisition_id: str) -> str:
    """Derive the pid `prefix/uuid`.

    The uuid is the acquisitionId if that is one (in lower case), else UUIDv5(namespace, [instrument, acquisitionId] as
    canonical JSON). Neither path, host, topic, time nor wire format goes into it.
    """
    if _UUID.fullmatch(acquisition_id):
        return f"{prefix}/{acquisition_id.lower()}"
    return f"{prefix}/{uuid5(namespace, canonical_json(instrument, acquisition_id))}"


def choose_pid(event: AcquisitionCompleted, rules: MappingRules) -> str:
    """Give the event's pid: its own, if its source may set it, else the derived one.

    Raises ForbiddenBySource for a pid outside the source's prefix, InvalidField for one that cannot be addressed.
    """
    field, given = "pid", event.pid
    if event.dataset and event.dataset.get("pid") is not None:
        field, given = "dataset.pid", event.dataset["pid"]
    if given is None:
        instrument = instrument_name(event)
        return derive_pid(rules.pid_prefix, rules.mapping.namespace, instrument, event.acquisitionId)
    if not isinstance(given, str) or given.strip() in ("", ".", ".."):
        raise InvalidField("expected a pid that can stand in a URL", field=field)
    inside = given.startswith(f"{rules.pid_prefix}/") and len(given) > len(rules.pid_prefix) + 1
    if not inside and "pid" not in rules.source.may_set:
        raise ForbiddenBySource(f"this source may only set pids that begin with {rules.pid_prefix}/", field=field)
    return given


def resolve_input(given: str | AcquisitionReference, rules: MappingRules) -> str:
    """Give the pid of an input dataset; producers cannot know a derived one."""
    if isinstance(given, str):
        return given
    return derive_pid(rules.pid_prefix, rules.mapping.namespace, given.instrument, given.acquisitionId)


def instrument_name(event: AcquisitionCompleted) -> str | None:
    """Give instrument.id, else instrument.name."""
    if event.instrument is None:
        return None
    return event.instrument.id or event.instrument.name
