"""Settings of the schema registry."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, HttpUrl, SecretStr, model_validator

from scicat_ingest.settings.values import Group


class RegistrySettings(Group):
    """The Confluent Schema Registry: docs/formats.md."""

    url: HttpUrl | None = Field(
        default=None, description="its address; needed where a source takes the format `schema_registry`"
    )
    username: str | None = Field(default=None, description="for HTTP basic authentication")
    password: SecretStr | None = None
    password_file: Path | None = Field(default=None, description="file with the password; read at every request")
    ca_file: Path | None = Field(default=None, description="CA certificates (PEM); default: the system's")
    timeout_seconds: float = Field(
        default=10, gt=0, le=300, description="for an answer; a record waits and tries again after that"
    )

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("give only one of password, password_file")
        if (self.username is None) != (self.password is None and self.password_file is None):
            raise ValueError("username and password (or password_file) go together")
        return self
