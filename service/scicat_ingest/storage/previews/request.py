"""What is asked for, and how it fails."""

from __future__ import annotations

from dataclasses import dataclass


class PreviewFailed(Exception):  # noqa: N818 (named for what happened, as our faults are)
    """A preview cannot be made; its text says why. A reason for a warning: it never stops its dataset."""


@dataclass(frozen=True, slots=True)
class PlotRequest:
    """What to plot of an HDF5 file: one dimension as a line, two as an image, of more the middle frame."""

    data: str | None = None
    """Path of a data set, or of a NXdata group; None: the file's default plot, as NeXus marks it."""
    x: str | None = None
    """Path of the data set for the horizontal axis of a line; None: the one that NeXus names, else the index."""
    log: bool | None = None
    """Logarithmic values; None: for images that are nowhere negative and span a factor of ten, not for lines."""
    title: str | None = None
    """None: none but the name of the frame."""
