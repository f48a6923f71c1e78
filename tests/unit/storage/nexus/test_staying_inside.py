"""Nothing in a file leads to another one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from tests.unit.storage.nexus.hdf5_files import values_of, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """Make a file that hangs whoever opens it: no one writes to this pipe."""
    (tmp_path / "elsewhere").mkdir()
    path = str(tmp_path / "elsewhere" / "secret.h5")
    os.mkfifo(path)
    return path


@pytest.mark.timeout(20)
def test_external_links_are_not_followed(tmp_path: Path, secret: str) -> None:
    """Neither as a value, nor by a pattern, nor to see whether they lead anywhere."""
    path = write(tmp_path / "a.h5", out=h5py.ExternalLink(secret, "/x"), around=h5py.SoftLink("/out/x"), x=1)
    with values_of(path) as values:
        for name in ("/out", "/out/x", "/around"):
            with pytest.raises(KeyError, match="a link to another file, never followed"):
                values[name]
            assert name not in values
        assert values.glob("/**") == {"/x": 1}
        assert values.glob("/out/x") == {}


@pytest.mark.timeout(20)
def test_values_that_are_kept_in_other_files_are_not_read(tmp_path: Path, secret: str) -> None:
    """External storage, virtual data sets, and virtual ones that reach out by a link of this file."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["out"] = h5py.ExternalLink(secret, "/x")
        file.create_dataset("raw", (10,), "i1", external=[("/etc/passwd", 0, 10)])
        for name, source, inner in (("virtual", secret, "x"), ("linked", ".", "/out"), ("again", ".", "/virtual")):
            layout = h5py.VirtualLayout((4,), "f8")
            layout[:] = h5py.VirtualSource(source, inner, (4,))
            file.create_virtual_dataset(name, layout)
    with values_of(tmp_path / "a.h5") as values:
        for name in ("raw", "virtual", "linked", "again"):
            with pytest.raises(KeyError):
                values[f"/{name}"]
        assert values.glob("**") == {}


@pytest.mark.timeout(20)
def test_not_even_the_shape_of_an_unlimited_virtual_data_set_is_asked_for(tmp_path: Path, secret: str) -> None:
    """libhdf5 opens the files of such a one to tell its shape."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        space = h5py.h5s.create_simple((0,), (h5py.h5s.UNLIMITED,))
        space.select_hyperslab((0,), (h5py.h5s.UNLIMITED,), (1,), (1,))
        layout.set_virtual(space, secret.encode(), b"x", space)
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, space, layout)
    with values_of(tmp_path / "a.h5") as values:
        assert "/x" in values
        with pytest.raises(KeyError, match="in other files"):
            values["/x"]


def test_virtual_data_sets_of_the_same_file_are_read(tmp_path: Path) -> None:
    """They lead nowhere else."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.arange(3.0)
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:3] = h5py.VirtualSource(".", "/x", (3,))
        file.create_virtual_dataset("virtual", layout)
    with values_of(tmp_path / "a.h5") as values:
        assert values["/virtual"] == [0.0, 1.0, 2.0, 0.0]


def test_links_within_the_file_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    """Soft links, relative and absolute; circles of soft links and of hard links."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/x"] = 5
        file["a/near"], file["far"] = h5py.SoftLink("x"), h5py.SoftLink("/a/near")
        file["circle"], file["a/self"] = h5py.SoftLink("/circle"), file["a"]
        file["dangling"] = h5py.SoftLink("/nope")
    with values_of(tmp_path / "a.h5") as values:
        assert values["/far"] == values["/a/self/self/near"] == 5
        with pytest.raises(KeyError, match="in a circle"):
            values["/circle"]
        assert values.glob("**") == {"/a/near": 5, "/a/x": 5, "/far": 5}


def test_millions_of_objects_are_not_looked_at(tmp_path: Path) -> None:
    """A pattern says what is too much; a plain path finds its way at once."""
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        group = file.create_group("many")
        for index in range(2000):
            group[f"x{index}"] = h5py.SoftLink("/one")
        file["one"] = 1
    with values_of(tmp_path / "a.h5", max_objects=1000) as values:
        assert values["/many/x7"] == 1
        for pattern in ("/many/*", "**"):
            with pytest.raises(KeyError, match=r"nexus\.max_objects"):
                values.glob(pattern)
        with pytest.raises(KeyError, match="and 1980 more"):
            values["/many/y"]


def test_links_that_double_with_every_level_are_bounded(tmp_path: Path) -> None:
    """Forty levels of two ways each are 2^40 paths."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file
        for _ in range(40):
            below = group.create_group("a")
            group["b"] = below
            group = below
    with values_of(tmp_path / "a.h5", max_objects=1000) as values, pytest.raises(KeyError, match="max_objects"):
        values.glob("/**/**/x")


def test_deep_groups_are_reached(tmp_path: Path) -> None:
    """Nothing here recurses."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file
        for _ in range(900):
            group = group.create_group("g")
        group["x"] = 7
    with values_of(tmp_path / "a.h5") as values:
        assert values["/g" * 900 + "/x"] == 7
        assert list(values.glob("**/x").values()) == [7]
        with pytest.raises(KeyError, match="cannot be reached"):
            values["/g" * 1001]
