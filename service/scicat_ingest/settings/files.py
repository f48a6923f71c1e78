"""Settings of files."""

from __future__ import annotations

from scicat_ingest.settings.values import Group


class FilesSettings(Group):
    """How file lists are made and verified: docs/file-lists.md."""
