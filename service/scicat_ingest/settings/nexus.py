"""Settings of nexus."""

from __future__ import annotations

from scicat_ingest.settings.values import Group


class NexusSettings(Group):
    """How NeXus and HDF5 files are read: docs/nexus.md."""
