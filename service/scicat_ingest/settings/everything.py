"""All settings together, and how they are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import yaml
from pydantic import BeforeValidator, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from scicat_ingest.faults import InvalidSettings
from scicat_ingest.settings.files import FilesSettings
from scicat_ingest.settings.joins import JoinsSettings
from scicat_ingest.settings.kafka import KafkaSettings
from scicat_ingest.settings.limits import LimitsSettings, LogSettings, RetrySettings
from scicat_ingest.settings.lint import LintSettings
from scicat_ingest.settings.mapping import MappingSettings
from scicat_ingest.settings.nexus import NexusSettings
from scicat_ingest.settings.ops import OpsSettings
from scicat_ingest.settings.previews import PreviewsSettings
from scicat_ingest.settings.registry import RegistrySettings
from scicat_ingest.settings.scicat import LookupsSettings, ScicatSettings
from scicat_ingest.settings.sources import SourceSettings
from scicat_ingest.settings.tracing import TracingSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

ENV_PREFIX = "SCICAT_INGEST_"
CONFIG_VARIABLE = "SCICAT_INGEST_CONFIG"


def _one_or_more(sources: Any) -> Any:
    if isinstance(sources, (list, tuple)) and not sources:
        raise ValueError("at least one source is needed")
    return sources


Sources = Annotated[tuple[SourceSettings, ...], BeforeValidator(_one_or_more)]


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    mapping: MappingSettings
    kafka: KafkaSettings = KafkaSettings()
    sources: Sources = (SourceSettings(),)
    scicat: ScicatSettings = ScicatSettings()
    lookups: LookupsSettings = LookupsSettings()
    lint: LintSettings = LintSettings()
    files: FilesSettings = FilesSettings()
    nexus: NexusSettings = NexusSettings()
    previews: PreviewsSettings = PreviewsSettings()
    joins: JoinsSettings = JoinsSettings()
    registry: RegistrySettings = RegistrySettings()
    limits: LimitsSettings = LimitsSettings()
    retry: RetrySettings = RetrySettings()
    ops: OpsSettings = OpsSettings()
    tracing: TracingSettings = TracingSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (pydantic-settings passes all of them by name)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, whose content comes as arguments."""
        return (env_settings, init_settings)


class EmitSettings(Settings):
    """The settings that `emit` needs, Kafka and the topics; the rest may be missing and is not looked at."""

    model_config = SettingsConfigDict(extra="ignore")

    mapping: Any = None
    scicat: Any = None


AnySettings = TypeVar("AnySettings", bound=Settings)


def load_settings(model: type[AnySettings], config: Path | None = None) -> AnySettings:
    """Read the settings from `config` (else the file that SCICAT_INGEST_CONFIG names) and the environment.

    Raises InvalidSettings that names every wrong setting, and never shows a secret.
    """
    if config is None and os.environ.get(CONFIG_VARIABLE):
        config = Path(os.environ[CONFIG_VARIABLE])
    document = {"mapping": {}} | (_read_yaml(config) if config else {})
    _refuse_unknown_groups(model)
    try:
        return model(**document)
    except ValidationError as error:
        origin = f"in {config} or the environment" if config else "in the environment (no --config was given)"
        wrong = "\n".join(f"  {_describe(fault)}" for fault in error.errors(include_url=False, include_input=False))
        raise InvalidSettings(f"settings {origin} are wrong:\n{wrong}") from None
    except SettingsError as error:
        raise InvalidSettings(f"an environment variable is not the JSON that was expected: {error}") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettings(f"cannot read the settings file {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"the settings file {path} is not YAML: {error}") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InvalidSettings(f"the settings file {path} must hold groups such as `kafka:`")
    return {str(name): value for name, value in document.items()}


def _refuse_unknown_groups(model: type[Settings]) -> None:
    """Catch SCICAT_INGEST_KAFAK__…, which pydantic-settings would ignore.

    Names without `__` are left alone: Kubernetes makes such ones (SCICAT_INGEST_SERVICE_HOST) for a Service.
    """
    for name in os.environ:
        group, nested, _ = name.removeprefix(ENV_PREFIX).partition("__")
        if name.startswith(ENV_PREFIX) and nested and group.lower() not in model.model_fields:
            raise InvalidSettings(f"environment variable {name}: there is no group of settings {group.lower()!r}")


def _describe(fault: Mapping[str, Any]) -> str:
    path = ".".join(str(part) for part in fault["loc"])
    match fault["type"]:
        case "missing":
            variable = ENV_PREFIX + path.upper().replace(".", "__")
            return f"{path}: is missing and has no default; set it in the YAML file or as {variable}"
        case "extra_forbidden":
            return f"{path}: there is no such setting"
        case _:
            return f"{path}: {str(fault['msg']).removeprefix('Value error, ')}"
