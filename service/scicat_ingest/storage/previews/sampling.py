"""Data sets of any size as arrays of the size of a picture, in bounded time and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from scicat_ingest.storage.nexus.locating import refuse_elsewhere
from scicat_ingest.storage.nexus.summary import can_be_read, is_number
from scicat_ingest.storage.previews.request import PreviewFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import h5py

Doubles: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

MOST_POINTS = 2000
"""Of a line; more cannot be told apart on 600 pixels."""
MOST_ROWS = 800
MOST_COLUMNS = 1200
_AT_ONCE = 16 * 1024 * 1024
_MOST_IN_ROWS = 32 * 1024 * 1024
"""Values of the rows that are read at once, which become doubles."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is left of a data set."""

    values: Doubles
    """One or two dimensions; what is not finite or masked is NaN."""
    shape: tuple[int, ...]
    """Of the line or frame before it was made smaller."""
    positions: Doubles
    """Indices along the first axis of each value or row."""
    number: tuple[int, ...]
    """Which frame it is, for each dimension before the last two."""


def read_frame(file: h5py.File, dataset: h5py.Dataset, budget: int) -> Frame:
    """Give a line, or the middle frame of what has three dimensions or more.

    What is larger than `budget` bytes is sampled: points or rows at equal distances, as many as can be read with that.
    What is read is averaged (images), or its extremes are kept (lines), until it fits. Raises PreviewFailed.
    """
    _refuse_unreadable(file, dataset)
    leading = tuple(length // 2 for length in dataset.shape[:-2])
    shape = dataset.shape[len(leading) :]
    if len(shape) == 1:
        values, positions = _line(dataset, budget)
    else:
        values, positions = _image(dataset, leading, budget)
    return Frame(values, shape, positions, leading)


def extremes(values: Doubles, positions: Doubles, most: int = MOST_POINTS) -> tuple[Doubles, Doubles]:
    """Give at most `most` points of a line: of each piece the least and the greatest, at the middle of the piece."""
    if len(values) <= most:
        return values, positions
    step = -(-len(values) // (most // 2))
    pieces = _pad(values, step).reshape(-1, step)
    with np.errstate(all="ignore"):
        least = np.fmin.reduce(pieces, axis=1)
        greatest = np.fmax.reduce(pieces, axis=1)
    both = np.stack([least, greatest], axis=1).reshape(-1)
    middle = positions[np.minimum(np.arange(len(pieces)) * step + step // 2, len(positions) - 1)]
    return both, np.repeat(middle, 2)


def averaged(rows: Doubles, most: int, axis: int) -> Doubles:
    """Average neighbours along an axis until there are at most `most`; NaN counts only among NaN."""
    length = rows.shape[axis]
    if length <= most:
        return rows
    step = -(-length // most)
    starts = np.arange(0, length, step)
    finite = np.isfinite(rows)
    sums = np.add.reduceat(np.where(finite, rows, 0.0), starts, axis=axis)
    counts = np.add.reduceat(finite.astype(np.float64), starts, axis=axis)
    means: Doubles = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return means


def _refuse_unreadable(file: h5py.File, dataset: h5py.Dataset) -> None:
    try:
        refuse_elsewhere(file, dataset)
        dtype = dataset.dtype
    except (KeyError, TypeError) as error:
        raise PreviewFailed(str(error.args[0])) from None
    name = dataset.name
    if not is_number(dtype):
        raise PreviewFailed(f"{name} holds no numbers")
    if dataset.shape is None or dataset.size < 2 or not dataset.shape:
        raise PreviewFailed(f"{name} has too few values for a plot")
    if not can_be_read(dataset):
        raise PreviewFailed(f"{name} has chunks that are too large, or compressed with a filter that is not installed")


def _line(dataset: h5py.Dataset, budget: int) -> tuple[Doubles, Doubles]:
    length, item = dataset.shape[0], dataset.dtype.itemsize
    if length * item <= budget:
        step = max(1, _AT_ONCE // item)
        lines = [
            extremes(
                _doubles(dataset[start : start + step]), np.arange(start, min(start + step, length), dtype=np.float64)
            )
            for start in range(0, length, step)
        ]
        return np.concatenate([each for each, _ in lines]), np.concatenate([each for _, each in lines])
    chunk = (dataset.chunks or (1,))[0] * item
    positions = _spread(length, max(2, min(MOST_POINTS, budget // chunk)))
    return _doubles(np.array([dataset[int(position)] for position in positions])), positions


def _image(dataset: h5py.Dataset, leading: tuple[int, ...], budget: int) -> tuple[Doubles, Doubles]:
    height, width = dataset.shape[len(leading) :]
    item = dataset.dtype.itemsize
    row_bytes, rows_at_once = _cost_of_rows(dataset, width)
    if width * rows_at_once > _MOST_IN_ROWS:
        raise PreviewFailed(f"{dataset.name} is too large for a preview: its rows have {width} values")
    if height * row_bytes // rows_at_once <= budget:
        step = max(1, _AT_ONCE // (width * item * rows_at_once)) * rows_at_once
        whole = [
            averaged(_doubles(dataset[(*leading, slice(start, start + step))]), MOST_COLUMNS, axis=1)
            for start in range(0, height, step)
        ]
        rows = np.concatenate(whole)
        return averaged(rows, MOST_ROWS, axis=0), np.array([0.0, height - 1.0])
    affordable = budget // row_bytes
    if affordable < 16:  # fewer rows show nothing
        raise PreviewFailed(
            f"{dataset.name} is too large for a preview: a row of it takes {row_bytes >> 20} MiB to read"
        )
    positions = _spread(height, min(MOST_ROWS, affordable))
    picked = [averaged(_doubles(dataset[(*leading, int(row))])[None, :], MOST_COLUMNS, axis=1) for row in positions]
    return np.concatenate(picked), positions


def _cost_of_rows(dataset: h5py.Dataset, width: int) -> tuple[int, int]:
    """Give the bytes that are uncompressed for any one row of a frame, and the number of rows that they hold."""
    if dataset.chunks is None:
        return width * dataset.dtype.itemsize, 1
    across = -(-width // dataset.chunks[-1])
    return math.prod(dataset.chunks) * across * dataset.dtype.itemsize, int(dataset.chunks[-2])


def _count(start: int, end: int) -> Doubles:
    return np.arange(start, end, dtype=np.float64)


def _spread(length: int, count: int) -> Doubles:
    return np.unique(np.linspace(0, length - 1, min(count, length)).astype(np.int64)).astype(np.float64)


def _doubles(values: np.ndarray[Any, Any]) -> Doubles:
    """Give doubles; NaN is what is not finite, and an unsigned type's largest number: detectors mark bad pixels so."""
    with np.errstate(over="ignore"):
        doubles: Doubles = values.astype(np.float64)
    doubles[~np.isfinite(doubles)] = np.nan
    if values.dtype.kind == "u" and values.dtype.itemsize > 1:
        doubles[values == np.iinfo(values.dtype).max] = np.nan
    return doubles


def _pad(values: Doubles, step: int) -> Doubles:
    missing: Sequence[float] = [np.nan] * (-len(values) % step)
    return np.concatenate([values, missing])
