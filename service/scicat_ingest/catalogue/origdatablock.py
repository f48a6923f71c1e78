"""The v4 origdatablock (CreateOrigDatablockDto and DataFile of the backend's OpenAPI document)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ConfigDict, Field

from scicat_ingest.catalogue.document import Count, Document, Flag, Many, NonEmpty, Text
from scicat_ingest.catalogue.times import Instant  # noqa: TC001 (pydantic reads the annotations)


@dataclass(slots=True)
class DataFile:
    """One file of a block; SciCat takes uid, gid and perm as strings only.

    Made of what was checked before, a million times for some datasets: a dataclass takes a third of a model's time,
    and a frozen one twice that of one that is not.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    path: NonEmpty
    """Relative to the dataset's sourceFolder."""
    size: Count
    """Bytes."""
    time: Instant
    """Last modification."""
    chk: Text | None = None
    """Checksum by the block's chkAlg."""
    uid: Text | None = None
    gid: Text | None = None
    perm: Text | None = None
    type: Text | None = None


class OrigDatablock(Document):
    """A list of files as POSTed to v4; it has no id that a client could set."""

    datasetId: NonEmpty = Field(description="pid of the dataset")
    size: Count = Field(description="sum of the files' sizes, bytes")
    dataFileList: Many[DataFile] = Field(min_length=1)
    chkAlg: NonEmpty | None = Field(default=None, description="name of the checksum algorithm; not empty")
    ownerGroup: Text | None = Field(default=None, description="the dataset's; SciCat overwrites another value")
    accessGroups: Many[Text] | None = None
    instrumentGroup: Text | None = None
    isPublished: Flag | None = None
