"""Settings of nexus."""

from __future__ import annotations

from pydantic import Field

from scicat_ingest.settings.values import Group

_MIB = 1024 * 1024


class NexusSettings(Group):
    """How NeXus and HDF5 files are read: docs/nexus.md."""

    processes: int = Field(
        default=2, ge=1, le=64, description="reader processes at once, of 80 to 250 MB each, for values and previews"
    )
    timeout_seconds: float = Field(
        default=60, gt=0, le=3600, description="time for reading one file, before its process is killed"
    )
    max_memory_bytes: int = Field(
        default=2048 * _MIB, ge=512 * _MIB, description="address space of a reader process; what needs more is refused"
    )
    max_values: int = Field(
        default=100, ge=1, le=10_000, description="elements of an array that is given whole; a larger one is summarised"
    )
    max_text: int = Field(
        default=100_000, ge=1, le=10_000_000, description="characters of one text; a longer one counts as missing"
    )
    max_summary_bytes: int = Field(
        default=256 * _MIB,
        ge=0,
        description="size of a data set that is read for its minimum, maximum and mean; of a larger one only shape and "
        "type are given",
    )
    max_objects: int = Field(
        default=10_000, ge=1, le=1_000_000, description="groups and data sets that one `glob` may come across"
    )
