"""Where each field of a dataset comes from, for people: what is tried in order, the first that is there is taken."""

from __future__ import annotations

ORIGINS: dict[str, tuple[str, ...]] = {
    "pid": ("pid", "acquisitionId"),
    "type": ("type",),
    "datasetName": ("title", "acquisitionId"),
    "description": ("description",),
    "keywords": ("keywords", "status"),
    "comment": ("comment",),
    "owner": ("owner.name", "proposal.principalInvestigators", "mapping.owner"),
    "ownerEmail": ("owner.email",),
    "contactEmail": ("contactEmail", "owner.email", "mapping.contact_email"),
    "orcidOfOwner": ("owner.orcid",),
    "ownerGroup": ("groups.owner", "mapping.owner_group", "mapping.fallback_owner_group"),
    "accessGroups": ("groups.access", "mapping.access_groups", "scicat.read_back_group"),
    "instrumentGroup": ("groups.instrument", "mapping.instrument_group"),
    "sourceFolder": ("source.folder", "files"),
    "sourceFolderHost": ("source.host",),
    "size": ("files", "fileManifest", "scan"),
    "numberOfFiles": ("files", "fileManifest", "scan"),
    "creationTime": ("endedAt", "startedAt", "record.timestamp"),
    "startTime": ("startedAt",),
    "endTime": ("endedAt",),
    "creationLocation": ("mapping.creation_location", "instrument"),
    "instrumentIds": ("instrument.id", "instrument.name"),
    "proposalIds": ("proposal.id",),
    "principalInvestigators": ("proposal.principalInvestigators",),
    "sampleIds": ("sample.id",),
    "runNumber": ("runNumber",),
    "scientificMetadata": ("metadata", "sample.name"),
    "scientificMetadataSchema": ("metadataSchema",),
    "techniques": ("techniques",),
    "dataFormat": ("dataFormat",),
    "license": ("license",),
    "classification": ("classification",),
    "inputDatasets": ("inputDatasets",),
    "usedSoftware": ("usedSoftware",),
    "jobParameters": ("jobParameters",),
    "jobLogData": ("jobLogData",),
    "isPublished": (),
}
"""Fields of the event, and settings, by field of the dataset. `dataset.NAME` in an event wins over all of them."""
ONLY_VERBATIM = "dataset"
"""What sets every other field, by SciCat's own name."""


def origins_of(field: str) -> tuple[str, ...]:
    """Give what a field of the dataset comes from."""
    return (f"{ONLY_VERBATIM}.{field}", *ORIGINS.get(field, ()))
