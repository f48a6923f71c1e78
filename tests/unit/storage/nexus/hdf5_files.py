"""HDF5 files for tests."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from scicat_ingest.settings import NexusSettings
from scicat_ingest.storage.nexus import open_values
from scicat_ingest.storage.roots import Roots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scicat_ingest.translate.context import FileValues


@contextmanager
def values_of(path: Path, **settings: Any) -> Iterator[FileValues]:
    with open_values(str(path), Roots((str(path.parent),)), NexusSettings(**settings)) as values:
        yield values


def write(path: Path, **objects: Any) -> Path:
    """Write each object under its name, as h5py takes it: values, links, empties."""
    with h5py.File(path, "w") as file:
        for name, value in objects.items():
            file[name] = value
    return path


def write_example(path: Path) -> Path:
    """Write what a facility's file writer would."""
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["title"] = "Fe3O4 at 5 K"
        for index, name in enumerate(("Ada", "Grace"), start=1):
            entry[f"user_{index}/name"] = name
        entry["sample/temperature"] = np.array([5.25])
        entry["sample/temperature"].attrs["units"] = "K"
        entry["image"] = np.arange(10_000, dtype="u2").reshape(100, 100)
    return path


def read_everything(path: str) -> None:
    """Read all that a mapping file could ask for."""
    with values_of(Path(path)) as values:
        values.glob("**")
        values.attrs("/entry")
