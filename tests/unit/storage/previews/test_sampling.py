"""Large arrays made small, without losing what one would look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicat_ingest.storage.previews.sampling import MOST_COLUMNS, MOST_POINTS, MOST_ROWS, averaged, extremes, read_frame

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = st.lists(st.floats(-1e100, 1e100) | st.just(float("nan")), min_size=1, max_size=100)


@given(NUMBERS, st.integers(2, 30))
def test_the_extremes_of_a_line_stay(numbers: list[float], most: int) -> None:
    """A peak of one point is still there, near where it was, and there are not more points than wanted."""
    values = np.array(numbers)
    least, positions = extremes(values, np.arange(len(values), dtype=np.float64), most)
    assert len(least) == len(positions) <= most or len(values) <= most
    if np.isfinite(values).any():
        assert np.nanmax(least) == np.nanmax(values)
        assert np.nanmin(least) == np.nanmin(values)


@given(NUMBERS, st.integers(1, 30))
def test_averages_lie_between_the_extremes(numbers: list[float], most: int) -> None:
    """NaN is left out of an average, and stays where there is nothing else."""
    values = np.array([numbers])
    means = averaged(values, most, axis=1)
    assert means.shape[1] <= most
    assert np.isfinite(means).any() == np.isfinite(values).any()
    if np.isfinite(values).any():
        room = 1e-9 * np.nanmax(np.abs(values))
        assert np.nanmin(values) - room <= np.nanmin(means)
        assert np.nanmax(means) <= np.nanmax(values) + room


def test_a_frame_is_no_larger_than_a_picture(tmp_path: Path) -> None:
    """Of a stack the middle frame; the largest number of an unsigned type is a bad pixel."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stack = np.zeros((3, 900, 1300), "u2")
        stack[1] = 7
        stack[1, :3] = 65_535
        frame = read_frame(file, file.create_dataset("stack", data=stack, chunks=(2, 64, 100)), 2**25)
        assert frame.number == (1,)
        assert frame.shape == (900, 1300)
        assert frame.values.shape[0] <= MOST_ROWS
        assert frame.values.shape[1] <= MOST_COLUMNS
        assert np.isnan(frame.values[0]).all()
        assert (frame.values[2:] == 7).all()


@pytest.mark.parametrize("chunks", [None, (1000,)])
def test_a_line_over_the_budget_is_sampled_evenly(tmp_path: Path, chunks: tuple[int, ...] | None) -> None:
    """As many points as can be read for it."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        line = read_frame(file, file.create_dataset("x", data=np.arange(100_000.0), chunks=chunks), 80_000)
    assert len(line.values) == (10 if chunks else MOST_POINTS)
    assert (line.values == line.positions).all()
    assert (line.values[0], line.values[-1]) == (0, 99_999)
