"""Large arrays in a few numbers, read block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5z

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK_BYTES = 16 * 1024 * 1024
"""What is read at once."""
MOST_CHUNK_BYTES = 128 * 1024 * 1024
"""A chunk is uncompressed as a whole, whatever is wanted of it."""
_MOST_CHUNKS = 100_000


def can_be_read(dataset: h5py.Dataset) -> bool:
    """Tell whether the chunks of a data set fit into memory, and their filters are installed."""
    if dataset.chunks is None:
        return True
    if math.prod(dataset.chunks) * dataset.dtype.itemsize > MOST_CHUNK_BYTES:
        return False
    layout = dataset.id.get_create_plist()
    return all(h5z.filter_avail(layout.get_filter(each)[0]) for each in range(layout.get_nfilters()))


def summarise(dataset: h5py.Dataset, most_bytes: int) -> dict[str, Any]:
    """Give {min, max, mean, shape} of numbers, NaN and infinity left out, or {shape, dtype} where that takes too long.

    That is: more than `most_bytes` uncompressed, or chunks that are too many, too large or of a filter that is missing.
    """
    known = {"shape": list(dataset.shape), "dtype": type_name(dataset.dtype)}
    if not is_number(dataset.dtype) or dataset.size * dataset.dtype.itemsize > most_bytes or not can_be_read(dataset):
        return known
    if dataset.chunks is not None and _chunks_in(dataset) > _MOST_CHUNKS:
        return known
    return summarise_blocks(dataset[block] for block in blocks_of(dataset)) | {"shape": known["shape"]}


def summarise_blocks(blocks: Iterator[np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Give {min, max, mean} of all numbers that are finite; None if there are none."""
    sums = _Sums()
    for block in blocks:
        sums.add(block)
    return {"min": sums.least, "max": sums.most, "mean": sums.mean}


def is_number(dtype: np.dtype[Any]) -> bool:
    """Tell whether values are integers, floats or booleans, which have a mean."""
    return dtype.kind in "iufb" and h5py.check_enum_dtype(dtype) is None


def type_name(dtype: np.dtype[Any]) -> str:
    """Name a type as people do: float32, string, enumeration, compound."""
    if h5py.check_string_dtype(dtype) is not None:
        return "string"
    if h5py.check_enum_dtype(dtype) is not None:
        return "enumeration"
    return {"O": "variable length", "V": "compound"}.get(dtype.kind, dtype.name)


def blocks_of(dataset: h5py.Dataset, most_bytes: int = BLOCK_BYTES) -> Iterator[tuple[slice, ...]]:
    """Give selections that cover a data set once, whole chunks each, of at most about `most_bytes` or one chunk."""
    yield from block_slices(dataset.shape, dataset.chunks, dataset.dtype.itemsize, most_bytes)


def block_slices(
    shape: Sequence[int], chunk: Sequence[int] | None, item_bytes: int, most_bytes: int
) -> Iterator[tuple[slice, ...]]:
    """Give the selections for any shape: each begins as one chunk, and grows from the last axis on."""
    steps = [min(step, length) for step, length in zip(chunk or [1] * len(shape), shape, strict=True)]
    for axis in reversed(range(len(shape))):
        room = most_bytes // (item_bytes * math.prod(steps))
        steps[axis] = min(shape[axis], steps[axis] * max(room, 1))
        if steps[axis] < shape[axis]:
            break
    for start in product(*(range(0, length, step) for length, step in zip(shape, steps, strict=True))):
        yield tuple(slice(begin, begin + step) for begin, step in zip(start, steps, strict=True))


def _chunks_in(dataset: h5py.Dataset) -> int:
    return math.prod(-(-length // step) for length, step in zip(dataset.shape, dataset.chunks, strict=True))


def _plain_numbers(block: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if block.dtype.kind == "b":
        return block.view(np.uint8)
    if block.dtype.kind == "f":
        doubles = block.astype(np.float64) if block.dtype.itemsize > np.dtype(np.float64).itemsize else block
        finite: np.ndarray[Any, Any] = doubles[np.isfinite(doubles)]
        return finite
    return block


@dataclass(slots=True)
class _Sums:
    count: int = 0
    least: int | float | None = None
    most: int | float | None = None
    _sums: list[float] = field(default_factory=list)

    def add(self, block: np.ndarray[Any, Any]) -> None:
        with np.errstate(over="ignore"):
            numbers = _plain_numbers(block)
            if numbers.size == 0:
                return
            self._sums.append(float(numbers.sum(dtype=np.float64)))
        least, most = numbers.min().item(), numbers.max().item()
        self.least = least if self.least is None else min(self.least, least)
        self.most = most if self.most is None else max(self.most, most)
        self.count += numbers.size

    @property
    def mean(self) -> float | None:
        if not self.count:
            return None
        try:
            mean = math.fsum(self._sums) / self.count
        except (OverflowError, ValueError):  # beyond what a double holds
            return None
        return mean if math.isfinite(mean) else None
