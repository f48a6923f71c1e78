"""How much memory JSON values take while they are kept."""

from __future__ import annotations

from typing import Any

_VALUE_BYTES = 64
"""A Python object and the reference to it, about."""


def kept_bytes(value: Any) -> int:
    """Estimate the bytes that a JSON value takes: at least half of what Python needs, and not many times as much."""
    total = 0
    level = [value]
    while level:
        item = level.pop()
        total += _VALUE_BYTES
        if isinstance(item, str):
            total += _text_bytes(item)
        elif isinstance(item, dict):
            total += sum(_VALUE_BYTES + _text_bytes(name) for name in item)
            level.extend(item.values())
        elif isinstance(item, list):
            level.extend(item)
    return total


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else 4 * len(text)
