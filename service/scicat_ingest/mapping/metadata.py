"""scientificMetadata: what the event says, without what breaks SciCat, and where it came from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.document import MAX_SAFE_INTEGER
from scicat_ingest.decode.field_path import write_path
from scicat_ingest.faults import InvalidField
from scicat_ingest.mapping.rules import PRODUCED_BY

if TYPE_CHECKING:
    from scicat_ingest.decode.decoded import Decoded
    from scicat_ingest.mapping.rules import MappingRules

PROVENANCE = "ingest"
"""The key of our own entry; an event's entry of that name is moved to `ingest_from_event`."""

_MOST_SHOWN = 20
_Steps = tuple[Any, ...]
"""The way to a value, as a linked list: empty, or (the way to its parent, its name or index)."""


def build_scientific_metadata(decoded: Decoded, rules: MappingRules) -> tuple[dict[str, Any], list[str]]:
    """Give the dataset's scientificMetadata and a warning for everything that was changed.

    Top-level nulls and empty keys are taken out: they kill some SciCat servers (measured on the real backend).
    """
    event = decoded.event
    given, field = event.metadata, "metadata"
    warnings: list[str] = []
    verbatim = (event.dataset or {}).get("scientificMetadata")
    if verbatim is not None:
        if not isinstance(verbatim, dict):
            raise InvalidField("expected an object", field="dataset.scientificMetadata")
        if given:
            warnings.append("metadata: dataset.scientificMetadata was given too and replaces it")
        given, field = verbatim, "dataset.scientificMetadata"
    changes = _Changes(field)
    metadata = _clean(given or {}, (), changes)
    warnings += changes.warnings()
    if event.sample and event.sample.name:
        _add_sample_name(metadata, event.sample.name)
    if rules.mapping.provenance:
        if PROVENANCE in metadata:
            metadata[f"{PROVENANCE}_from_event"] = metadata.pop(PROVENANCE)
            warnings.append(f"{field}.{PROVENANCE}: the name is ours, the event's entry is {PROVENANCE}_from_event")
        metadata[PROVENANCE] = {
            "acquisitionId": event.acquisitionId,
            "revision": event.revision,
            "eventSource": decoded.event_source,
            "mapping": decoded.mapped_by.name,
            "mappingDigest": rules.digest_for(decoded),
            "producedBy": PRODUCED_BY,
        }
    return metadata, warnings


def _add_sample_name(metadata: dict[str, Any], name: str) -> None:
    sample = metadata.setdefault("sample", {})
    if isinstance(sample, dict):
        sample.setdefault("name", name)


class _Changes:
    """What was changed, by kind; bounded, because an event can have a million of each."""

    def __init__(self, field: str) -> None:
        self._field = field
        self._places: dict[str, list[str]] = {}
        self._counts: Counter[str] = Counter()

    def note(self, kind: str, steps: _Steps) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= _MOST_SHOWN:
            self._places.setdefault(kind, []).append(write_path((self._field, *_in_order(steps))))

    def warnings(self) -> list[str]:
        shown = [f"{place}: {kind}" for kind, places in self._places.items() for place in places]
        more = self._counts - Counter(dict.fromkeys(self._counts, _MOST_SHOWN))
        return shown + [f"{self._field}: {kind}, in {count} more places" for kind, count in more.items()]


def _in_order(steps: _Steps) -> list[str | int]:
    path: list[str | int] = []
    while steps:
        steps, step = steps
        path.insert(0, step)
    return path


def _clean(value: Any, steps: _Steps, changes: _Changes) -> Any:
    """Clean objects and arrays. `steps` are put into words only for a warning: names can be long, items many."""
    if isinstance(value, dict):
        cleaned = {}
        for name, item in value.items():
            if name == "":
                changes.note("an entry with an empty name was left out", steps)
            elif item is None and not steps:
                changes.note("null was left out", (steps, name))
            else:
                cleaned[name] = _clean(item, (steps, name), changes)
        return cleaned
    if isinstance(value, list):
        return [_clean(item, (steps, index), changes) for index, item in enumerate(value)]
    if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        changes.note("SciCat rounds an integer of this size", steps)
    return value
