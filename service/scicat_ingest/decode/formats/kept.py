"""How much memory JSON values take while they are kept."""

from __future__ import annotations

from typing import Any

_VALUE_BYTES = 64
"""A Python object and the reference to it, about."""


def kept_bytes(value: Any) -> int:
    """Estimate the bytes that a JSON value takes; of the same order as the truth, and never much less."""
    total = 0
    level = [value]
    while level:
        item = level.pop()
        total += _VALUE_BYTES
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, dict):
            total += sum(_VALUE_BYTES + len(name) for name in item)
            level.extend(item.values())
        elif isinstance(item, list):
            level.extend(item)
    return total
