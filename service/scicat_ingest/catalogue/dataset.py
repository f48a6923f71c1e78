"""The v4 dataset (CreateDatasetDto of the backend's OpenAPI document)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from scicat_ingest.catalogue.document import Count, Document, Flag, Many, NonEmpty, Text
from scicat_ingest.catalogue.times import Instant


class Technique(Document):
    """An experimental technique."""

    pid: NonEmpty = Field(description="IRI or id of the technique, such as a PaNET term")
    name: NonEmpty = Field(description="its label")


class Relationship(Document):
    """A relationship to another dataset."""

    pid: NonEmpty = Field(description="pid of the other dataset")
    relationship: NonEmpty = Field(description="such as `isDerivedFrom`")


class DatasetLifecycle(Document):
    """Where the dataset stands between disk, archive and publication; SciCat fills in what is not given."""

    archivable: Flag | None = None
    retrievable: Flag | None = None
    publishable: Flag | None = None
    dateOfDiskPurging: Instant | None = None
    archiveRetentionTime: Instant | None = None
    dateOfPublishing: Instant | None = None
    publishedOn: Instant | None = None
    isOnCentralDisk: Flag | None = None
    archiveStatusMessage: Text | None = None
    retrieveStatusMessage: Text | None = None
    archiveReturnMessage: dict[str, Any] | None = None
    retrieveReturnMessage: dict[str, Any] | None = None
    exportedTo: Text | None = None
    retrieveIntegrityCheck: Flag | None = None
    storageLocation: Text | None = None


class Dataset(Document):
    """A dataset as POSTed to v4.

    Mandatory are the fields without default. `owner` is optional in the OpenAPI document, but the server answers 500
    without it (measured); `datasetName` may not be empty for the same reason.
    """

    type: NonEmpty
    datasetName: NonEmpty
    owner: NonEmpty
    contactEmail: NonEmpty
    ownerGroup: NonEmpty
    sourceFolder: NonEmpty
    creationTime: Instant

    pid: NonEmpty | None = None
    accessGroups: Many[Text] | None = None
    instrumentGroup: Text | None = None
    ownerEmail: Text | None = None
    orcidOfOwner: Text | None = None
    sourceFolderHost: Text | None = None
    size: Count | None = None
    packedSize: Count | None = None
    numberOfFiles: Count | None = None
    numberOfFilesArchived: Count | None = None
    validationStatus: Text | None = None
    keywords: Many[Text] | None = None
    description: Text | None = None
    classification: Text | None = None
    license: Text | None = None
    isPublished: Flag | None = None
    techniques: Many[Technique] | None = None
    sharedWith: Many[Text] | None = None
    relationships: Many[Relationship] | None = None
    datasetlifecycle: DatasetLifecycle | None = None
    scientificMetadata: dict[str, Any] | None = None
    scientificMetadataSchema: Text | None = None
    scientificMetadataValid: Flag | None = None
    comment: Text | None = None
    dataQualityMetrics: float | None = Field(default=None, strict=True, allow_inf_nan=False)
    principalInvestigators: Many[Text] | None = None
    startTime: Instant | None = None
    endTime: Instant | None = None
    creationLocation: Text | None = None
    dataFormat: Text | None = None
    proposalIds: Many[Text] | None = None
    sampleIds: Many[Text] | None = None
    instrumentIds: Many[Text] | None = None
    inputDatasets: Many[Text] | None = None
    usedSoftware: Many[Text] | None = None
    jobParameters: dict[str, Any] | None = None
    jobLogData: Text | None = None
    runNumber: Text | None = None
