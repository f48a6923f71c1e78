"""Checksums that lie beside the files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from tests.unit.storage.lists.listings import age, paths, put, scanned

from scicat_ingest.faults import ChecksumMismatch

if TYPE_CHECKING:
    from pathlib import Path

SHA256 = hashlib.sha256(b"data").hexdigest()
MD5 = hashlib.md5(b"data", usedforsecurity=False).hexdigest()


def write(folder: Path, **texts: str) -> None:
    """Write sidecars; `__` stands for a dot."""
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)
    age(folder)


@pytest.mark.parametrize(
    "text",
    [
        SHA256,
        f"{SHA256}\n",
        f"{SHA256}  run.nxs\n",
        f"{SHA256.upper()} *run.nxs",
        f"{SHA256}  ./run.nxs",
        f"SHA256 (run.nxs) = {SHA256}",
        f"# made by the writer\n{SHA256}  run.nxs",
    ],
)
def test_a_sidecar_gives_its_files_checksum(tmp_path: Path, text: str) -> None:
    """In the spellings of sha256sum, BSD, and writers that give the digits alone; it is no file of the dataset."""
    put(tmp_path, "run.nxs")
    write(tmp_path, run__nxs__sha256=text)
    files = scanned(tmp_path)
    assert [(file.path, file.chk) for file in files] == [("run.nxs", SHA256)]
    assert (files.checksum_algorithm, files.warnings) == ("sha256", ())


@pytest.mark.parametrize("name", ["SHA256SUMS", "sha256sum.txt", "checksums.sha256", "manifest-sha256.txt"])
def test_a_list_of_sums_counts_for_its_folder_and_those_below(tmp_path: Path, name: str) -> None:
    """Paths in it are relative to where it lies."""
    put(tmp_path, "raw/a", "raw/deep/b", "c")
    (tmp_path / "raw" / name).write_text(f"{SHA256}  a\n{SHA256}  ./deep/b\n{SHA256}  ../c\n")
    age(tmp_path)
    files = scanned(tmp_path)
    assert [(file.path, file.chk) for file in files] == [("c", None), ("raw/a", SHA256), ("raw/deep/b", SHA256)]


def test_what_only_looks_like_a_sidecar_is_a_file(tmp_path: Path) -> None:
    """There is no file that it could belong to."""
    put(tmp_path, "run.nxs", "lost.md5")
    assert paths(scanned(tmp_path)) == ["lost.md5", "run.nxs"]


def test_sidecars_can_be_files_like_others(tmp_path: Path) -> None:
    """Where the settings say so."""
    put(tmp_path, "run.nxs", "run.nxs.md5")
    assert paths(scanned(tmp_path, sidecars="off")) == ["run.nxs", "run.nxs.md5"]


def test_a_dataset_has_checksums_of_one_algorithm(tmp_path: Path) -> None:
    """SciCat has one name for all of a block; others are said to be left out."""
    put(tmp_path, "a", "b")
    write(tmp_path, a__md5=MD5, b__sha256=SHA256)
    files = scanned(tmp_path)
    assert [file.chk for file in files] == [MD5, None]
    assert files.checksum_algorithm == "md5"
    assert files.warnings == ("files: checksums other than md5 were not taken: b.sha256",)


def test_checksums_that_are_asked_for_are_made_where_no_sidecar_has_them(tmp_path: Path) -> None:
    """One of another algorithm does not stand for it."""
    put(tmp_path, "a", "b", "c")
    write(tmp_path, a__sha256=SHA256, b__md5=MD5)
    files = scanned(tmp_path, {"checksums": "sha256"})
    assert [file.chk for file in files] == [SHA256] * 3
    assert files.checksum_algorithm == "sha256"


@pytest.mark.parametrize("text", ["", "no digits", "abc123", MD5, "x" * 5000, f"{SHA256}  other.nxs"])
def test_a_sidecar_without_a_checksum_is_said(tmp_path: Path, text: str) -> None:
    """And the file is listed without one."""
    put(tmp_path, "run.nxs")
    write(tmp_path, run__nxs__sha256=text)
    files = scanned(tmp_path)
    assert [(file.path, file.chk) for file in files] == [("run.nxs", None)]
    assert any("run.nxs.sha256" in warning for warning in files.warnings)


def test_a_sidecar_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    """It could lead anywhere."""
    put(tmp_path, "run.nxs")
    (tmp_path / "run.nxs.sha256").symlink_to("/etc/passwd")
    (tmp_path / "SHA256SUMS").symlink_to("/etc/passwd")
    age(tmp_path)
    files = scanned(tmp_path)
    assert [(file.path, file.chk) for file in files] == [("run.nxs", None)]
    assert all("passwd" not in warning for warning in files.warnings)


def test_sidecars_are_compared_where_the_settings_say_so(tmp_path: Path) -> None:
    """A file that is not what its writer wrote is noticed."""
    put(tmp_path, "run.nxs", content=b"something else")
    write(tmp_path, run__nxs__sha256=SHA256)
    assert scanned(tmp_path).count == 1
    with pytest.raises(ChecksumMismatch, match=r"'run.nxs' has the sha256"):
        scanned(tmp_path, verify="all")
    warned = scanned(tmp_path, verify="all", on_mismatch="warn")
    assert len(warned.warnings) == 1
