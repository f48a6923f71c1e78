"""Settings for trying mapping files where there are none yet, and for the examples that come with the service."""

from __future__ import annotations

from scicat_ingest.settings.everything import Settings
from scicat_ingest.settings.mapping import MappingSettings

EXAMPLE_MAPPING = MappingSettings.model_validate(
    {
        "pid_prefix": "20.500.12345",
        "namespace": "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
        "fallback_owner_group": "unassigned",
        "contact_email": "data@facility.example",
        "owner": "Facility",
    }
)


def example_settings() -> Settings:
    """Give settings of a facility that does not exist: prefix 20.500.12345, groups as proposals are called."""
    return Settings.model_construct(mapping=EXAMPLE_MAPPING)
