"""Settings of the catalogue, and of what it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator

from scicat_ingest.settings.values import Group, GroupName, OnConflict, Switch, backend_root


def _with_pid(template: str) -> str:
    if "{pid}" not in template:
        raise ValueError("expected an address with {pid} in it, such as https://scicat.example.org/datasets/{pid}")
    return template


class ScicatSettings(Group):
    """The catalogue, and who we are there."""

    url: Annotated[HttpUrl, AfterValidator(backend_root)] | None = Field(
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
    dataset_page: Annotated[str, AfterValidator(_with_pid)] | None = Field(
        default=None,
        description="address of a dataset for people, such as https://scicat.example.org/datasets/{pid}, for outcomes",
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
    connect_timeout_seconds: float = Field(
        default=5, gt=0, description="for a new connection, up to the first byte that is sent"
    )
    read_timeout_seconds: float = Field(
        default=30, gt=0, description="for a GET; what connecting has left of its time comes on top"
    )
    write_timeout_seconds: float = Field(default=50, gt=0, description="for a POST or PATCH, likewise")

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        ways = [self.token, self.token_file, self.password, self.password_file]
        if sum(way is not None for way in ways) > 1:
            raise ValueError("give only one of token, token_file, password, password_file")
        if (self.username is None) != (self.password is None and self.password_file is None):
            raise ValueError("username and password (or password_file) go together")
        return self


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
