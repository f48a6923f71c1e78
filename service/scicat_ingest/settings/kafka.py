"""Settings of Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from scicat_ingest.settings.values import Group


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
