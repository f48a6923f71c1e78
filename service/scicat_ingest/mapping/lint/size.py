"""How large metadata are."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_json


def json_bytes(value: Any) -> int:
    """Give the length of a value as JSON."""
    try:
        return len(to_json(value))
    except ValueError:  # half of a surrogate pair
        return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
