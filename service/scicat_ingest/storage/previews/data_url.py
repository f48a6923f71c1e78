"""Pictures that fit: as PNG, else as JPEG, else smaller."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING

from scicat_ingest.storage.previews.request import PreviewFailed

if TYPE_CHECKING:
    from PIL import Image

_QUALITIES = (90, 75, 60)
_SMALLER = 0.75
_LEAST_EDGE = 16


def fit(picture: Image.Image, max_bytes: int) -> str:
    """Give the data URL of a picture, at most `max_bytes` long: what looks best of what fits.

    `picture` is L, RGB or RGBA; transparency is shown on white where PNG is too large. Nothing but pixels is written.
    Raises PreviewFailed.
    """
    while True:
        for kind, quality in (("png", None), *(("jpeg", quality) for quality in _QUALITIES)):
            url = _encode(picture, kind, quality)
            if len(url) <= max_bytes:
                return url
        if max(picture.size) <= _LEAST_EDGE:
            raise PreviewFailed(f"the picture does not fit into {max_bytes} bytes")
        width, height = (max(1, round(edge * _SMALLER)) for edge in picture.size)
        picture = picture.resize((width, height))


def _encode(picture: Image.Image, kind: str, quality: int | None) -> str:
    written = BytesIO()
    if quality is None:
        picture.save(written, "PNG", optimize=True)
    else:
        _on_white(picture).save(written, "JPEG", quality=quality, optimize=True)
    return f"data:image/{kind};base64,{base64.b64encode(written.getvalue()).decode()}"


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    white = picture.convert("RGB")
    white.paste((255, 255, 255), (0, 0, *picture.size))
    white.paste(picture, mask=picture.getchannel("A"))
    return white
