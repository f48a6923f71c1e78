"""Settings of formats that tell an acquisition in several records."""

from __future__ import annotations

from pydantic import Field

from scicat_ingest.settings.values import Group


class JoinsSettings(Group):
    """How long and how much of unfinished runs is kept: docs/formats.md."""

    ttl_seconds: float = Field(default=172_800, gt=0, description="a run that has not ended after so long is given up")
    max_runs: int = Field(default=10_000, ge=1, description="unfinished runs; the oldest is given up for a further one")
    max_bytes: int = Field(default=64 * 1024 * 1024, ge=1024 * 1024, description="what is kept of them, together")
    max_run_bytes: int = Field(default=16 * 1024 * 1024, ge=1024, description="what is kept of one run")
