"""Settings of previews."""

from __future__ import annotations

from pydantic import Field

from scicat_ingest.settings.values import Group


class PreviewsSettings(Group):
    """How previews are made: docs/previews.md."""

    max_bytes: int = Field(
        default=150_000,
        ge=5_000,
        description="length of a preview's data URL; no more than `limits.max_thumbnail_bytes`",
    )
    max_edge: int = Field(
        default=800, ge=50, le=4000, description="pixels of a picture's longer edge; a larger one is scaled down"
    )
    max_pixels: int = Field(
        default=100_000_000, ge=1, description="pixels of a picture file; one that claims more is not opened"
    )
    max_file_bytes: int = Field(
        default=512 * 1024 * 1024, ge=1, description="size of a picture file; a larger one is not opened"
    )
    max_read_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=1024 * 1024,
        description="how much of a data set is read for a plot, uncompressed; of a larger one a sample is drawn",
    )
