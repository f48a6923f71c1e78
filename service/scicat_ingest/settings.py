"""The settings: one YAML file under environment variables; secrets come from files or the environment.

`SCICAT_INGEST_KAFKA__BOOTSTRAP_SERVERS` sets `kafka.bootstrap_servers`, and so on for every name below; lists and
objects are given as JSON. An environment variable wins over the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from scicat_ingest.faults import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

ENV_PREFIX = "SCICAT_INGEST_"
CONFIG_VARIABLE = "SCICAT_INGEST_CONFIG"


def _existing_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("expected an IANA time zone, such as Europe/Berlin") from None
    return name


def _backend_root(url: HttpUrl) -> HttpUrl:
    for ending in ("/api", "/api/", "/api/v3", "/api/v3/", "/api/v4", "/api/v4/"):
        if (url.path or "").endswith(ending):
            raise ValueError("give the backend's address without /api, such as https://scicat.example.org")
    return url


def _without_slash(prefix: str) -> str:
    prefix = prefix.strip().rstrip("/")
    if not prefix:
        raise ValueError("expected a prefix, such as 20.500.12345")
    return prefix


def _yaml_switch(value: Any) -> Any:
    """Take YAML's own reading of an unquoted `on` and `off`, which is true and false."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


Switch = Annotated[Literal["off", "on"], BeforeValidator(_yaml_switch)]
PidPrefix = Annotated[str, AfterValidator(_without_slash)]
GroupName = Annotated[str, Field(min_length=1, pattern=r"\S")]
Protected = Literal[
    "pid", "ownerGroup", "accessGroups", "instrumentGroup", "sharedWith", "isPublished", "datasetlifecycle"
]
StatusPolicy = Literal["ingest", "dead_letter", "ignore"]
OnConflict = Literal["keep", "update", "dead_letter"]


class Group(BaseModel):
    """A group of settings; a misspelt name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSettings(Group):
    """Where the records come from and the outcomes go."""

    bootstrap_servers: str | None = Field(default=None, description="host:port, comma-separated; needed to run")
    group_id: str = Field(default="scicat-ingest", description="consumer group; offsets are committed under it")
    group_instance_id: str | None = Field(
        default=None,
        description="static membership: a name that is this replica's own, such as the pod's name in a StatefulSet; "
        "a restart within the session timeout then moves no partitions",
    )
    ingested_topic: str = Field(default="scicat.ingested", description="topic for what was ingested")
    dead_letter_topic: str = Field(default="scicat.dead-letters", description="topic for what could not be")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_password_file: Path | None = Field(default=None, description="file with the password; read at start")
    ca_file: Path | None = Field(default=None, description="CA certificates (PEM) for SSL; default: the system's")
    cert_file: Path | None = Field(default=None, description="client certificate (PEM) for mutual TLS")
    key_file: Path | None = Field(default=None, description="its key (PEM)")
    create_topics: bool = Field(default=False, description="create missing topics at start")
    partitions: int = Field(default=6, ge=1, description="partitions of an input topic that we create")
    replication_factor: int | None = Field(
        default=None, ge=1, description="of topics that we create; default: 3, or the number of brokers if fewer"
    )
    max_message_bytes: int = Field(
        default=1_000_000, ge=10_000, description="largest outcome message; not more than the topics' max.message.bytes"
    )
    session_timeout_seconds: float = Field(
        default=45, ge=6, le=300, description="a member that is silent for so long has died; its partitions move on"
    )
    connect_timeout_seconds: float = Field(default=30, gt=0, description="for the first connection, in seconds")


class SourceSettings(Group):
    """One input topic, and what its events may do (an allow-list)."""

    topic: str = "scicat.acquisitions"
    may_set: frozenset[Protected] = Field(
        default=frozenset(),
        description="protected fields that events of this topic may set to other values than the service gives",
    )
    pid_prefix: PidPrefix | None = Field(default=None, description="default: mapping.pid_prefix")
    instruments: frozenset[str] | None = Field(
        default=None,
        description="instruments that may send here: by id, or by name where an event gives no id; default: any",
    )
    roots: tuple[str, ...] = Field(
        default=(),
        description="templates of the folders that a source folder must be in, such as "
        "/data/{instrument.id}/{proposal.id}; default: any",
    )
    flood_guard: Switch = Field(
        default="on",
        description="on: hold this source when more than 20 dead letters come in a row, or 50 among 200 within 1 h",
    )
    unmatched: Literal["dead_letter", "ignore"] = Field(
        default="dead_letter", description="what becomes of a CloudEvent of another type"
    )


class ScicatSettings(Group):
    """The catalogue, and who we are there."""

    url: Annotated[HttpUrl, AfterValidator(_backend_root)] | None = Field(
        default=None, description="the backend's address without /api; needed to run"
    )
    api: Literal["auto", "v4", "v3"] = Field(default="auto", description="auto: v4, and v3 where v4 is not allowed")
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = Field(default=None, description="file with the password; read at every login")
    token: SecretStr | None = Field(default=None, description="a given token, instead of user name and password")
    token_file: Path | None = Field(default=None, description="file with a token; read again when it is refused")
    ca_file: Path | None = Field(default=None, description="CA certificates (PEM); default: the system's")
    read_back_group: GroupName | None = Field(
        default=None, description="one of the account's groups: goes into accessGroups so that we can verify our work"
    )
    on_conflict: OnConflict = Field(
        default="keep",
        description="a dataset of ours that is there and differs: keep it and report the fields as drift; update what "
        "is still as we wrote it; or dead_letter. A higher revision always updates",
    )
    verify: Literal["when_needed", "always"] = Field(
        default="when_needed",
        description="when_needed: a dataset is read back after a repair, a lost answer, a replay, or more than "
        "10 blocks; always: every one, which also finds blocks of a dataset that was deleted minutes ago",
    )
    exists_by: frozenset[Literal["sourceFolder", "runNumber"]] = Field(
        default=frozenset(),
        description="also take a dataset with these same values for the acquisition's, whatever its pid: one that "
        "an older script made; the account must be allowed to read it",
    )
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, description="the server's MAX_FILE_UPLOAD_SIZE")
    settle_seconds: float = Field(
        default=60, ge=0, description="an incomplete dataset touched less long ago may be someone's work in progress"
    )
    connect_timeout_seconds: float = Field(default=5, gt=0)
    read_timeout_seconds: float = Field(default=30, gt=0, description="for a GET")
    write_timeout_seconds: float = Field(default=50, gt=0, description="for a POST or PATCH")

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        ways = [self.token, self.token_file, self.password, self.password_file]
        if sum(way is not None for way in ways) > 1:
            raise ValueError("give only one of token, token_file, password, password_file")
        if (self.username is None) != (self.password is None and self.password_file is None):
            raise ValueError("username and password (or password_file) go together")
        return self


class StatusPolicies(Group):
    """What becomes of an acquisition that did not complete."""

    aborted: StatusPolicy = "ingest"
    failed: StatusPolicy = "dead_letter"
    cancelled: StatusPolicy = "ignore"


class MappingSettings(Group):
    """How an event becomes a dataset.

    Templates name event fields, with alternatives: `p{proposal.id}`, `{instrument.id|instrument.name}`. One that names
    a field which the event does not have gives nothing.
    """

    pid_prefix: PidPrefix = Field(description="no default: your facility's prefix, such as 20.500.12345")
    namespace: UUID = Field(description="no default: a UUID of your own, never changed, that pids are derived from")
    owner_group: str = Field(default="{proposal.id}", description="template of ownerGroup")
    fallback_owner_group: GroupName = Field(
        description="no default: a restricted group, ownerGroup of events whose template does not resolve"
    )
    access_groups: tuple[str, ...] = Field(default=(), description="templates of accessGroups")
    instrument_group: str | None = Field(default=None, description="template of instrumentGroup")
    creation_location: str = Field(
        default="{instrument.location|instrument.name|instrument.id}", description="template of creationLocation"
    )
    owner: str | None = Field(default=None, description="owner of events that name none")
    contact_email: str | None = Field(default=None, description="contactEmail of events that name none")
    timezone: Annotated[str, AfterValidator(_existing_zone)] | None = Field(
        default=None, description="IANA zone of times without offset; default: such times are refused"
    )
    provenance: bool = Field(default=True, description="write scientificMetadata.ingest, to know our own datasets")
    on_status: StatusPolicies = StatusPolicies()
    unknown_fields: Literal["warn", "reject"] = Field(
        default="warn", description="names close to a known one are always refused"
    )

    @property
    def zone(self) -> tzinfo | None:
        """The zone of times without offset."""
        return ZoneInfo(self.timezone) if self.timezone else None


class LookupsSettings(Group):
    """What SciCat is asked before an event is mapped, and what is done if something is not there: docs/lookups.md."""

    instrument: Switch = Field(default="off", description="the pid of instrument.name, where there is no instrument.id")
    proposal: Switch = Field(default="off", description="people whom the event does not name, and groups for templates")
    sample: Switch = Field(default="off", description="whether the one with sample.id is there")
    ttl_seconds: float = Field(default=600, ge=0, description="how long an answer is good; an absence, at most 30 s")
    wait_seconds: float = Field(default=900, ge=0, description="how long a record waits for what is not there yet")
    on_missing: Literal["ingest_restricted", "dead_letter"] = Field(
        default="ingest_restricted",
        description="then: ingest for mapping.fallback_owner_group alone, with a warning; or dead letter",
    )

    @property
    def kinds(self) -> dict[str, Switch]:
        """Whether each kind of thing is looked up."""
        return {"instrument": self.instrument, "proposal": self.proposal, "sample": self.sample}


class LimitsSettings(Group):
    """Bounds on what is taken in and on what goes out."""

    requests_per_second: float | None = Field(
        default=50,
        gt=0,
        description="requests to SciCat of all replicas together: each takes the share of the partitions that it owns; "
        "null: as many as it can",
    )
    max_concurrency: int = Field(
        default=32,
        ge=1,
        le=256,
        description="most records delivered at once; it begins with 2 and finds out how many SciCat bears. Those that "
        "wait for a retry do not count",
    )
    held_records: int = Field(default=2000, ge=10, description="records in memory, of all partitions together")
    held_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=4 * 1024 * 1024,
        description="their size; a decoded record takes about five times as much. A larger record is admitted alone",
    )
    partition_records: int = Field(default=500, ge=10, description="records in memory of one partition")
    max_event_bytes: int = Field(default=16 * 1024 * 1024, ge=1, description="size of a record's value")
    max_event_depth: int = Field(default=64, ge=2, le=200, description="nesting of objects and arrays in an event")
    max_inline_files: int = Field(default=2000, ge=1, description="files listed in an event")
    max_thumbnail_bytes: int = Field(default=200_000, ge=1, description="length of a thumbnail's data URL")
    max_attachments: int = Field(default=100, ge=1, description="attachments in an event")
    max_block_files: int = Field(default=2000, ge=1, le=20_000, description="files in one origdatablock")
    max_block_bytes: int = Field(default=200 * 10**9, ge=1, description="sum of the file sizes in one origdatablock")


class RetrySettings(Group):
    """How long a request that may succeed later is repeated: full jitter, doubling."""

    first_delay_seconds: float = Field(default=0.5, gt=0)
    max_delay_seconds: float = Field(default=60, gt=0)
    max_age_seconds: float = Field(
        default=1800, gt=0, description="then a record that fails while SciCat is healthy becomes a dead letter"
    )


class LogSettings(Group):
    """What is written to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["auto", "json", "text"] = Field(default="auto", description="auto: text on a terminal, else JSON")


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
    limits: LimitsSettings = LimitsSettings()
    retry: RetrySettings = RetrySettings()
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
