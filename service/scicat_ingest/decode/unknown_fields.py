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

if TYPE_CHECKING:
    from collections.abc import Iterator

SIMILAR = 0.85
"""Names at least this similar (0 to 1, difflib's ratio) are taken for a slip of the pen."""

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


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A name that the event's format does not have."""

    path: str
    probably: str | None
    """The known name that is meant, if one is close."""


def find_unknown_names(part: EventPart, path: str = "") -> Iterator[UnknownName]:
    """Give every unknown name in an event, outermost first."""
    for name in part.model_extra or ():
        yield UnknownName(_join(path, name), _probably(name, type(part)))
    for name in part.model_fields_set:
        value = getattr(part, name, None)
        if isinstance(value, EventPart):
            yield from find_unknown_names(value, _join(path, name))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, EventPart):
                    yield from find_unknown_names(item, f"{_join(path, name)}[{index}]")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _probably(name: str, model: type[EventPart]) -> str | None:
    known = _meanings(model)
    plain = _plain(name)
    if plain in known:
        return known[plain]
    fields = {_plain(field): field for field in model.model_fields}
    ratio, closest = max((SequenceMatcher(None, plain, field).ratio(), field) for field in fields)
    return fields[closest] if ratio >= SIMILAR else None


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
