"""Names in an event that nobody knows: harmless ones, and slips of the pen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import TYPE_CHECKING

from scicat_ingest.catalogue.dataset import Dataset
from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.decode.event_part import EventPart
from scicat_ingest.decode.field_path import shown_name

if TYPE_CHECKING:
    from collections.abc import Iterator

SIMILAR = 0.85
"""Names at least this similar (0 to 1, difflib's ratio) are taken for a slip of the pen."""

_LONGEST_SLIP = 60
"""A longer name is no slip of the pen."""
_MOST_COMPARED = 1000
"""So many different unknown names of an event are compared with the known ones: each costs 0.1 ms."""

_SCICAT_NAMES = {
    "datasetName": "title",
    "ownerGroup": "groups.owner",
    "accessGroups": "groups.access",
    "instrumentGroup": "groups.instrument",
    "creationTime": "endedAt",
    "startTime": "startedAt",
    "endTime": "endedAt",
    "scientificMetadata": "metadata",
    "scientificMetadataSchema": "metadataSchema",
    "principalInvestigator": "proposal.principalInvestigators",
    "principalInvestigators": "proposal.principalInvestigators",
    "orcidOfOwner": "owner.orcid",
    "dataFileList": "files",
    "chkAlg": "checksumAlgorithm",
}


_Judged = dict[tuple[type[EventPart], str], str | None]


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that the event's format does not have."""

    path: str
    probably: str | None
    """The known name that is meant, if one is close."""


def find_unknown_names(event: EventPart) -> Iterator[UnknownName]:
    """Give every unknown name in an event, outermost first, in the order of the event's own fields."""
    return _find(event, "", {})


def _find(part: EventPart, path: str, judged: _Judged) -> Iterator[UnknownName]:
    model = type(part)
    for name in part.unknown:
        if (model, name) not in judged:
            judged[model, name] = _probably(name, model, compare=len(judged) < _MOST_COMPARED)
        yield UnknownName(_join(path, shown_name(name)), judged[model, name])
    for name in _nested(model):
        value = getattr(part, name)
        if isinstance(value, EventPart):
            yield from _find(value, _join(path, name), judged)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, EventPart) and (item.__pydantic_extra__ or _nested(type(item))):
                    yield from _find(item, f"{_join(path, name)}[{index}]", judged)


@cache
def _nested(model: type[EventPart]) -> tuple[str, ...]:
    """Name the fields that may hold parts, alone or in a list."""
    return tuple(name for name, field in model.model_fields.items() if _may_hold_parts(field.annotation))


def _may_hold_parts(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, EventPart):
        return True
    return any(map(_may_hold_parts, getattr(annotation, "__args__", ())))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _probably(name: str, model: type[EventPart], *, compare: bool) -> str | None:
    if len(name) > _LONGEST_SLIP:
        return None
    known = _meanings(model)
    plain = _plain(name)
    if plain in known or not compare:
        return known.get(plain)
    matcher = SequenceMatcher()
    matcher.set_seq2(plain)  # the one that it prepares for many comparisons
    best, probable = SIMILAR, None
    for field in sorted(model.model_fields):
        matcher.set_seq1(_plain(field))
        if matcher.real_quick_ratio() >= best and matcher.quick_ratio() >= best and matcher.ratio() >= best:
            best, probable = matcher.ratio(), field
    return probable


@cache
def _meanings(model: type[EventPart]) -> dict[str, str]:
    """Other spellings of known names, in lower case without separators: of the model, and of SciCat at the top."""
    meanings: dict[str, str] = {}
    if model is AcquisitionCompleted:
        meanings |= {_plain(name): f"dataset.{name}" for name in Dataset.model_fields}
        meanings |= {_plain(name): meant for name, meant in _SCICAT_NAMES.items()}
    for name, field in model.model_fields.items():
        for nested in _parts_of(field.annotation):
            for inner in nested.model_fields:
                flat = _plain(name + inner)
                meanings |= {flat: f"{name}.{inner}", f"{flat}s": f"{name}.{inner}"}
    return meanings | {_plain(name): name for name in model.model_fields}


def _parts_of(annotation: object) -> Iterator[type[EventPart]]:
    """Give the single objects that a field may hold: of `Sample | None` the Sample, of a list nothing."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, EventPart):
            yield candidate
