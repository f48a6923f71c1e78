"""Previews for attachments: data URLs of picture files, and of plots of HDF5 data sets."""

from scicat_ingest.storage.previews.making import make_preview
from scicat_ingest.storage.previews.request import PlotRequest, PreviewFailed

__all__ = ["PlotRequest", "PreviewFailed", "make_preview"]
