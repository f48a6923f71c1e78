"""Settings of previews."""

from __future__ import annotations

from scicat_ingest.settings.values import Group


class PreviewsSettings(Group):
    """How previews are made: docs/previews.md."""
