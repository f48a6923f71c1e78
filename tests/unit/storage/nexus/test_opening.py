"""Opening files that are not ready, not HDF5, or not ours."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import sys
from typing import TYPE_CHECKING

import anyio
import h5py
import pytest
from tests.unit.storage.nexus.hdf5_files import read_everything, values_of, write_example

from scicat_ingest.faults import ExtraMissing, FileUnreadable, ForbiddenBySource, NotThereYet
from scicat_ingest.settings import NexusSettings
from scicat_ingest.storage.nexus import in_reader_process, open_values
from scicat_ingest.storage.roots import Roots

if TYPE_CHECKING:
    from pathlib import Path


def refusal(path: Path) -> NotThereYet:
    with pytest.raises(NotThereYet) as caught, values_of(path):
        pass
    assert str(path) in caught.value.message
    return caught.value


def test_what_is_no_hdf5_file_may_still_become_one(tmp_path: Path) -> None:
    """Missing, empty, another format: wait, and say why."""
    assert "not there" in refusal(tmp_path / "a.nxs").message
    (tmp_path / "a.nxs").write_bytes(b"")
    assert "it is empty" in refusal(tmp_path / "a.nxs").message
    (tmp_path / "a.nxs").write_bytes(b"%PDF-1.7" * 1000)
    assert "no HDF5 file" in refusal(tmp_path / "a.nxs").message


def test_a_truncated_file_is_still_being_copied(tmp_path: Path) -> None:
    """It is shorter than it says."""
    path = write_example(tmp_path / "a.nxs")
    path.write_bytes(path.read_bytes()[:-1000])
    assert "shorter than it says" in refusal(path).message


def test_a_file_that_its_writer_has_open_is_waited_for(tmp_path: Path) -> None:
    """The hint says what to do when the writer crashed."""
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w", libver="latest") as file:
        file["x"] = 1
        file.flush()
        file.swmr_mode = True
        copy = tmp_path / "copy.nxs"
        copy.write_bytes(path.read_bytes())
    fault = refusal(copy)
    assert "has not closed it" in fault.message
    assert "h5clear" in fault.hint


def test_a_locked_file_is_read(tmp_path: Path) -> None:
    """Locks are neither waited for nor taken: the writer of the next file is not disturbed."""
    path = write_example(tmp_path / "a.nxs")
    with path.open("rb+") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        with values_of(path) as values:
            assert values["/entry/title"] == "Fe3O4 at 5 K"


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """Folders, pipes, and what lies outside the roots."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(FileUnreadable), values_of(tmp_path / name):
            pass
    with pytest.raises(ForbiddenBySource), open_values("/etc/passwd", Roots((str(tmp_path),)), NexusSettings()):
        pass


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """Neither after reading nor after a failure."""
    good, bad = write_example(tmp_path / "a.nxs"), tmp_path / "b.nxs"
    bad.write_bytes(b"nothing")
    with values_of(good):
        pass
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 (the iterator of pathlib is itself a descriptor)
    with values_of(good) as values:
        assert "/entry" in values
    refusal(bad)
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service can do without NeXus."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ExtraMissing, match=r"scicat-ingest\[nexus\]"), values_of(tmp_path / "a.nxs"):
        pass


def test_a_damaged_file_is_a_fault_and_no_other_exception(tmp_path: Path) -> None:
    """Whatever few bytes are wrong, also where it crashes the library."""
    chance = random.Random(1)  # noqa: S311 (reproducible)
    path = write_example(tmp_path / "a.nxs")
    good = path.read_bytes()

    async def work() -> None:
        for _ in range(100):
            raw = bytearray(good)
            for _ in range(chance.choice([1, 3, 10])):
                raw[chance.randrange(len(raw))] = chance.choice([0, 1, 255, 127])
            path.write_bytes(raw)
            with contextlib.suppress(NotThereYet, FileUnreadable, KeyError):
                await in_reader_process(read_everything, str(path), timeout_seconds=10)

    anyio.run(work)
