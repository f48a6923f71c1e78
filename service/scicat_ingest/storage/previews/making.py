"""From a file to a data URL. Runs in a reader process."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import ExtraMissing, FileUnreadable
from scicat_ingest.storage.previews.request import PreviewFailed

if TYPE_CHECKING:
    from scicat_ingest.settings import PreviewsSettings
    from scicat_ingest.storage.previews.request import PlotRequest
    from scicat_ingest.storage.roots import Roots


def make_preview(path: str, roots: Roots, settings: PreviewsSettings, plot: PlotRequest | None) -> str:
    """Give the data URL of a picture file, or of a plot of an HDF5 file: PNG or JPEG, of at most `settings.max_bytes`.

    Raises PreviewFailed for what cannot be shown; NotThereYet for a file that is missing, or an HDF5 file that is
    incomplete; ForbiddenBySource; ExtraMissing.
    """
    try:
        if plot is None:
            data_url: str = _load("picture", "images").picture_url(path, roots, settings)
        else:
            data_url = _load("plot", "plots").plot_url(path, roots, settings, plot)
    except FileUnreadable as fault:
        raise PreviewFailed(fault.message) from None
    return data_url


def _load(module: str, extra: str) -> Any:
    try:
        return import_module(f"scicat_ingest.storage.previews.{module}")
    except ImportError:
        message = f"making previews of this kind needs scicat-ingest[{extra}]"
        raise ExtraMissing(message, hint=f"pip install 'scicat-ingest[{extra}]'") from None
