"""`scicat-ingest schema`: the formats, as JSON Schema."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.event import AcquisitionCompleted

if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
examples:
  scicat-ingest schema event > acquisition-completed.schema.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("format", choices=["event"], help="event: what producers send (AcquisitionCompleted v1)")


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 (the only format so far)
    """Print the schema."""
    sys.stdout.write(json.dumps(event_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0


def event_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of the native event."""
    schema = AcquisitionCompleted.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        for name, field in part["properties"].items():
            if name not in part.get("required", ()):
                _allow_null(field)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _allow_null(field: dict[str, Any]) -> None:
    """Let a field that has a default be null, which means "not given"."""
    if {"type": "null"} in field.get("anyOf", ()):
        return
    said = {
        name: field.pop(name) for name in list(field) if name not in ("title", "description", "default", "examples")
    }
    field["anyOf"] = [said, {"type": "null"}]
