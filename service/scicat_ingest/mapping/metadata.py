"""scientificMetadata: what the event says, without what breaks SciCat, and where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import InvalidField
from scicat_ingest.mapping.lint import lint_metadata, without_collisions
from scicat_ingest.mapping.rules import PRODUCED_BY

if TYPE_CHECKING:
    from scicat_ingest.decode.decoded import Decoded
    from scicat_ingest.mapping.rules import MappingRules

PROVENANCE = "ingest"
"""The key of our own entry; an event's entry of that name is moved to `ingest_from_event`."""


def build_scientific_metadata(decoded: Decoded, rules: MappingRules) -> tuple[dict[str, Any], list[str]]:
    """Give the dataset's scientificMetadata, linted, and a warning for everything that was found.

    Raises InvalidField if they are no object, InvalidMetadata where a policy of `lint` is `reject`.
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
    metadata, findings = lint_metadata(given or {}, field, rules.lint, decoded.mapped_by.metadata_schema)
    warnings += findings
    if event.sample and event.sample.name:
        metadata = _with_sample_name(metadata, event.sample.name)
    if rules.mapping.provenance:
        metadata = dict(metadata)
        if PROVENANCE in metadata:
            new = without_collisions({PROVENANCE: f"{PROVENANCE}_from_event"}, metadata)[PROVENANCE]
            metadata[new] = metadata.pop(PROVENANCE)
            warnings.append(f"{field}.{PROVENANCE}: the name is ours, the event's entry is {new}")
        metadata[PROVENANCE] = {
            "acquisitionId": event.acquisitionId,
            "revision": event.revision,
            "eventSource": decoded.event_source,
            "mapping": decoded.mapped_by.name,
            "mappingDigest": rules.digest_for(decoded),
            "producedBy": PRODUCED_BY,
        }
    return metadata, warnings


def _with_sample_name(metadata: dict[str, Any], name: str) -> dict[str, Any]:
    sample = metadata.get("sample", {})
    if not isinstance(sample, dict) or "name" in sample:
        return metadata
    return {**metadata, "sample": {**sample, "name": name}}
