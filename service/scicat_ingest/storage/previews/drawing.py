"""How previews look: one line, or one image with its colour bar; 600 by 400 pixels, nothing else on them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scicat_ingest.storage.previews.sampling import Doubles

_INCHES = (6.0, 4.0)
_DPI = 100
_COLOURS = "viridis"
"""Perceptually uniform, and readable without colour vision."""
_INK = "#333333"
_LINE = "#31688e"
_MISSING = "#d9d9d9"
_DARKEST, _BRIGHTEST = 0.5, 99.8
"""Percentiles that bound the colours: hot pixels do not hide the rest."""
_LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class Labels:
    """What is written beside the axes; empty: nothing."""

    title: str = ""
    x: str = ""
    y: str = ""
    value: str = ""


def draw_line(x: Doubles, y: Doubles, labels: Labels, *, log: bool) -> Image.Image:
    """Draw a line; NaN are gaps. With `log`, what is not positive is a gap, unless nothing is positive."""
    figure, axes = _start(labels)
    few = len(y) <= 60
    axes.plot(x, y, color=_LINE, linewidth=1.2, marker="o" if few else "", markersize=3)
    if log and np.any(y > 0):
        axes.set_yscale("log", nonpositive="mask")
    axes.set_ylabel(_clean(labels.value), parse_math=False)
    axes.margins(x=0.02 if few else 0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return _finish(figure)


def draw_image(
    values: Doubles, extent: tuple[float, float, float, float], labels: Labels, *, log: bool | None
) -> Image.Image:
    """Draw an image, the first row at the bottom; missing pixels are grey. `extent` is left, right, bottom, top.

    Without `log`, colours are logarithmic if no value is negative and those above zero span a factor of ten.
    """
    figure, axes = _start(labels)
    if log is None:
        log = _is_wide(values)
    norm = _norm(values, log=log)
    least, greatest = norm.vmin or 0.0, norm.vmax or 0.0
    if isinstance(norm, LogNorm):
        values = np.where(values <= 0, least, values)  # no counts are the darkest colour, not missing
    axes.set_facecolor(_MISSING)
    square = _is_square(values.shape, extent)
    drawn = axes.imshow(
        values,
        cmap=_COLOURS,
        norm=norm,
        extent=extent,
        origin="lower",
        aspect="equal" if square else "auto",
        interpolation="nearest" if max(values.shape) < 100 else "antialiased",
    )
    bar = figure.colorbar(drawn, ax=axes, pad=0.02, extend=_extend(values, least, greatest))
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=_INK, width=0.6)
    bar.ax.set_ylabel(_clean(labels.value), color=_INK, fontsize=9, parse_math=False)
    axes.set_ylabel(_clean(labels.y), parse_math=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return _finish(figure)


def _start(labels: Labels) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xlabel(_clean(labels.x), parse_math=False)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_fontsize(9)
        label.set_color(_INK)
    axes.tick_params(labelsize=8, colors=_INK, width=0.6)
    for spine in axes.spines.values():
        spine.set_color(_INK)
        spine.set_linewidth(0.6)
    if labels.title:
        axes.set_title(_clean(labels.title), fontsize=10, color=_INK, loc="left", parse_math=False)
    return figure, axes


def _finish(figure: Figure) -> Image.Image:
    written = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that the font has not, and labels that leave no room
        figure.savefig(written, format="png")
    return Image.open(written, formats=("PNG",)).convert("RGB")


def _norm(values: Doubles, *, log: bool) -> Normalize:
    finite = values[np.isfinite(values)]
    if log and np.any(finite > 0):
        positive = finite[finite > 0]
        low, high = float(np.percentile(positive, _DARKEST)), float(np.percentile(positive, _BRIGHTEST))
        return LogNorm(low, high if high > low else low * 10)
    if finite.size == 0:
        return Normalize(0, 1)
    low, high = float(np.percentile(finite, _DARKEST)), float(np.percentile(finite, _BRIGHTEST))
    return Normalize(low, high if high > low else low + 1)


def _is_wide(values: Doubles) -> bool:
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0]
    return bool(positive.size and finite.min() >= 0 and positive.max() > 10 * positive.min())


def _extend(values: Doubles, least: float, greatest: float) -> str:
    """Say whether some values are beyond the colours: the bar has a point there."""
    with np.errstate(invalid="ignore"):
        above, below = bool(np.any(values > greatest)), bool(np.any(values < least))
    return {(True, True): "both", (True, False): "max", (False, True): "min", (False, False): "neither"}[above, below]


def _is_square(shape: tuple[int, ...], extent: tuple[float, float, float, float]) -> bool:
    width, height = abs(extent[1] - extent[0]), abs(extent[3] - extent[2])
    return 1 / 3 < width / max(height, 1e-300) < 3 and 1 / 3 < shape[1] / shape[0] < 3


def _clean(text: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text).strip()
    return shown if len(shown) <= _LONGEST_LABEL else f"{shown[:_LONGEST_LABEL]}…"
