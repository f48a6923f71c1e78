"""Settings of files."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from scicat_ingest.settings.values import Group


class FilesSettings(Group):
    """How file lists are made and verified: docs/file-lists.md."""

    mounts: Mapping[str, str] = Field(
        default={},
        description="where folders are mounted here that events know by another path, such as {/ess/data: /mnt/ess}",
    )
    wait_seconds: float = Field(default=300, ge=0, description="how long a record waits for a file that is not there")
