"""The pid rule: one acquisition gives one pid, in every wire form and at every repeat."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic_core import to_json

from scicat_ingest.faults import ForbiddenBySource, InvalidField

if TYPE_CHECKING:
    from scicat_ingest.decode.event import AcquisitionCompleted, AcquisitionReference
    from scicat_ingest.mapping.rules import MappingRules

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def canonical_json(*parts: str | int | None) -> bytes:
    """Write an array of strings and integers as RFC 8785 does: no spaces, UTF-8 unescaped."""
    return to_json(parts)


def derive_uuid(namespace: UUID, *parts: str | int | None) -> str:
    """Give the UUIDv5 (RFC 9562, section 5.5) of parts, written as canonical JSON."""
    hashed = hashlib.sha1(namespace.bytes, usedforsecurity=False)
    hashed.update(canonical_json(*parts))
    return str(UUID(bytes=hashed.digest()[:16], version=5))


@lru_cache(64)  # the lane asks for it, then the dataset
def derive_pid(prefix: str, namespace: UUID, instrument: str | None, acquisition_id: str) -> str:
    """Derive the pid `prefix/uuid`.

    The uuid is the acquisitionId if that is one (in lower case), else UUIDv5(namespace, [instrument, acquisitionId] as
    canonical JSON). Neither path, host, topic, time nor wire format goes into it. A blank instrument is none.
    """
    if _UUID.fullmatch(acquisition_id):
        return f"{prefix}/{acquisition_id.lower()}"
    if instrument is not None and not instrument.strip():
        instrument = None
    return f"{prefix}/{derive_uuid(namespace, instrument, acquisition_id)}"


def choose_pid(event: AcquisitionCompleted, rules: MappingRules) -> str:
    """Give the event's pid: its own, if its source may set it, else the derived one.

    Raises ForbiddenBySource for a pid outside the source's prefix, InvalidField for one that cannot be addressed.
    """
    wishes = [("dataset.pid", (event.dataset or {}).get("pid")), ("pid", event.pid)]
    given = [(field, pid) for field, pid in wishes if pid is not None]
    for field, pid in given:  # also of one that loses: a breach is never dropped in silence
        _refuse_bad_pid(pid, field, rules)
    if given:
        return str(given[0][1])
    return derive_pid(rules.pid_prefix, rules.mapping.namespace, instrument_name(event), event.acquisitionId)


def _refuse_bad_pid(pid: Any, field: str, rules: MappingRules) -> None:
    if not isinstance(pid, str) or not is_addressable(pid):
        raise InvalidField(
            "expected a pid that can stand in a URL: visible text, no control characters, no part `.` or `..`",
            field=field,
        )
    prefix = f"{rules.pid_prefix}/"
    inside = pid.startswith(prefix) and pid.removeprefix(prefix).strip() != ""
    if not inside and "pid" not in rules.source.may_set:
        raise ForbiddenBySource(f"this source may only set pids that begin with {prefix}, not {pid!r}", field=field)


def is_addressable(text: str) -> bool:
    """Tell whether a pid or id can stand in a URL: proxies and clients take `.` and `..` out of paths."""
    hidden = any(character < " " or character == "\x7f" for character in text)
    return text.strip() != "" and not hidden and not any(part.strip() in (".", "..") for part in text.split("/"))


def resolve_input(given: str | AcquisitionReference, rules: MappingRules) -> str:
    """Give the pid of an input dataset; producers cannot know a derived one."""
    if isinstance(given, str):
        return given
    return derive_pid(rules.pid_prefix, rules.mapping.namespace, given.instrument, given.acquisitionId)


def instrument_name(event: AcquisitionCompleted) -> str | None:
    """Give instrument.id, else instrument.name; blank ones are none."""
    if event.instrument is None:
        return None
    return next((name for name in (event.instrument.id, event.instrument.name) if name and name.strip()), None)
