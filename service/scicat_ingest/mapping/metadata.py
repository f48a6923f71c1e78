"""scientificMetadata: what the event says, without what breaks SciCat, and where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.document import MAX_SAFE_INTEGER
from scicat_ingest.faults import InvalidField
from scicat_ingest.mapping.rules import NATIVE, PRODUCED_BY

if TYPE_CHECKING:
    from scicat_ingest.decode.decoded import Decoded
    from scicat_ingest.mapping.rules import MappingRules

PROVENANCE = "ingest"
"""The key of our own entry; an event's entry of that name is moved to `ingest_from_event`."""


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
    metadata = {name: item for name, item in (given or {}).items() if item is not None}
    warnings += [f"{field}.{name}: null was left out" for name in (given or {}) if name not in metadata]
    metadata = _clean(metadata, field, warnings)
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
            "mapping": NATIVE,
            "mappingDigest": rules.digest,
            "producedBy": PRODUCED_BY,
        }
    return metadata, warnings


def _add_sample_name(metadata: dict[str, Any], name: str) -> None:
    sample = metadata.setdefault("sample", {})
    if isinstance(sample, dict):
        sample.setdefault("name", name)


def _clean(value: Any, path: str, warnings: list[str]) -> Any:
    if isinstance(value, dict):
        if "" in value:
            warnings.append(f"{path}: an entry with an empty name was left out")
        return {name: _clean(item, f"{path}.{name}", warnings) for name, item in value.items() if name != ""}
    if isinstance(value, list):
        return [_clean(item, f"{path}[{index}]", warnings) for index, item in enumerate(value)]
    if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
        warnings.append(f"{path}: SciCat rounds an integer of this size")
    return value
