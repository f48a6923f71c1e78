"""Plots of HDF5 data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scicat_ingest.faults import NotThereYet
from scicat_ingest.storage.nexus.locating import H5PY_ERRORS, refuse_elsewhere
from scicat_ingest.storage.nexus.opening import open_hdf5
from scicat_ingest.storage.nexus.summary import can_be_read, is_number
from scicat_ingest.storage.previews.choosing import choose_signal, text_attribute
from scicat_ingest.storage.previews.data_url import fit
from scicat_ingest.storage.previews.drawing import Labels, draw_image, draw_line
from scicat_ingest.storage.previews.request import PreviewFailed
from scicat_ingest.storage.previews.sampling import extremes, read_frame

if TYPE_CHECKING:
    import h5py
    from PIL import Image

    from scicat_ingest.settings import PreviewsSettings
    from scicat_ingest.storage.previews.choosing import Signal
    from scicat_ingest.storage.previews.request import PlotRequest
    from scicat_ingest.storage.previews.sampling import Doubles, Frame
    from scicat_ingest.storage.roots import Roots

_MOST_AXIS_VALUES = 8 * 1024 * 1024


def plot_url(path: str, roots: Roots, settings: PreviewsSettings, plot: PlotRequest) -> str:
    """Give the data URL of a plot. Raises as `make_preview`."""
    with open_hdf5(path, roots) as file:
        try:
            signal = choose_signal(file, plot)
            picture = _draw(file, signal, read_frame(file, signal.data, settings.max_read_bytes), plot)
        except (*H5PY_ERRORS, KeyError) as error:
            raise NotThereYet(f"{path!r} cannot be read: {error}") from None
    return fit(picture, settings.max_bytes)


def _draw(file: h5py.File, signal: Signal, frame: Frame, plot: PlotRequest) -> Image.Image:
    if not np.any(np.isfinite(frame.values)):
        raise PreviewFailed(f"{signal.data.name} holds nothing but NaN, infinity or masked values")
    title = " ".join(filter(None, [plot.title or "", _frame_name(frame, signal)]))
    horizontal = len(frame.number) + len(frame.shape) - 1
    axis, x_label = _axis_of(file, _axis(signal, horizontal) if signal.x is None else signal.x, frame.shape[-1])
    if signal.x is not None and axis is None:
        raise PreviewFailed(
            f"{signal.x.name} is no axis for {signal.data.name}: it needs {frame.shape[-1]} finite numbers"
        )
    if frame.values.ndim == 1:
        values, positions = extremes(frame.values, frame.positions)
        x = positions if axis is None else axis[positions.astype(np.int64)]
        labels = Labels(title, x_label or "index", value=_label(signal.data))
        return draw_line(x, values, labels, log=bool(plot.log))
    y_axis, y_label = _axis_of(file, _axis(signal, horizontal - 1), frame.shape[0])
    left, right = _ends(axis, frame.shape[1])
    bottom, top = _ends(y_axis, frame.shape[0])
    labels = Labels(title, x_label, y_label, _label(signal.data))
    return draw_image(frame.values, (left, right, bottom, top), labels, log=plot.log)


def _frame_name(frame: Frame, signal: Signal) -> str:
    if not frame.number:
        return ""
    which = ", ".join(
        f"{number + 1} of {length}" for number, length in zip(frame.number, signal.data.shape, strict=False)
    )
    return f"(frame {which})"


def _axis(signal: Signal, dimension: int) -> h5py.Dataset | None:
    return signal.axes[dimension] if dimension < len(signal.axes) else None


def _axis_of(file: h5py.File, axis: h5py.Dataset | None, length: int) -> tuple[Doubles | None, str]:
    """Give an axis' values, one for each value of the signal (of bin edges the middles), and its label."""
    if axis is None:
        return None, ""
    try:
        refuse_elsewhere(file, axis)
    except KeyError:
        return None, ""
    if axis.shape not in ((length,), (length + 1,)) or length > _MOST_AXIS_VALUES:
        return None, ""
    if not is_number(axis.dtype) or not can_be_read(axis):
        return None, ""
    values: Doubles = axis[()].astype(np.float64)
    if len(values) == length + 1:
        values = (values[1:] + values[:-1]) / 2
    return (values, _label(axis)) if np.all(np.isfinite(values)) else (None, "")


def _ends(axis: Doubles | None, length: int) -> tuple[float, float]:
    """Give where an image begins and ends: half a pixel beyond the ends of an even axis, else of the indices."""
    if axis is None or length < 2:
        return -0.5, length - 0.5
    steps = np.diff(axis)
    if not np.allclose(steps, steps[0], rtol=0.01, atol=0) or steps[0] == 0:
        return -0.5, length - 0.5
    half = float(axis[-1] - axis[0]) / (length - 1) / 2
    return float(axis[0]) - half, float(axis[-1]) + half


def _label(dataset: h5py.Dataset) -> str:
    name = text_attribute(dataset, "long_name") or (dataset.name or "").rpartition("/")[2]
    units = text_attribute(dataset, "units")
    return f"{name} [{units}]" if units and units not in name else name
