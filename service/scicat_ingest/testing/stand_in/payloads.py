"""Which fields each route takes: tables, drawn from the backend's OpenAPI document and corrected by what it really did.

They are the stand-in's own on purpose: a fault in the models that the service sends with would not show against them.
"""

from __future__ import annotations

from collections.abc import Mapping

from scicat_ingest.testing.stand_in.fields import (
    ANYTHING,
    DATE,
    EMAIL_ADDRESS,
    EMAIL_LIST,
    FILLED,
    FILLED_LIST,
    HOST_NAME,
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    TRUTH,
    WHOLE,
    Field,
    Kind,
)

Table = Mapping[str, Field]


def _of(kind: Kind, names: str, *, required: bool = False, many: bool = False) -> dict[str, Field]:
    return {name: Field((kind,), required=required, many=many) for name in names.split()}


def required(table: Table, names: str) -> dict[str, Field]:
    """Return the table with these fields made mandatory."""
    return {**table} | {name: _mandatory(table[name]) for name in names.split()}


def optional(table: Table) -> dict[str, Field]:
    """Return the table with nothing mandatory at its top: what PATCH takes."""
    return {name: Field(rule.kinds, many=rule.many, table=rule.table) for name, rule in table.items()}


def _mandatory(rule: Field) -> Field:
    return Field(rule.kinds, required=True, many=rule.many, table=rule.table)


# Datasets

LIFECYCLE: Table = {
    **_of(TRUTH, "archivable retrievable publishable isOnCentralDisk retrieveIntegrityCheck"),
    **_of(DATE, "dateOfDiskPurging archiveRetentionTime dateOfPublishing publishedOn"),
    **_of(TEXT, "archiveStatusMessage retrieveStatusMessage exportedTo storageLocation"),
    **_of(OBJECT, "archiveReturnMessage retrieveReturnMessage"),
}

OWNABLE: Table = {
    **_of(TEXT, "ownerGroup", required=True),
    **_of(TEXT, "accessGroups", many=True),
    **_of(TEXT, "instrumentGroup"),
}

EVERY_DATASET: Table = {
    **OWNABLE,
    **_of(TEXT, "owner"),
    **_of(EMAIL_ADDRESS, "ownerEmail"),
    **_of(TEXT, "orcidOfOwner"),
    **_of(EMAIL_LIST, "contactEmail", required=True),
    **_of(TEXT, "sourceFolder", required=True),
    **_of(HOST_NAME, "sourceFolderHost"),
    **_of(WHOLE, "size packedSize numberOfFiles numberOfFilesArchived"),
    **_of(DATE, "creationTime", required=True),
    **_of(TEXT, "validationStatus description classification license scientificMetadataSchema comment"),
    **_of(TEXT, "keywords sharedWith", many=True),
    **_of(TEXT, "datasetName", required=True),
    **_of(TRUTH, "isPublished scientificMetadataValid"),
    **_of(ANYTHING, "scientificMetadata"),
    **_of(NUMBER, "dataQualityMetrics"),
    "techniques": Field(many=True, table=_of(TEXT, "pid name", required=True)),
    "relationships": Field(many=True, table=_of(TEXT, "pid relationship", required=True)),
    "datasetlifecycle": Field((OBJECT,), table=LIFECYCLE),
    **_of(TEXT, "inputDatasets usedSoftware", many=True),
    **_of(OBJECT, "jobParameters"),
    **_of(TEXT, "jobLogData runNumber"),
}
"""`scientificMetadata` is not checked: a string and a list are taken too."""

V4_DATASET_CHANGE: Table = {
    **EVERY_DATASET,
    **_of(TEXT, "principalInvestigators proposalIds sampleIds instrumentIds", many=True),
    **_of(DATE, "startTime endTime"),
    **_of(TEXT, "creationLocation dataFormat"),
}
V4_DATASET: Table = {**V4_DATASET_CHANGE, **_of(TEXT, "pid"), **_of(TEXT, "type", required=True)}

V3_RAW_CHANGE: Table = {
    **required(EVERY_DATASET, "owner"),
    **_of(TEXT, "principalInvestigator creationLocation", required=True),
    **_of(TEXT, "proposalId sampleId instrumentId investigator dataFormat version"),
    **_of(DATE, "startTime endTime"),
}
V3_RAW: Table = {**V3_RAW_CHANGE, **_of(TEXT, "pid"), **_of(TEXT, "type", required=True)}

V3_DERIVED_CHANGE: Table = {
    **required(EVERY_DATASET, "owner inputDatasets usedSoftware"),
    **_of(TEXT, "investigator", required=True),
    **_of(TEXT, "proposalId version"),
}
V3_DERIVED: Table = {**V3_DERIVED_CHANGE, **_of(TEXT, "pid"), **_of(TEXT, "type", required=True)}


def v3_dataset(kind: object) -> Table:
    """Return what v3 takes to create a dataset of a type: any but raw and derived is written as in v4."""
    return {"raw": V3_RAW, "derived": V3_DERIVED}.get(str(kind), V4_DATASET)


def v3_dataset_change(kind: object) -> Table:
    """Return what v3 takes to replace a dataset of a type."""
    return {"raw": V3_RAW_CHANGE, "derived": V3_DERIVED_CHANGE}.get(str(kind), V4_DATASET_CHANGE)


DATASET_DATES = ("creationTime", "startTime", "endTime", "createdAt", "updatedAt")

# Blocks

FILE: Table = {
    **_of(TEXT, "path", required=True),
    **_of(WHOLE, "size", required=True),
    **_of(DATE, "time", required=True),
    **_of(TEXT, "chk uid gid perm type"),
}
SUB_BLOCK: Table = {
    **_of(WHOLE, "size", required=True),
    "chkAlg": Field((TEXT, FILLED)),
    "dataFileList": Field((LIST, FILLED_LIST), required=True, many=True, table=FILE),
    **_of(TRUTH, "isPublished"),
}
BLOCK: Table = {**SUB_BLOCK, **optional(OWNABLE), **_of(TEXT, "datasetId", required=True)}

# Attachments

V3_ATTACHMENT: Table = {
    **OWNABLE,
    **_of(TEXT, "caption", required=True),
    **_of(TEXT, "thumbnail id datasetId proposalId sampleId"),
}

TARGET_TYPES = ("dataset", "proposal", "sample", "published_data")
TARGET = Kind(
    lambda value: value in TARGET_TYPES,
    "isEnum",
    "{} must be one of the following values: " + ", ".join(TARGET_TYPES),
)
V4_ATTACHMENT: Table = {
    **OWNABLE,
    **_of(TEXT, "caption", required=True),
    **_of(TEXT, "thumbnail aid"),
    **_of(TRUTH, "isPublished", required=True),
    "relationships": Field(
        many=True,
        table={
            **_of(TEXT, "targetId", required=True),
            "targetType": Field((TARGET,), required=True),
            **_of(TEXT, "relationType"),
        },
    ),
}

# What stands beside datasets

INSTRUMENT: Table = {**_of(TEXT, "name uniqueName", required=True), **_of(OBJECT, "customMetadata")}

PROPOSAL: Table = {
    **OWNABLE,
    **_of(TEXT, "proposalId title", required=True),
    **_of(EMAIL_ADDRESS, "email", required=True),
    **_of(EMAIL_ADDRESS, "pi_email"),
    **_of(TEXT, "pi_firstname pi_lastname firstname lastname abstract parentProposalId type"),
    **_of(DATE, "startTime endTime"),
    **_of(ANYTHING, "MeasurementPeriodList"),
    **_of(OBJECT, "metadata"),
    **_of(TEXT, "instrumentIds", many=True),
}
