"""Picture files: PNG, JPEG and TIFF, and nothing else that Pillow could open."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from scicat_ingest.storage.previews.data_url import fit
from scicat_ingest.storage.previews.request import PreviewFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scicat_ingest.settings import PreviewsSettings
    from scicat_ingest.storage.roots import Roots

_FORMATS = ("PNG", "JPEG", "TIFF")
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
"""Modes of more than 8 bits."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By EXIF's orientation."""
_DARKEST, _BRIGHTEST = 0.5, 99.5
"""Percentiles of the values that become black and white: single hot pixels do not darken the rest."""


def picture_url(path: str, roots: Roots, settings: PreviewsSettings) -> str:
    """Give the data URL of a picture file; of several pages the first. Raises as `make_preview`."""
    descriptor = roots.open_file(path)
    with os.fdopen(descriptor, "rb") as file, _refusing(settings):
        if os.fstat(descriptor).st_size > settings.max_file_bytes:
            raise PreviewFailed(f"the file is larger than previews.max_file_bytes ({settings.max_file_bytes})")
        with Image.open(file, formats=_FORMATS) as opened:
            width, height = opened.size
            if width * height > settings.max_pixels:
                raise PreviewFailed(f"it has {width} x {height} pixels, more than previews.max_pixels")
            picture = _shown(opened, settings.max_edge)
    return fit(picture, settings.max_bytes)


@contextmanager
def _refusing(settings: PreviewsSettings) -> Iterator[None]:
    """Say what is wrong with a picture; Pillow raises whatever comes out of its plugins for a damaged file."""
    Image.MAX_IMAGE_PIXELS = (
        settings.max_pixels
    )  # Pillow only warns above it, and refuses twice as many; we refuse at once
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError:
        raise PreviewFailed(f"it is no picture that can be read: expected one of {', '.join(_FORMATS)}") from None
    except Image.DecompressionBombError:
        raise PreviewFailed("it claims many times more pixels than previews.max_pixels") from None
    except (OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, SyntaxError) as error:
        raise PreviewFailed(f"the picture is damaged, or of a kind that cannot be read: {error}") from None
    except (RuntimeError, AssertionError, EOFError) as error:
        raise PreviewFailed(f"the picture cannot be read: {error}") from None


def _shown(opened: Image.Image, max_edge: int) -> Image.Image:
    """Give a picture in L, RGB or RGBA, upright, no larger than that, without anything but its pixels."""
    opened.draft(opened.mode, (max_edge, max_edge))  # a JPEG can be uncompressed at a fraction of its size
    opened.load()
    turn = _TURNS.get(opened.getexif().get(ExifTags.Base.Orientation, 1))  # a TIFF has been turned by Pillow
    picture = _eight_bits(opened, max_edge) if opened.mode in _DEEP else _plain(opened)
    picture.thumbnail((max_edge, max_edge), reducing_gap=3.0)
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    return bare if turn is None else bare.transpose(turn)


def _plain(opened: Image.Image) -> Image.Image:
    if opened.mode in ("L", "RGB", "RGBA"):
        return opened.copy()
    has_alpha = "transparency" in opened.info or opened.mode in ("LA", "La", "PA", "RGBa")
    if has_alpha:
        return opened.convert("RGBA")
    return opened.convert("L" if opened.mode == "1" else "RGB")


def _eight_bits(opened: Image.Image, max_edge: int) -> Image.Image:
    """Scale the values between two percentiles to black and white; what is not finite is black."""
    step = max(1, max(opened.size) // (4 * max_edge))
    values = np.asarray(opened)[::step, ::step].astype(np.float64)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return Image.new("L", (values.shape[1], values.shape[0]))
    low, high = np.percentile(finite, (_DARKEST, _BRIGHTEST))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    scale = 255.0 / (high - low) if high > low else 0.0
    shown = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * scale
    return Image.fromarray(np.clip(np.rint(shown), 0, 255).astype(np.uint8))
