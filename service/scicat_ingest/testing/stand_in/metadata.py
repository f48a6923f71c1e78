"""Scientific metadata: encoded keys, SI values, and the contents that break later writes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

UNRESERVED = "-_~!*'()"
"""What JavaScript's encodeURIComponent leaves alone beside letters and digits; the backend encodes the dot as well."""

SI = {
    "m": (1.0, "m"), "km": (1e3, "m"), "cm": (1e-2, "m"), "mm": (1e-3, "m"), "um": (1e-6, "m"), "nm": (1e-9, "m"),
    "s": (1.0, "s"), "ms": (1e-3, "s"), "us": (1e-6, "s"), "ns": (1e-9, "s"), "min": (60.0, "s"), "h": (3600.0, "s"),
    "kg": (1.0, "kg"), "g": (1e-3, "kg"), "mg": (1e-6, "kg"), "K": (1.0, "K"), "A": (1.0, "A"), "mA": (1e-3, "A"),
}  # fmt: skip
"""The few units that the stand-in converts. The backend has mathjs's hundreds; an unknown unit is copied through."""


def prepare(metadata: Any) -> Any:
    """Return metadata as it is stored: with SI values, and keys encoded however deep they are.

    A string or a list becomes an object by position, as JavaScript's Object.keys sees it.
    """
    if isinstance(metadata, str | list):
        metadata = {str(position): item for position, item in enumerate(metadata)}
    return encode_keys(_with_si(metadata)) if isinstance(metadata, dict) else metadata


def encode_key(key: str) -> str:
    """Return a key as stored: percent-encoded, unless it already is."""
    return quote(key, safe=UNRESERVED).replace(".", "%2E") if unquote(key) == key else key


def encode_keys(value: Any) -> Any:
    """Return objects within objects with encoded keys; lists are left as they are."""
    if not isinstance(value, dict):
        return value
    return {encode_key(key): encode_keys(item) for key, item in value.items()}


def decode_keys(value: Any) -> Any:
    """Return what v3 shows: the keys as they were sent."""
    if not isinstance(value, dict):
        return value
    return {unquote(key): decode_keys(item) for key, item in value.items()}


def is_poison(metadata: Any) -> bool:
    """Return whether a null or an empty key at the top breaks every later write to the dataset.

    Seen on master after 2026-02-10, in the module that keeps an index of the keys; null deeper down is harmless.
    """
    return isinstance(metadata, dict) and any(value is None or key == "" for key, value in metadata.items())


def _with_si(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: _quantity(value) if isinstance(value, dict) else value for key, value in metadata.items()}


def _quantity(item: dict[str, Any]) -> dict[str, Any]:
    value, unit = item.get("value"), item.get("unit")
    if value is None or not isinstance(unit, str) or not unit:
        return _with_si(item)
    if isinstance(value, bool) or not isinstance(value, int | float) or unit not in SI:
        return item | {"valueSI": value, "unitSI": unit}
    factor, base = SI[unit]
    converted = value if unit == base else value * factor
    return item | {"valueSI": converted, "unitSI": base}
