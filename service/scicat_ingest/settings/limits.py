"""Settings of how much, how long, and what is said."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scicat_ingest.settings.values import Group


class LimitsSettings(Group):
    """Bounds on what is taken in and on what goes out."""

    requests_per_second: float | None = Field(
        default=50,
        gt=0,
        description="requests to SciCat of all replicas together: each takes the share of the partitions that it owns; "
        "null: as many as it can",
    )
    max_concurrency: int = Field(
        default=32,
        ge=1,
        le=256,
        description="most records delivered at once; it begins with 2 and finds out how many SciCat bears. Those that "
        "wait for a retry do not count",
    )
    held_records: int = Field(default=2000, ge=10, description="records in memory, of all partitions together")
    held_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=4 * 1024 * 1024,
        description="their size; a decoded record takes about five times as much. A larger record is admitted alone",
    )
    partition_records: int = Field(default=500, ge=10, description="records in memory of one partition")
    max_event_bytes: int = Field(default=16 * 1024 * 1024, ge=1, description="size of a record's value")
    max_event_depth: int = Field(default=64, ge=2, le=200, description="nesting of objects and arrays in an event")
    max_inline_files: int = Field(default=2000, ge=1, description="files listed in an event")
    max_thumbnail_bytes: int = Field(default=200_000, ge=1, description="length of a thumbnail's data URL")
    max_attachments: int = Field(default=100, ge=1, description="attachments in an event")
    max_block_files: int = Field(default=2000, ge=1, le=20_000, description="files in one origdatablock")
    max_block_bytes: int = Field(default=200 * 10**9, ge=1, description="sum of the file sizes in one origdatablock")


class RetrySettings(Group):
    """How long a request that may succeed later is repeated: full jitter, doubling."""

    first_delay_seconds: float = Field(default=0.5, gt=0)
    max_delay_seconds: float = Field(default=60, gt=0)
    max_age_seconds: float = Field(
        default=1800, gt=0, description="then a record that fails while SciCat is healthy becomes a dead letter"
    )


class LogSettings(Group):
    """What is written to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "text"] = Field(default="auto", description="auto: text on a terminal, else JSON")
