"""Large arrays in a few numbers, within bounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.storage.nexus.hdf5_files import values_of, write

from scicat_ingest.storage.nexus.summary import block_slices, summarise_blocks

if TYPE_CHECKING:
    from pathlib import Path


def test_a_large_array_is_summarised(tmp_path: Path) -> None:
    """Integers stay exact; what is not finite does not count."""
    floats = np.linspace(-1, 1, 1001)
    floats[3], floats[4] = np.nan, -np.inf
    path = write(tmp_path / "a.h5", ints=np.arange(10_000).reshape(100, 100), floats=floats, nan=np.full(500, np.nan))
    with values_of(path) as values:
        assert values["/ints"] == {"min": 0, "max": 9999, "mean": 4999.5, "shape": [100, 100]}
        assert values["/floats"] == {
            "min": -1.0,
            "max": 1.0,
            "mean": pytest.approx(float(np.nanmean(np.where(np.isinf(floats), np.nan, floats)))),
            "shape": [1001],
        }
        assert values["/nan"] == {"min": None, "max": None, "mean": None, "shape": [500]}


def test_what_has_no_mean_has_a_shape_and_a_type(tmp_path: Path) -> None:
    """Texts, and attributes like data sets."""
    path = write(tmp_path / "a.h5", texts=["x"] * 500)
    with h5py.File(path, "a") as file:
        file["texts"].attrs["long"] = np.arange(500.0)
    with values_of(path) as values:
        assert values["/texts"] == {"shape": [500], "dtype": "string"}
        assert values["/texts@long"] == {"min": 0.0, "max": 499.0, "mean": 249.5, "shape": [500]}


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [((2**40,), (2**32 - 1,)), ((2**37,), (2**20,)), ((2**20, 2**20), (1024, 1024)), ((30_000_000,), (1,))],
)
def test_bombs_are_not_read(tmp_path: Path, shape: tuple[int, ...], chunks: tuple[int, ...]) -> None:
    """A terabyte of zeros takes a few bytes in a file; so do chunks of four gigabytes, or millions of chunks."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", shape, "i1", chunks=chunks, compression="gzip")
    with values_of(tmp_path / "a.h5") as values:
        assert values["/x"] == {"shape": list(shape), "dtype": "int8"}


def test_one_value_in_a_huge_chunk_is_not_read(tmp_path: Path) -> None:
    """Its four gigabytes would have to be uncompressed."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (1,), "i1", maxshape=(None,), chunks=(2**32 - 1,))
    with values_of(tmp_path / "a.h5") as values, pytest.raises(KeyError, match="too large"):
        values["/x"]


def test_a_filter_that_is_not_installed_leaves_shape_and_type(tmp_path: Path) -> None:
    """Detectors compress with plugins; the catalogue entry need not wait for them."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_chunk((100,))
        layout.set_filter(32_008, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple((1000,))
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_INT32, space, layout)
    with values_of(tmp_path / "a.h5") as values:
        assert values["/x"] == {"shape": [1000], "dtype": "int32"}


@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    chunk=st.lists(st.integers(1, 5), min_size=4, max_size=4) | st.none(),
    most=st.integers(1, 200),
)
def test_blocks_cover_an_array_once(shape: list[int], chunk: list[int] | None, most: int) -> None:
    """Each element is in exactly one block, and no block is larger than allowed, or one chunk."""
    seen = np.zeros(shape, int)
    chunk = chunk[: len(shape)] if chunk else None
    for block in block_slices(shape, chunk, 1, most):
        seen[block] += 1
        assert seen[block].size <= max(most, math.prod(chunk or [1]))
    assert (seen == 1).all()


@given(st.lists(st.lists(st.floats() | st.just(math.nan), max_size=20), max_size=5))
def test_a_summary_is_finite_whatever_the_numbers(blocks: list[list[float]]) -> None:
    """No NaN, no infinity, and the mean lies between the extremes as far as doubles can tell."""
    found: dict[str, Any] = summarise_blocks(iter([np.array(block, dtype=np.float64) for block in blocks]))
    finite = [number for block in blocks for number in block if math.isfinite(number)]
    assert (found["min"], found["max"]) == ((min(finite), max(finite)) if finite else (None, None))
    assert found["mean"] is None or math.isfinite(found["mean"])
