"""Settings of registry."""

from __future__ import annotations

from scicat_ingest.settings.values import Group


class RegistrySettings(Group):
    """The Confluent Schema Registry: docs/formats.md."""
