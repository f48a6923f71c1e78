"""Settings of the input topics."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scicat_ingest.settings.values import FormatName, Group, PidPrefix, Protected, Switch


class SourceSettings(Group):
    """One input topic, and what its events may do (an allow-list)."""

    topic: str = "scicat.acquisitions"
    formats: frozenset[FormatName] = Field(
        default=frozenset({"json"}),
        description="what its records may be, besides JSON and CloudEvents: docs/formats.md",
    )
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
    on_lane_failure: Literal["continue", "hold", "dead_letter"] = Field(
        default="continue",
        description="what becomes of later records of an acquisition of which one is a dead letter: each is judged on "
        "its own; or nothing is published, and they wait until the service is started again; or they become dead "
        "letters too, to be replayed in their order",
    )
    unmatched: Literal["dead_letter", "ignore"] = Field(
        default="dead_letter", description="what becomes of a CloudEvent of another type"
    )
