"""Picture files become small pictures that hold nothing but pixels; what is no picture is refused."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.unit.storage.previews.shown import failure, preview, shown

from scicat_ingest.faults import ExtraMissing, ForbiddenBySource, NotThereYet
from scicat_ingest.settings import LimitsSettings, PreviewsSettings
from scicat_ingest.storage.previews import make_preview
from scicat_ingest.storage.roots import Roots

if TYPE_CHECKING:
    from pathlib import Path

NOISE = np.random.default_rng(0).integers(0, 255, (900, 1600, 3), dtype=np.uint8)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_that_claims(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*each) for each in chunks)


def tiff_of_pages(count: int) -> bytes:
    """Write pages that share 100 pixels; the last one leads to the first again."""
    entries = [(256, 4, 10), (257, 4, 10), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, 10)]
    entries.append((279, 4, 100))
    body = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, kind, 1, v) for tag, kind, v in entries)
    size = len(body) + 4
    nexts = [108 + size * (index + 1) for index in range(count - 1)]
    return (
        struct.pack("<2sHI", b"II", 42, 108) + bytes(100) + b"".join(body + struct.pack("<I", n) for n in (*nexts, 108))
    )


def test_the_default_size_fits_a_thumbnail() -> None:
    """A preview of ours is never left out for its length."""
    assert PreviewsSettings().max_bytes <= LimitsSettings().max_thumbnail_bytes


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_large_picture_is_made_to_fit(tmp_path: Path, name: str) -> None:
    """Noise compresses worst."""
    Image.fromarray(NOISE).save(tmp_path / name)
    assert shown(tmp_path / name).size == (800, 450)
    small = shown(tmp_path / name, max_bytes=5000)
    assert max(small.size) < 300


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_is_shown(tmp_path: Path, mode: str) -> None:
    """In black and white, colours, or with transparency."""
    Image.new(mode, (40, 20)).save(tmp_path / "a.tif" if mode in ("CMYK", "F", "I") else tmp_path / "a.png")
    (path,) = tmp_path.iterdir()
    assert shown(path).size == (40, 20)


@pytest.mark.parametrize("kind", ["u2", "i4", "f4"])
def test_detector_pictures_are_scaled_by_percentiles(tmp_path: Path, kind: str) -> None:
    """A hot pixel does not make the rest black, and what is not finite does not spoil anything."""
    values = np.tile(np.linspace(1000, 2000, 200), (100, 1)).astype(kind)
    values[3, 3] = 60_000
    if kind == "f4":
        values[4, 4], values[5, 5] = np.nan, -np.inf
    Image.fromarray(values).save(tmp_path / "a.tif")
    row = [shown(tmp_path / "a.tif").convert("L").getpixel((x, 50)) for x in (0, 100, 199)]
    assert row == [0, pytest.approx(128, abs=4), 255]


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_pictures_stand_upright_and_tell_nothing(tmp_path: Path, name: str) -> None:
    """Cameras write how they were held, and where they were."""
    picture = Image.new("RGB", (200, 100), "red")
    picture.paste("blue", (0, 0, 100, 100))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "in the director's garden"
    picture.save(tmp_path / name, exif=exif)
    assert b"garden" in (tmp_path / name).read_bytes()
    turned = shown(tmp_path / name)
    assert turned.size == (100, 200)
    top, bottom = (turned.convert("RGB").getpixel((50, y)) for y in (20, 180))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert (top[2] > 200, bottom[0] > 200) == (True, True)
    assert not turned.getexif()
    assert not turned.info.get("comment")


def test_pictures_that_claim_too_many_pixels_are_not_opened(tmp_path: Path) -> None:
    """Sixty thousand by sixty thousand in a hundred bytes."""
    for edges in ((60_000, 60_000), (10_001, 10_000)):
        (tmp_path / "a.png").write_bytes(png_that_claims(*edges))
        assert "previews.max_pixels" in failure(tmp_path / "a.png")


def test_of_many_pages_the_first_is_shown(tmp_path: Path) -> None:
    """The others are not even counted: they may go round in a circle."""
    (tmp_path / "a.tif").write_bytes(tiff_of_pages(100_000))
    assert shown(tmp_path / "a.tif").size == (10, 10)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00",
        b"BM" + bytes(100),
        b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(100),
    ],
)
def test_other_formats_are_refused_whatever_their_names_say(tmp_path: Path, content: bytes) -> None:
    """Pillow opens forty formats, some with programs of their own."""
    (tmp_path / "a.png").write_bytes(content)
    assert "expected one of PNG, JPEG, TIFF" in failure(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_truncated_pictures_are_refused(tmp_path: Path, name: str) -> None:
    """Half a picture would look like a result."""
    Image.fromarray(NOISE).save(tmp_path / name)
    raw = (tmp_path / name).read_bytes()
    for length in (20, len(raw) // 2):
        (tmp_path / name).write_bytes(raw[:length])
        assert failure(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_picture_with_something_behind_it_loses_that(tmp_path: Path, name: str) -> None:
    """Polyglots are written anew."""
    Image.new("RGB", (50, 50)).save(tmp_path / name)
    with (tmp_path / name).open("ab") as file:
        file.write(b"PK\x03\x04<script>alert(1)</script>")
    assert "c2NyaXB0" not in preview(tmp_path / name)
    assert shown(tmp_path / name).size == (50, 50)


def test_what_is_no_file_or_too_large_is_refused(tmp_path: Path) -> None:
    """Folders and pipes fail at once; a missing file may still come; what is outside the roots is forbidden."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in failure(tmp_path / "folder")
    assert "no regular file" in failure(tmp_path / "pipe")
    (tmp_path / "large.png").write_bytes(bytes(1001))
    assert "previews.max_file_bytes" in failure(tmp_path / "large.png", max_file_bytes=1000)
    with pytest.raises(NotThereYet):
        preview(tmp_path / "nope.png")
    with pytest.raises(ForbiddenBySource):
        make_preview("/etc/passwd", Roots((str(tmp_path),)), PreviewsSettings(), None)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service can do without previews."""
    for module in ("picture", "data_url"):
        monkeypatch.delitem(sys.modules, f"scicat_ingest.storage.previews.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ExtraMissing, match=r"scicat-ingest\[images\]"):
        preview(tmp_path / "a.png")
