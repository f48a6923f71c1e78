"""Previews in tests: made, and opened again."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from scicat_ingest.settings import PreviewsSettings
from scicat_ingest.storage.previews import PlotRequest, PreviewFailed, make_preview
from scicat_ingest.storage.roots import Roots

if TYPE_CHECKING:
    from pathlib import Path


def preview(path: Path, plot: PlotRequest | None = None, **settings: Any) -> str:
    return make_preview(str(path), Roots((str(path.parent),)), PreviewsSettings(**settings), plot)


def shown(path: Path, plot: PlotRequest | None = None, **settings: Any) -> Image.Image:
    """Make a preview and open it; it fits."""
    url = preview(path, plot, **settings)
    assert len(url) <= PreviewsSettings(**settings).max_bytes
    kind, content = url.split(";base64,")
    picture = Image.open(BytesIO(base64.b64decode(content)))
    assert kind == f"data:image/{(picture.format or '').lower()}"
    return picture


def failure(path: Path, plot: PlotRequest | None = None, **settings: Any) -> str:
    with pytest.raises(PreviewFailed) as caught:
        preview(path, plot, **settings)
    return str(caught.value)
