"""Settings of what is shown to operators and to Prometheus."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scicat_ingest.settings.values import Group, Switch


class OpsSettings(Group):
    """The server for probes, metrics and the status page: docs/ops.md."""

    enabled: Switch = Field(default="on", description="off: no server; then Kubernetes cannot see how the service does")
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="address to listen on; in a pod its own address, or 0.0.0.0",
    )
    port: int = Field(default=8080, ge=0, le=65535, description="0: any that is free; the log says which")
    token_file: Path | None = Field(
        default=None,
        description="file with a token that all but /livez and /readyz ask for: as a bearer token, or as the password "
        "of any user in a browser; read at every request",
    )
    show_payloads: Switch = Field(
        default="off",
        description="on: the status page shows the texts of faults, which may quote values of events",
    )
