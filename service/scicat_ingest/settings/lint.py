"""Settings of lint."""

from __future__ import annotations

from scicat_ingest.settings.values import Group


class LintSettings(Group):
    """What is looked for in an event before it is posted: docs/lint.md."""
