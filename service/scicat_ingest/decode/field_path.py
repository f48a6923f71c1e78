"""Paths of fields, as messages show them: `files[3].size`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONG_NAME = 80
_LONG_PATH = 500


def shown_name(name: str) -> str:
    """Give a name as a path shows it: not too long, and always Unicode."""
    shown = name if len(name) <= _LONG_NAME else f"{name[:_LONG_NAME]}…"
    return shown.encode("utf-8", "replace").decode()


def write_path(steps: Iterable[str | int]) -> str:
    """Write names and indices as a path, not too long: a hostile event has names of megabytes."""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{shown_name(step)}" if path else shown_name(step)
    return path if len(path) <= _LONG_PATH else f"{path[:_LONG_PATH]}…"
