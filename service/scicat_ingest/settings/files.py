"""Settings of files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from scicat_ingest.settings.values import Group, Switch


class FilesSettings(Group):
    """How file lists are made and verified: docs/file-lists.md."""

    mounts: Mapping[str, str] = Field(
        default={},
        description="where folders are mounted here that events know by another path, such as {/ess/data: /mnt/ess}",
    )
    wait_seconds: float = Field(default=300, ge=0, description="how long a record waits for a file that is not there")
    stable_seconds: float = Field(
        default=10, ge=0, description="a folder or manifest that changed less than this ago is waited for"
    )
    max_files: int = Field(default=500_000, ge=1, description="files of one dataset that a manifest or a scan gives")
    threads: int = Field(default=2, ge=1, le=64, description="file lists that are made at once")
    manifest_hosts: frozenset[str] = Field(
        default=frozenset(),
        description="hosts, or host:port, that manifests may be fetched from by https; default: none",
    )
    manifest_ca_file: Path | None = Field(
        default=None, description="their certificate authority; default: the system's"
    )
    manifest_timeout_seconds: float = Field(default=300, gt=0, description="time for fetching one manifest")
    max_manifest_bytes: int = Field(
        default=1024**3, ge=1, description="size of a manifest, also once it is expanded (.gz)"
    )
    links: Literal["skip", "inside", "refuse"] = Field(
        default="skip",
        description="symbolic links that a scan finds. skip: left out, with a warning; inside: a link to a file below "
        "the source's roots counts as that file; refuse: a dead letter. Links to folders are never followed",
    )
    hidden: Switch = Field(default="off", description="on: a scan lists also what begins with a dot")
    owners: Literal["id", "name"] = Field(default="id", description="how a scan gives uid and gid")
    sidecars: Switch = Field(
        default="on", description="on: a scan takes checksums from run.nxs.sha256, SHA256SUMS and the like"
    )
    checksums: Literal["off", "sha256", "blake2b", "xxh3_64", "xxh3_128"] = Field(
        default="off", description="made of files that have none, in scans and lists; an event's `scan.checksums` wins"
    )
    checksum_bytes_per_second: float | None = Field(
        default=200_000_000, gt=0, description="how fast all files together are read for it; null: as fast as it goes"
    )
    stat: Switch = Field(
        default="off", description="on: what a given list does not say (size, time, uid, gid, perm) is looked up"
    )
    verify: Literal["off", "size", "all"] = Field(
        default="off", description="compare given lists with the files: their sizes, or sizes and checksums"
    )
    on_mismatch: Literal["warn", "reject"] = Field(
        default="reject", description="what becomes of a dataset whose file is another one than its list says"
    )

    @property
    def looks_at_listed_files(self) -> bool:
        """Whether the files of a list that an event gives are looked at."""
        return self.stat == "on" or self.verify != "off" or self.checksums != "off"
