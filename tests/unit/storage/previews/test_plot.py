"""Plots of data sets: the right one, of any size, and never a crash of the dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from tests.unit.storage.previews.shown import failure, preview, shown

from scicat_ingest.faults import NotThereYet
from scicat_ingest.storage.previews import PlotRequest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Write a file with a default plot, and more."""
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs["NX_class"], entry.attrs["default"] = "NXentry", "data"
        data = entry.create_group("data")
        data.attrs["NX_class"], data.attrs["signal"], data.attrs["axes"] = "NXdata", "counts", ["two_theta"]
        data["counts"], data["two_theta"] = np.arange(100.0) ** 2, np.linspace(5, 90, 100)
        data["two_theta"].attrs["units"] = "deg"
        file["image"] = np.random.default_rng(1).poisson(5, (300, 400))
        file["stack"] = np.arange(5 * 20 * 30).reshape(5, 20, 30)
        file["text"], file["one"], file["nan"] = ["x"] * 10, 1.0, np.full(10, np.nan)
        file["odd/$\\frac{\x07 名前"] = np.arange(10.0)
    return path


@pytest.mark.parametrize(
    "plot",
    [
        PlotRequest(),
        PlotRequest("/entry/data"),
        PlotRequest("/entry/data/counts", log=True, title="Fe3O4"),
        PlotRequest("/entry/data/counts", x="/entry/data/two_theta"),
        PlotRequest("/image", log=False),
        PlotRequest("/stack"),
        PlotRequest("/odd/$\\frac{\x07 名前", title="$x^{" + "y" * 1000),
    ],
)
def test_a_plot_is_a_picture_of_600_by_400(scan: Path, plot: PlotRequest) -> None:
    """Lines, images and stacks; labels are no formulas, and of any length and script."""
    picture = shown(scan, plot)
    assert picture.size == (600, 400)
    assert len(picture.convert("RGB").getcolors(600 * 400) or ()) > 10


def test_the_default_plot_is_the_one_that_its_writer_marked(scan: Path) -> None:
    """`default` from the root down, the group itself and the signal are the same picture; another data set is not."""
    default = preview(scan, PlotRequest())
    assert default == preview(scan, PlotRequest("/entry/data")) == preview(scan, PlotRequest("/entry/data/counts"))
    assert default != preview(scan, PlotRequest("/image"))


def test_without_a_mark_the_first_nxdata_is_shown(scan: Path) -> None:
    """Also as older files mark the signal."""
    default = preview(scan, PlotRequest())
    with h5py.File(scan, "a") as file:
        del file.attrs["default"], file["entry"].attrs["default"], file["entry/data"].attrs["signal"]
        file["entry/data/counts"].attrs["signal"] = 1
    assert preview(scan, PlotRequest()) == default


@pytest.mark.parametrize(
    ("plot", "why"),
    [
        (PlotRequest("/text"), "/text holds no numbers"),
        (PlotRequest("/one"), "too few values"),
        (PlotRequest("/nan"), "nothing but NaN"),
        (PlotRequest("/nope"), "/nope is not in the file: / holds entry"),
        (PlotRequest("/odd"), "does not say which of its data sets is the signal"),
        (PlotRequest("/entry/data/counts", x="/stack"), "/stack is no axis for /entry/data/counts"),
        (PlotRequest("/entry/data/counts", x="/entry"), "/entry is a group"),
    ],
)
def test_what_cannot_be_plotted_says_why(scan: Path, plot: PlotRequest, why: str) -> None:
    """The reason becomes the warning."""
    assert why in failure(scan, plot)


def test_a_file_without_a_default_plot_says_how_to_mark_one(tmp_path: Path) -> None:
    """An empty file, and one whose defaults lead in a circle."""
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        file.attrs["default"] = "a"
        file["a"] = h5py.SoftLink("/")
    assert "mark a NXdata group" in failure(tmp_path / "a.nxs", PlotRequest())


def test_nothing_outside_the_file_is_plotted(tmp_path: Path) -> None:
    """Neither links nor virtual data sets, nor axes by them."""
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        file["out"] = h5py.ExternalLink("/etc/passwd", "/x")
        file.create_dataset("raw", (100,), "i1", external=[("/etc/passwd", 0, 100)])
        file["line"] = np.arange(100.0)
    assert "never followed" in failure(tmp_path / "a.nxs", PlotRequest("/out"))
    assert "in other files" in failure(tmp_path / "a.nxs", PlotRequest("/raw"))
    assert "is no axis" in failure(tmp_path / "a.nxs", PlotRequest("/line", x="/raw"))


def test_a_terabyte_of_zeros_is_sampled_or_refused(tmp_path: Path) -> None:
    """What is read is bounded, whatever the data set claims."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("line", (2**40,), "f4", chunks=(2**20,), compression="gzip")
        file.create_dataset("image", (2**20, 2**20), "f4", chunks=(1024, 1024), compression="gzip")
        file.create_dataset("rows", (2**20, 2**18), "f4", chunks=(1, 1024), compression="gzip", fillvalue=3)
        file.create_dataset("chunk", (2**40,), "i1", chunks=(2**32 - 1,))
    assert shown(tmp_path / "a.h5", PlotRequest("/line"), max_read_bytes=2**25).size == (600, 400)
    assert shown(tmp_path / "a.h5", PlotRequest("/rows"), max_read_bytes=2**25).size == (600, 400)
    assert "too large for a preview" in failure(tmp_path / "a.h5", PlotRequest("/image"))
    assert "chunks that are too large" in failure(tmp_path / "a.h5", PlotRequest("/chunk"))


def test_an_hdf5_file_that_is_not_complete_is_waited_for(tmp_path: Path) -> None:
    """As for its values."""
    (tmp_path / "a.nxs").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(NotThereYet):
        preview(tmp_path / "a.nxs", PlotRequest())
