"""What groups of settings are made of."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl


def existing_zone(name: str) -> str:
    """Give the name of a time zone that there is. Raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("expected an IANA time zone, such as Europe/Berlin") from None
    return name


def backend_root(url: HttpUrl) -> HttpUrl:
    """Give an address that does not end in /api. Raises ValueError."""
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
FormatName = Literal["json", "ess", "bluesky", "schema_registry", "icat", "s3"]
LintPolicy = Annotated[Literal["off", "warn", "strip", "reject"], BeforeValidator(_yaml_switch)]
LintDoubt = Annotated[Literal["off", "warn", "reject"], BeforeValidator(_yaml_switch)]
"""For a check whose findings cannot be mended."""
LintNeed = Literal["strip", "reject"]
"""For what SciCat does not bear."""
StatusPolicy = Literal["ingest", "dead_letter", "ignore"]
OnConflict = Literal["keep", "update", "dead_letter"]


class Group(BaseModel):
    """A group of settings; a misspelt name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
