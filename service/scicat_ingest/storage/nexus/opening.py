"""Opening an HDF5 file: below the roots, without locks, and with a fault that says what is wrong with it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from scicat_ingest.faults import ExtraMissing, NotThereYet

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py

    from scicat_ingest.settings import NexusSettings
    from scicat_ingest.storage.roots import Roots
    from scicat_ingest.translate.context import FileValues

_REASONS = (
    ("file signature not found", "it is no HDF5 file, or its beginning is not written yet", ""),
    ("truncated file", "it is shorter than it says: still being written or copied, or cut off", ""),
    ("already open for", "its writer has not closed it", "if the writer crashed: h5clear --status FILE"),
    ("bad object header", "its beginning is corrupt, or not written yet", ""),
)
"""What libhdf5 says, what that means, and how to mend it."""


@contextmanager
def open_values(path: str, roots: Roots, settings: NexusSettings) -> Iterator[FileValues]:
    """Open a file for expressions. Raises as `open_hdf5`."""
    with open_hdf5(path, roots) as file:
        values: FileValues = _load("scicat_ingest.storage.nexus.values").HdfValues(file, path, settings)
        yield values


@contextmanager
def open_hdf5(path: str, roots: Roots) -> Iterator[h5py.File]:
    """Open a file for reading, without a lock: its writer is not disturbed.

    Raises ForbiddenBySource, FileUnreadable (no regular file), NotThereYet (missing, incomplete, not HDF5),
    ExtraMissing.
    """
    h5py = _load("h5py")
    descriptor = roots.open_file(path)
    try:
        # By its descriptor: what was checked against the roots is what is read. Through a Python file object it takes
        # as long (0.3 s for 100 MB in 200 compressed chunks), but libhdf5 then calls Python for every access.
        try:
            file = h5py.File(f"/proc/self/fd/{descriptor}", "r", locking=False)
        except (OSError, RuntimeError, ValueError) as error:
            raise _cannot_open(path, os.fstat(descriptor).st_size, error) from None
        with file:
            yield file
    finally:
        os.close(descriptor)


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        message = "reading NeXus and HDF5 files needs scicat-ingest[nexus]"
        raise ExtraMissing(message, hint="pip install 'scicat-ingest[nexus]'") from None


def _cannot_open(path: str, size: int, error: Exception) -> NotThereYet:
    if size == 0:
        return NotThereYet(f"{path!r} cannot be read: it is empty")
    for said, means, hint in _REASONS:
        if said in str(error):
            return NotThereYet(f"{path!r} cannot be read: {means}", hint=hint)
    return NotThereYet(f"{path!r} cannot be read: {error}")
