"""What h5py reads, as JSON."""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np

_WHOLE = 10
"""A value may be as long as this many texts."""
_LEAF = 8
"""What a number counts, in characters."""


class Conversion:
    """Of one value, bounded: texts of at most `max_text` characters, ten times that in all.

    Texts end at their first null and are UTF-8, else Latin-1. Arrays of one element are that element, as NeXus writes
    scalars. NaN and infinity are None, enumerations their names, complex numbers {real, imaginary}, compounds objects.
    What has no value in JSON (references, opaque bytes, nothing) raises KeyError.
    """

    def __init__(self, max_text: int) -> None:
        self._max_text = max_text
        self._left = max_text * _WHOLE

    def give(self, value: Any, dtype: np.dtype[Any]) -> Any:
        """Give a scalar or array of this type. Raises KeyError."""
        if isinstance(value, np.ndarray):
            if value.size == 0:
                raise KeyError("it is empty")
            if value.size == 1:
                return self._item(value.reshape(-1)[0], dtype)
        return self._item(value, dtype)

    def _item(self, value: Any, dtype: np.dtype[Any]) -> Any:
        if isinstance(value, np.ndarray):
            if value.size * _LEAF > self._left:
                raise KeyError("it is too large")
            row = h5py.check_vlen_dtype(dtype.base)  # of texts it is the type str
            inner = row if isinstance(row, np.dtype) and value.dtype.kind != "O" else dtype.base
            return [self._item(each, inner) for each in value]
        names = h5py.check_enum_dtype(dtype)
        return self._scalar(value, dtype) if names is None else self._enumerated(int(value), names)

    def _enumerated(self, value: int, names: dict[str, int]) -> Any:
        self._count(_LEAF)
        return next((name for name, number in names.items() if number == value), value)

    def _scalar(self, value: Any, dtype: np.dtype[Any]) -> Any:
        match value:
            case bytes() | str():
                return self._text(value)
            case bool() | np.bool_():
                return bool(value)
            case np.complexfloating():
                return {"real": self._number(float(value.real)), "imaginary": self._number(float(value.imag))}
            case int() | np.integer():
                return self._number(int(value))
            case float() | np.floating():
                return self._number(float(value))
            case np.void() if dtype.names:
                return {self._text(name): self._item(value[name], dtype[name]) for name in dtype.names}
            case h5py.Empty():
                raise KeyError("it is empty")
            case h5py.Reference() | h5py.RegionReference():
                raise KeyError("it is a reference, which has no value")
        raise KeyError("its type has no value in JSON")

    def _number(self, value: float) -> int | float | None:
        self._count(_LEAF)
        return value if math.isfinite(value) else None

    def _text(self, value: bytes | str) -> str:
        raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        raw = raw.split(b"\0", 1)[0]
        if len(raw) > 4 * self._max_text:
            raise KeyError(f"it is a text of {len(raw)} bytes, more than nexus.max_text ({self._max_text}) allows")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        if len(text) > self._max_text:
            raise KeyError(f"it is a text of {len(text)} characters, more than nexus.max_text ({self._max_text})")
        self._count(_LEAF + len(text))
        return text

    def _count(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            raise KeyError("it is too large")
