"""The native event, `AcquisitionCompleted` v1: neutral, so that producers need not know SciCat."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from scicat_ingest.catalogue.document import Many
from scicat_ingest.decode.event_part import EventPart, EventTime, FileSize, TextOrInteger, VisibleText

CLOUD_EVENT_TYPE = "scicat.acquisition.completed.v1"

MAX_ACQUISITION_ID = 200


class Instrument(EventPart):
    """Where the data were taken."""

    id: str | None = Field(None, description="id in SciCat, goes into instrumentIds", examples=["ODIN"])
    name: str | None = Field(None, description="name for people", examples=["ODIN imaging beamline"])
    location: str | None = Field(
        None, description="where it stands; creationLocation by default", examples=["/ESS/ODIN"]
    )


class Proposal(EventPart):
    """The proposal that the data were taken for."""

    id: str | None = Field(None, description="goes into proposalIds and the ownerGroup template", examples=["p1001"])
    principalInvestigators: Many[str] | None = Field(
        None, description="first and last names, the main one first", examples=[["Ada Lovelace"]]
    )


class Sample(EventPart):
    """What was measured."""

    id: str | None = Field(None, description="id in SciCat, goes into sampleIds", examples=["sample-17"])
    name: str | None = Field(
        None, description="name for people, goes into scientificMetadata.sample", examples=["Fe3O4 powder"]
    )


class Owner(EventPart):
    """Who is responsible for the data."""

    name: str | None = Field(
        None, description="default: the first principal investigator, then mapping.owner", examples=["Ada Lovelace"]
    )
    email: str | None = Field(None, description="ownerEmail", examples=["ada@example.org"])
    orcid: str | None = Field(None, description="orcidOfOwner", examples=["0000-0002-1825-0097"])


class Groups(EventPart):
    """Who may see the data. Other groups than the templates give need `may_set` for the source."""

    owner: str | None = Field(None, description="ownerGroup", examples=["p1001"])
    access: Many[str] | None = Field(None, description="accessGroups", examples=[["odin-staff"]])
    instrument: str | None = Field(None, description="instrumentGroup", examples=["odin"])


class Source(EventPart):
    """Where the files are."""

    folder: str | None = Field(
        None,
        description="absolute path of the folder; default: the common parent of the files' absolute paths",
        examples=["/data/odin/p1001/run42"],
    )
    host: str | None = Field(None, description="DNS name or URL of the file server", examples=["files.example.org"])


class File(EventPart):
    """One file."""

    path: str = Field(
        description="below source.folder: relative to it, or absolute", min_length=1, examples=["run42.nxs"]
    )
    size: FileSize = Field(description="bytes, 0 to 2^53 - 1", examples=[1048576])
    modifiedAt: EventTime | None = Field(
        None, description="last modification; default: the dataset's creationTime", examples=["2026-04-22T10:54:53Z"]
    )
    checksum: str | None = Field(
        None, description="by checksumAlgorithm, in the algorithm's usual spelling", examples=["2cf24dba5fb0a30e…"]
    )
    uid: TextOrInteger | None = Field(None, description="owner in the file system", examples=["ada", 1000])
    gid: TextOrInteger | None = Field(None, description="group in the file system", examples=["p1001", 1000])
    perm: TextOrInteger | None = Field(None, description="permission bits as shown to people", examples=["644"])
    type: str | None = Field(None, description="kind of file, free text", examples=["file"])


class FileManifest(EventPart):
    """A file list that is kept elsewhere."""

    uri: str = Field(
        description="where the list is: a path, relative to source.folder or absolute, file:// or https://",
        min_length=1,
        examples=["file:///data/odin/p1001/run42/manifest.jsonl"],
    )
    format: str | None = Field(
        None, description="jsonl or csv; default: as its name ends, also before .gz", examples=["jsonl"]
    )
    count: int | None = Field(None, ge=0, description="number of files in it", examples=[250000])
    sha256: str | None = Field(None, description="its checksum, 64 hexadecimal digits", examples=["9f86d081884c…"])


class Scan(EventPart):
    """The files are whatever is found in source.folder."""

    include: Many[str] | None = Field(
        None, description="globs: `*.nxs` at any depth, `raw/**` from the folder; default: all", examples=[["*.nxs"]]
    )
    exclude: Many[str] | None = Field(None, description="globs of what is left out", examples=[["*.tmp", "work/"]])
    checksums: str | None = Field(
        None,
        min_length=1,
        description="sha256, blake2b, xxh3_64 or xxh3_128; default: files.checksums",
        examples=["sha256"],
    )


class Relationship(EventPart):
    """What else an attachment is attached to; its own dataset is always one of them."""

    targetId: str = Field(description="pid or id", min_length=1, examples=["p1001"])
    targetType: Literal["dataset", "proposal", "sample", "published_data"] = Field(
        description="kind of the target", examples=["proposal"]
    )
    relationType: str | None = Field(None, description="default: `is attached to`", examples=["is attached to"])


class Plot(EventPart):
    """A plot of a data set in an HDF5 or NeXus file: a line, an image, or of a stack the middle frame."""

    file: str = Field(min_length=1, description="HDF5 file below source.folder", examples=["run42.nxs"])
    data: str | None = Field(
        None,
        min_length=1,
        description="path of a data set or NXdata group in it; default: the file's own default plot",
        examples=["/entry/data/counts"],
    )
    x: str | None = Field(
        None,
        min_length=1,
        description="path of the data set for the horizontal axis; default: as NeXus says, else the index",
        examples=["/entry/data/two_theta"],
    )
    log: bool | None = Field(
        None, description="logarithmic values; default: for images that span a factor of ten", examples=[True]
    )
    title: str | None = Field(None, description="written above the plot", examples=["Fe3O4 at 5 K"])


class EventAttachment(EventPart):
    """A preview or note. Its picture is given by at most one of thumbnail, path, plot."""

    caption: str = Field(description="shown below the picture", examples=["Sum of all frames"])
    thumbnail: str | None = Field(
        None, description="data URL of a picture, at most 200 kB", examples=["data:image/png;base64,iVBORw0KGgo="]
    )
    path: str | None = Field(
        None, description="picture file below source.folder: PNG, JPEG or TIFF", examples=["preview.png"]
    )
    plot: Plot | None = Field(None, description="plot of an HDF5 file", examples=[{"file": "run42.nxs"}])
    id: str | None = Field(
        None,
        min_length=1,
        description="aid in SciCat; default: derived from pid, caption and content",
        examples=["9c8c2a5e-0f0b-5d5e-8a53-0d3b7c3f7c55"],
    )
    relationships: Many[Relationship] | None = Field(None, description="further targets", examples=[[]])
    isPublished: bool | None = Field(None, description="default: false; true needs may_set", examples=[False])


class EventTechnique(EventPart):
    """An experimental technique."""

    pid: str = Field(min_length=1, description="IRI", examples=["http://purl.org/pan-science/PaNET/PaNET01189"])
    name: str = Field(min_length=1, description="label", examples=["small angle neutron scattering"])


class AcquisitionReference(EventPart):
    """Another acquisition, for producers who cannot know its pid."""

    instrument: str | None = Field(None, description="its instrument.id, else instrument.name", examples=["ODIN"])
    acquisitionId: VisibleText = Field(
        min_length=1, max_length=MAX_ACQUISITION_ID, description="its acquisitionId", examples=["odin-000041"]
    )


def _pid_or_reference(value: Any) -> str | None:
    if isinstance(value, str):
        return "pid"
    return "reference" if isinstance(value, (dict, AcquisitionReference)) else None


InputDataset = Annotated[
    Annotated[str, Field(min_length=1), Tag("pid")] | Annotated[AcquisitionReference, Tag("reference")],
    Discriminator(
        _pid_or_reference,
        custom_error_type="pid_or_reference",
        custom_error_message="expected a pid as a string, or an object {instrument, acquisitionId}",
    ),
]


class AcquisitionCompleted(EventPart):
    """An acquisition is complete: its files are written and can be catalogued."""

    model_config = ConfigDict(title="AcquisitionCompleted v1")

    specVersion: str = Field("1", description="major version of this format", examples=["1"])
    acquisitionId: VisibleText = Field(
        min_length=1,
        max_length=MAX_ACQUISITION_ID,
        description="unique per instrument for ever; at most 200 characters; the pid is derived from it",
        examples=["odin-000042", "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10"],
    )
    revision: int = Field(
        0,
        ge=0,
        le=2**53 - 1,
        description="0 for the first event of an acquisition, higher for a correction",
        examples=[0],
    )
    status: Literal["completed", "aborted", "failed", "cancelled"] = Field(
        "completed", description="how it ended; mapping.on_status says what becomes of each", examples=["completed"]
    )
    pid: VisibleText | None = Field(
        None,
        description="full pid; default: {pid_prefix}/{uuid derived from acquisitionId}",
        examples=["20.500.12345/6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10"],
    )
    type: Literal["raw", "derived"] = Field(
        "raw", description="derived needs inputDatasets and usedSoftware", examples=["raw"]
    )
    title: str | None = Field(None, description="datasetName; default: acquisitionId", examples=["Fe3O4 at 5 K"])
    description: str | None = Field(None, description="free text", examples=["Overnight tomography"])
    keywords: Many[str] | None = Field(None, description="tags", examples=[["tomography"]])
    comment: str | None = Field(None, description="free text", examples=["beam was unstable"])
    instrument: Instrument | None = Field(None, description="where", examples=[{"id": "ODIN"}])
    proposal: Proposal | None = Field(None, description="what for", examples=[{"id": "p1001"}])
    sample: Sample | None = Field(None, description="of what", examples=[{"id": "sample-17"}])
    owner: Owner | None = Field(None, description="who", examples=[{"name": "Ada Lovelace"}])
    contactEmail: str | None = Field(
        None, description="default: owner.email, then mapping.contact_email", examples=["ada@example.org"]
    )
    groups: Groups | None = Field(None, description="who may see it", examples=[{"owner": "p1001"}])
    startedAt: EventTime | None = Field(
        None, description="RFC 3339 with offset", examples=["2026-04-22T10:40:00+02:00"]
    )
    endedAt: EventTime | None = Field(
        None,
        description="RFC 3339 with offset; creationTime, else startedAt, else the record's timestamp",
        examples=["2026-04-22T10:54:53.642+02:00"],
    )
    runNumber: TextOrInteger | None = Field(None, description="number or name of the run", examples=[42, "42a"])
    source: Source | None = Field(None, description="where the files are", examples=[{"folder": "/data/odin/run42"}])
    files: Many[File] | None = Field(
        None,
        description="the files, at most 2 000; exactly one of files, fileManifest, scan, noFiles",
        examples=[[{"path": "run42.nxs", "size": 1048576}]],
    )
    fileManifest: FileManifest | None = Field(None, description="a longer list, kept elsewhere", examples=[None])
    scan: Scan | None = Field(None, description="look into source.folder", examples=[None])
    noFiles: bool | None = Field(None, description="true: the dataset has no files", examples=[True])
    filesMode: Literal["complete", "additional"] = Field(
        "complete", description="whether `files` are all files, or come on top of earlier ones", examples=["complete"]
    )
    checksumAlgorithm: str | None = Field(
        None,
        min_length=1,
        description="chkAlg: a name that Python's hashlib knows, xxh3_64 or xxh3_128",
        examples=["sha256"],
    )
    attachments: Many[EventAttachment] | None = Field(
        None, description="previews", examples=[[{"caption": "Sum of all frames"}]]
    )
    metadata: dict[str, Any] | None = Field(
        None,
        description="scientificMetadata; quantities as {value, unit}",
        examples=[{"temperature": {"value": 5, "unit": "K"}}],
    )
    metadataSchema: str | None = Field(
        None, description="scientificMetadataSchema, a link", examples=["https://schemas.example.org/imaging.json"]
    )
    techniques: Many[EventTechnique] | None = Field(None, description="PaNET terms", examples=[[]])
    dataFormat: str | None = Field(None, description="format of the files", examples=["NeXus"])
    license: str | None = Field(None, description="name of the licence", examples=["CC-BY-4.0"])
    classification: str | None = Field(None, description="ACIA string", examples=["IN=medium,AV=low,CO=low"])
    inputDatasets: Many[InputDataset] | None = Field(
        None,
        description="what a derived dataset was made from: pids, or {instrument, acquisitionId}",
        examples=[["20.500.12345/abc", {"instrument": "ODIN", "acquisitionId": "odin-000041"}]],
    )
    usedSoftware: Many[str] | None = Field(
        None, description="links to the software, with version", examples=[["https://example.org/scipp@24.1"]]
    )
    jobParameters: dict[str, Any] | None = Field(None, description="of the processing", examples=[{"bins": 100}])
    jobLogData: str | None = Field(None, description="log of the processing, kept short", examples=["done in 3 s"])
    dataset: dict[str, Any] | None = Field(
        None,
        description="fields of SciCat's v4 dataset, verbatim; they win over what was derived",
        examples=[{"validationStatus": "good"}],
    )
    origdatablock: dict[str, Any] | None = Field(
        None, description="fields of SciCat's v4 origdatablock, verbatim", examples=[{"chkAlg": "sha256"}]
    )
    extensions: dict[str, Any] | None = Field(
        None, description="anything else; kept out of SciCat", examples=[{"daq": {"host": "daq7"}}]
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_the_default(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            return {name: item for name, item in value.items() if item is not None}
        return value
