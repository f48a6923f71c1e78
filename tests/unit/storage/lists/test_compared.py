"""Lists that are compared with the files, and completed by them."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.storage.lists.listings import OLD, event, listed, put

from scicat_ingest.faults import ChecksumMismatch, FileUnreadable, ForbiddenBySource, NotThereYet

if TYPE_CHECKING:
    from pathlib import Path

    from scicat_ingest.catalogue.file_list import FileList

SHA256 = hashlib.sha256(b"data").hexdigest()
MD5 = hashlib.md5(b"data", usedforsecurity=False).hexdigest()


def inline(folder: Path, *files: dict[str, Any], algorithm: str | None = None, **settings: Any) -> FileList:
    """Give the list of an event that has these files."""
    given = event(source={"folder": str(folder)}, files=list(files), checksumAlgorithm=algorithm)
    return listed(folder, given, **settings)


def manifest(folder: Path, *files: dict[str, Any], algorithm: str | None = None, **settings: Any) -> FileList:
    """Give the list of a manifest that has these files."""
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, files)))
    os.utime(folder / "list.jsonl", (OLD, OLD))
    return listed(folder, event(fileManifest={"uri": "list.jsonl"}, checksumAlgorithm=algorithm), **settings)


@pytest.fixture(params=[inline, manifest])
def of(request: pytest.FixtureRequest) -> Any:
    """Give a list in both ways."""
    return request.param


def test_what_a_list_says_is_taken_as_it_is(tmp_path: Path, of: Any) -> None:
    """By default no file is looked at."""
    (file,) = of(tmp_path, {"path": "a", "size": 5, "checksum": "x"}, algorithm="sha256")
    assert (file.size, file.chk, file.uid) == (5, "x", None)


def test_what_a_list_does_not_say_is_looked_up(tmp_path: Path, of: Any) -> None:
    """What it says stays."""
    put(tmp_path, "a")
    (file,) = of(tmp_path, {"path": "a", "size": 5, "uid": "ada"}, stat="on")
    assert (file.size, file.uid, file.gid) == (5, "ada", str(os.getgid()))
    assert file.time == datetime.fromtimestamp(OLD, UTC)


def test_a_manifest_may_leave_out_sizes_where_they_are_looked_up(tmp_path: Path) -> None:
    """A list of paths alone is what many tools write."""
    put(tmp_path, "a", "b")
    files = manifest(tmp_path, {"path": "a"}, {"path": "b"}, stat="on")
    assert [file.size for file in files] == [4, 4]


@pytest.mark.parametrize("verify", ["size", "all"])
def test_a_file_of_another_size_is_no_file_of_the_dataset(tmp_path: Path, of: Any, verify: str) -> None:
    """Or it is said in the outcome, where the settings say so."""
    put(tmp_path, "a")
    assert of(tmp_path, {"path": "a", "size": 4}, verify=verify).count == 1
    with pytest.raises(ChecksumMismatch, match="'a' has 4 bytes, the list says 5"):
        of(tmp_path, {"path": "a", "size": 5}, verify=verify)
    files = of(tmp_path, {"path": "a", "size": 5}, verify=verify, on_mismatch="warn")
    assert files.warnings == ("files: files are not as they are listed: 'a' has 4 bytes, the list says 5",)


@pytest.mark.parametrize(("algorithm", "right"), [("sha256", SHA256), ("md5", MD5), ("SHA-256", SHA256.upper())])
def test_checksums_are_compared(tmp_path: Path, of: Any, algorithm: str, right: str) -> None:
    """Also those of algorithms by which none are made here."""
    put(tmp_path, "a")
    assert of(tmp_path, {"path": "a", "size": 4, "checksum": right}, algorithm=algorithm, verify="all").count == 1
    with pytest.raises(ChecksumMismatch, match="the list says 000"):
        of(tmp_path, {"path": "a", "size": 4, "checksum": "0" * 64}, algorithm=algorithm, verify="all")
    assert of(tmp_path, {"path": "a", "size": 4, "checksum": "0"}, algorithm=algorithm, verify="size").count == 1


def test_checksums_that_nobody_can_compare_are_said(tmp_path: Path, of: Any) -> None:
    """They stay in the list."""
    put(tmp_path, "a")
    files = of(tmp_path, {"path": "a", "size": 4, "checksum": "1f"}, algorithm="adler32", verify="all")
    assert ([file.chk for file in files], len(files.warnings)) == (["1f"], 1)


def test_missing_checksums_are_made_by_the_lists_own_algorithm(tmp_path: Path, of: Any) -> None:
    """A dataset has one."""
    put(tmp_path, "a", "b")
    rows = ({"path": "a", "size": 4, "checksum": "given"}, {"path": "b", "size": 4})
    files = of(tmp_path, *rows, algorithm="blake2b", checksums="sha256")
    assert [file.chk for file in files] == ["given", hashlib.blake2b(b"data").hexdigest()]
    assert files.checksum_algorithm == "blake2b"


def test_a_list_without_an_algorithm_gets_new_checksums(tmp_path: Path, of: Any) -> None:
    """Those that it has could be anything."""
    put(tmp_path, "a", "b")
    files = of(tmp_path, {"path": "a", "size": 4, "checksum": "?"}, {"path": "b", "size": 4}, checksums="sha256")
    assert [file.chk for file in files] == [SHA256, SHA256]
    assert files.checksum_algorithm == "sha256"
    assert len(files.warnings) == 1


def test_a_list_by_an_algorithm_that_is_not_made_here_stays_as_it_is(tmp_path: Path, of: Any) -> None:
    """And the outcome says why some have no checksum."""
    put(tmp_path, "a", "b")
    rows = ({"path": "a", "size": 4, "checksum": MD5}, {"path": "b", "size": 4})
    files = of(tmp_path, *rows, algorithm="md5", checksums="sha256")
    assert [file.chk for file in files] == [MD5, None]
    assert files.checksum_algorithm == "md5"
    assert len(files.warnings) == 1


@pytest.mark.parametrize("settings", [{"stat": "on"}, {"verify": "size"}, {"verify": "all"}, {"checksums": "sha256"}])
def test_files_that_are_looked_at_must_be_below_the_roots(tmp_path: Path, of: Any, settings: Any) -> None:
    """A link in the middle does not help; what is missing is waited for; a pipe is refused."""
    put(tmp_path, "a")
    (tmp_path / "etc").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ForbiddenBySource):
        of(tmp_path, {"path": "etc/passwd", "size": 4}, **settings)
    with pytest.raises(NotThereYet):
        of(tmp_path, {"path": "later", "size": 4}, **settings)
    with pytest.raises(FileUnreadable):
        of(tmp_path, {"path": "pipe", "size": 0}, **settings)
