"""A dataset as it is stored, made from what v3 or v4 sent, and shown as v3 or v4 show it.

Stored is v4's form: plural names, encoded metadata keys.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scicat_ingest.testing.stand_in.metadata import decode_keys, prepare
from scicat_ingest.testing.stand_in.payloads import DATASET_DATES, V4_DATASET
from scicat_ingest.testing.stand_in.times import iso, normal_iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.testing.stand_in.exchange import Document

CLASSIFICATION = "IN=medium,AV=low,CO=low"
"""AV comes from the policy of the ownerGroup, which is made with its first dataset and says low."""

V3_PLURALS = {"proposalId": "proposalIds", "sampleId": "sampleIds", "instrumentId": "instrumentIds"}
DEFAULTS: Mapping[str, Any] = {
    "size": 0,
    "packedSize": 0,
    "numberOfFiles": 0,
    "numberOfFilesArchived": 0,
    "isPublished": False,
    "classification": CLASSIFICATION,
    "scientificMetadata": {},
}
LISTS = (
    "accessGroups",
    "keywords",
    "techniques",
    "sharedWith",
    "relationships",
    "principalInvestigators",
    "proposalIds",
    "sampleIds",
    "instrumentIds",
    "inputDatasets",
    "usedSoftware",
)


def default_lifecycle(now: float, started: float) -> Document:
    """Return the life cycle of a new dataset. It may be archived at once, before its blocks are there.

    Times are seconds since 1970. The dates of purging and of publication are when the *process* started; retention and
    publishing are due this month, because POLICY_RETENTION_SHIFT and POLICY_PUBLICATION_SHIFT are not set.
    """
    month = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {
        "archivable": True,
        "retrievable": False,
        "publishable": False,
        "dateOfDiskPurging": iso(started),
        "archiveRetentionTime": iso(month.timestamp()),
        "dateOfPublishing": iso(month.timestamp()),
        "publishedOn": iso(started),
        "isOnCentralDisk": True,
        "archiveStatusMessage": "datasetCreated",
        "retrieveStatusMessage": "",
        "archiveReturnMessage": {},
        "retrieveReturnMessage": {},
        "exportedTo": None,
        "retrieveIntegrityCheck": False,
    }


def name_from_folder(folder: object) -> str | None:
    """Return v3's default for datasetName: the last two parts of the source folder."""
    if not isinstance(folder, str):
        return None
    return "/".join([part for part in folder.split("/") if part][-2:])


def from_v3(payload: Document, *, creating: bool) -> Document:
    """Return a v3 payload with the plural names of v4.

    At creation what is not there becomes `[null]`, except for types other than raw and derived, which v3 takes in v4's
    form. `version` is taken and ignored.
    """
    kind = payload.get("type")
    singular = {"raw": tuple(V3_PLURALS), "derived": ("proposalId",)}.get(str(kind), ()) if creating else ()
    investigator = "principalInvestigator" if "principalInvestigator" in payload else "investigator"
    names = V3_PLURALS | {investigator: "principalInvestigators"}
    dropped = {*names, "principalInvestigator", "investigator", "version"}
    renamed = {name: value for name, value in payload.items() if name not in dropped}
    for name, plural in names.items():
        if name in singular or name in payload:
            renamed[plural] = [payload.get(name)]
    return renamed


def normalise(changes: Document) -> Document:
    """Return v4 fields as stored: lists for single values, dates in UTC, metadata with SI values and encoded keys."""
    stored = dict(changes)
    for name, value in changes.items():
        rule = V4_DATASET.get(name)
        if rule is not None and rule.many and value is not None and not isinstance(value, list):
            stored[name] = [value]
        elif name in DATASET_DATES and isinstance(value, str):
            stored[name] = normal_iso(value)
        elif name == "scientificMetadata":
            stored[name] = prepare(value)
    return stored


def complete(fields: Document) -> Document:
    """Return a dataset with the defaults of what it lacks."""
    return {**DEFAULTS, **{name: [] for name in LISTS}, **fields}


def show(dataset: Document, version: str) -> Document:
    """Return a stored dataset as an answer of `version`, "v3" or "v4"."""
    if version == "v4":
        return dataset
    shown = dataset | {"id": dataset["_id"]}
    if "scientificMetadata" in dataset:
        shown["scientificMetadata"] = decode_keys(dataset["scientificMetadata"])
    investigator = "principalInvestigator" if dataset.get("type") == "raw" else "investigator"
    for singular, plural in (V3_PLURALS | {investigator: "principalInvestigators"}).items():
        if dataset.get(plural):
            shown[singular] = dataset[plural][0]
    return shown
