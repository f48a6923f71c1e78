"""The settings: one YAML file under environment variables; secrets come from files or the environment.

`SCICAT_INGEST_KAFKA__BOOTSTRAP_SERVERS` sets `kafka.bootstrap_servers`, and so on for every name below; lists and
objects are given as JSON. An environment variable wins over the file.
"""

from scicat_ingest.settings.everything import CONFIG_VARIABLE, ENV_PREFIX, EmitSettings, Settings, load_settings
from scicat_ingest.settings.example import example_settings
from scicat_ingest.settings.files import FilesSettings
from scicat_ingest.settings.joins import JoinsSettings
from scicat_ingest.settings.kafka import KafkaSettings
from scicat_ingest.settings.limits import LimitsSettings, LogSettings, RetrySettings
from scicat_ingest.settings.lint import LintSettings
from scicat_ingest.settings.mapping import MappingSettings, StatusPolicies
from scicat_ingest.settings.nexus import NexusSettings
from scicat_ingest.settings.ops import OpsSettings
from scicat_ingest.settings.previews import PreviewsSettings
from scicat_ingest.settings.registry import RegistrySettings
from scicat_ingest.settings.scicat import LookupsSettings, ScicatSettings
from scicat_ingest.settings.sources import SourceSettings
from scicat_ingest.settings.tracing import TracingSettings
from scicat_ingest.settings.values import (
    FormatName,
    Group,
    LintDoubt,
    LintNeed,
    LintPolicy,
    OnConflict,
    Protected,
    StatusPolicy,
    Switch,
)

__all__ = [
    "CONFIG_VARIABLE",
    "ENV_PREFIX",
    "EmitSettings",
    "FilesSettings",
    "FormatName",
    "Group",
    "JoinsSettings",
    "KafkaSettings",
    "LimitsSettings",
    "LintDoubt",
    "LintNeed",
    "LintPolicy",
    "LintSettings",
    "LogSettings",
    "LookupsSettings",
    "MappingSettings",
    "NexusSettings",
    "OnConflict",
    "OpsSettings",
    "PreviewsSettings",
    "Protected",
    "RegistrySettings",
    "RetrySettings",
    "ScicatSettings",
    "Settings",
    "SourceSettings",
    "StatusPolicies",
    "StatusPolicy",
    "Switch",
    "TracingSettings",
    "example_settings",
    "load_settings",
]
