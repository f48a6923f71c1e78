"""Where each field of a previewed dataset comes from: event or setting, and the line of the mapping file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scicat_ingest.mapping.origins import origins_of
from scicat_ingest.mapping.template import fill_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.engine.reading import Accepted
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.plan.steps import Plan
    from scicat_ingest.translate.mapping_file import MappingFile, Origin

_METADATA = "scientificMetadata"
_OWN = frozenset({"ingest"})
"""What the service itself adds to the metadata."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One field of the dataset."""

    field: str
    value: Any
    given_by: str
    """Field of the event, setting, or `scicat-ingest` for what the service decides."""
    expression: str | None = None
    """What stands in the mapping file."""
    where: str | None = None
    """File and line of it."""
    reads: tuple[str, ...] = ()
    """What the expression takes its value from."""


def explain(plan: Plan, accepted: Accepted) -> list[Explained]:
    """Say of each field of a dataset what gave it."""
    mapping = _mapping_of(accepted)
    event, rules = accepted.decoded.event, accepted.rules
    defaulted = accepted.decoded.mapped_by.defaulted
    explained = []
    for name, value in plan.dataset.payload.items():
        if name == _METADATA:
            explained += [_of_metadata(path, leaf, mapping, defaulted) for path, leaf in _leaves(value)]
            continue
        by = next((origin for origin in origins_of(name) if _is_there(origin, event, rules)), "scicat-ingest")
        explained.append(_explained(name, value, by, mapping, defaulted))
    return explained


def _mapping_of(accepted: Accepted) -> MappingFile | None:
    name = accepted.decoded.mapped_by.name
    return next((file for file in accepted.rules.mappings if file.name == name), None)


def _of_metadata(path: str, value: Any, mapping: MappingFile | None, defaulted: frozenset[str]) -> Explained:
    name = f"{_METADATA}.{path}"
    if path.partition(".")[0] in _OWN:
        return Explained(name, value, "scicat-ingest")
    return _explained(name, value, f"metadata.{path}", mapping, defaulted)


def _leaves(metadata: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every value with its path; quantities and arrays are one."""
    for name, value in metadata.items():
        below = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value and "value" not in value:
            yield from _leaves(value, below)
        else:
            yield below, value


def _explained(name: str, value: Any, by: str, mapping: MappingFile | None, defaulted: frozenset[str]) -> Explained:
    origin = _origin(by, mapping)
    if mapping is None or origin is None:
        return Explained(name, value, by)
    for path in defaulted:
        if origin.field == path or origin.field.startswith((f"{path}.", f"{path}[")):
            by, origin = f"on_missing.{path}", mapping.default_of(path)
            break
    return Explained(name, value, by, origin.source, f"{mapping.file_name}:{origin.line}", origin.reads)


def _origin(by: str, mapping: MappingFile | None) -> Origin | None:
    """Give the mapping file's line for a field of the event: its own, that of a part, or of the whole it is in."""
    if mapping is None:
        return None
    origins = mapping.origins()
    exact = [origin for origin in origins if origin.field == by]
    parts = [origin for origin in origins if origin.field.startswith((f"{by}.", f"{by}["))]
    wholes = [origin for origin in origins if by.startswith((f"{origin.field}.", f"{origin.field}["))]
    return next(iter([*exact, *parts, *sorted(wholes, key=lambda origin: -len(origin.field))]), None)


def _is_there(origin: str, event: AcquisitionCompleted, rules: MappingRules) -> bool:
    group, _, setting = origin.partition(".")
    if group == "record":
        return True
    if group == "mapping":
        value = getattr(rules.mapping, setting)
        templates = (value,) if isinstance(value, str) else value or ()
        return any(fill_template(template, event) is not None for template in templates)
    if group == "scicat":
        return getattr(rules, setting) is not None
    here: Any = event
    for name in origin.split("."):
        here = here.get(name) if isinstance(here, dict) else getattr(here, name, None)
    return here not in (None, "", (), [])
