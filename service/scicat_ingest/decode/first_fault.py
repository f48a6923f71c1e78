"""From pydantic's errors to one fault with the path of the field and what was expected."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from scicat_ingest.decode.field_path import write_path
from scicat_ingest.faults import InvalidEvent, InvalidField, MissingField, UnknownField

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXCERPT = 80
_IN_JSON = {"dict_type": "expected an object", "model_type": "expected an object", "list_type": "expected an array"}
"""What pydantic calls by the names of Python."""


def first_fault(errors: Sequence[Any], document: Any, prefix: str = "") -> InvalidEvent:
    """Turn pydantic's errors into one fault: the first one in full, and how many more there are."""
    first = errors[0]
    field = prefix + _field_path(first["loc"], document)
    more = f" (and {len(errors) - 1} more of the event's fields are wrong)" if len(errors) > 1 else ""
    null = first["input"] is None and isinstance(first["loc"][-1], str)  # no item of an array
    if null or first["type"] == "missing":
        hint = "send the event again with one; then purge this letter" if field == "acquisitionId" else None
        return MissingField(f"is needed and missing{more}", field=field, hint=hint)
    if first["type"] == "extra_forbidden":
        return UnknownField(f"SciCat has no such field{more}", field=field)
    expected = _IN_JSON.get(first["type"]) or _expected(str(first["msg"]))
    return InvalidField(f"{expected}, got {excerpt(first.get('input'))}{more}", field=field)


def _expected(message: str) -> str:
    message = message.removeprefix("Value error, ")
    message = re.sub("^Input should be (?=greater|less)", "expected a number ", message)
    return re.sub("^(Input should be|String should have|List should have)", "expected", message)


def _field_path(location: Sequence[str | int], document: Any) -> str:
    """Write pydantic's location as `files[3].size`, without the names of union members that it puts in between."""
    steps: list[str | int] = []
    here = document
    for index, part in enumerate(location):
        if isinstance(part, int):
            steps.append(part)
            here = here[part] if isinstance(here, list) and part < len(here) else None
        elif isinstance(here, dict) and (part in here or index == len(location) - 1):
            steps.append(part)
            here = here.get(part)
    return write_path(steps)


def excerpt(value: Any) -> str:
    """Show a value in a message: as JSON, not too long."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "an array"
    text = json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
