"""What a scan of the source folder finds."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.storage.lists.listings import NOW, OLD, age, event, listed, paths, put, scanned

from scicat_ingest.faults import ForbiddenBySource, InvalidField, NotThereYet, TooManyFiles


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Folders among them, so that a repeated scan gives the same blocks."""
    put(tmp_path, "b/2", "b/1", "a", "c", "B")
    assert paths(scanned(tmp_path)) == ["B", "a", "b/1", "b/2", "c"]


def test_a_file_has_what_the_file_system_knows(tmp_path: Path) -> None:
    """Size, time, owner and permissions, all as SciCat takes them."""
    put(tmp_path, "run.nxs", content=b"12345", at=OLD + 0.5)
    (tmp_path / "run.nxs").chmod(0o640)
    (file,) = scanned(tmp_path)
    assert (file.path, file.size, file.perm) == ("run.nxs", 5, "640")
    assert (file.uid, file.gid) == (str(os.getuid()), str(os.getgid()))
    assert file.time == datetime.fromtimestamp(OLD + 0.5, UTC)


def test_owners_can_be_names(tmp_path: Path) -> None:
    """And a number where there is no name."""
    put(tmp_path, "run.nxs")
    (file,) = scanned(tmp_path, owners="name")
    assert file.uid == Path(tmp_path / "run.nxs").owner()
    if os.getuid() == 0:
        os.chown(tmp_path / "run.nxs", 54321, 54321)
        age(tmp_path)
        (file,) = scanned(tmp_path, owners="name")
        assert (file.uid, file.gid) == ("54321", "54321")


@pytest.mark.parametrize(
    ("scan", "found"),
    [
        ({}, ["a.nxs", "a.tmp", "raw/b.nxs", "work/c.nxs"]),
        ({"include": ["*.nxs"]}, ["a.nxs", "raw/b.nxs", "work/c.nxs"]),
        ({"include": ["raw/"]}, ["raw/b.nxs"]),
        ({"exclude": ["*.tmp", "work/"]}, ["a.nxs", "raw/b.nxs"]),
        ({"include": ["*.nxs"], "exclude": ["raw/**"]}, ["a.nxs", "work/c.nxs"]),
    ],
)
def test_patterns_choose_files(tmp_path: Path, scan: dict[str, Any], found: list[str]) -> None:
    """What is excluded stays out, also where it is included."""
    put(tmp_path, "a.nxs", "a.tmp", "raw/b.nxs", "work/c.nxs")
    assert paths(scanned(tmp_path, scan)) == found


def test_hidden_files_are_listed_only_where_the_settings_say_so(tmp_path: Path) -> None:
    """A file system's own snapshots and locks begin with a dot."""
    put(tmp_path, "a", ".nfs0001", ".snapshot/a")
    assert paths(scanned(tmp_path)) == ["a"]
    assert paths(scanned(tmp_path, hidden="on")) == [".nfs0001", ".snapshot/a", "a"]


def test_a_folder_is_waited_for(tmp_path: Path) -> None:
    """It may not be visible here yet."""
    with pytest.raises(NotThereYet, match="is not there"):
        scanned(tmp_path / "run42", roots=(tmp_path,))


@pytest.mark.parametrize("scan", [{}, {"include": ["*.nxs"]}])
def test_nothing_to_list_is_waited_for(tmp_path: Path, scan: dict[str, Any]) -> None:
    """The files may come yet; an acquisition without files says so."""
    put(tmp_path, "a.tmp" if scan else ".hidden")
    with pytest.raises(NotThereYet, match="nothing to list"):
        scanned(tmp_path, scan)


def test_what_changed_a_moment_ago_is_waited_for(tmp_path: Path) -> None:
    """Its writer may not be done; a file that is left out does not count."""
    put(tmp_path, "a", "b/c")
    os.utime(tmp_path / "b" / "c", (NOW - 3, NOW - 3))
    with pytest.raises(NotThereYet, match="changed 3 s ago"):
        scanned(tmp_path)
    assert paths(scanned(tmp_path, {"exclude": ["c"]})) == ["a"]
    assert paths(scanned(tmp_path, stable_seconds=2)) == ["a", "b/c"]


def test_a_new_name_in_a_folder_is_a_change(tmp_path: Path) -> None:
    """A file that is moved there keeps its old time."""
    put(tmp_path, "a", "b/c")
    os.utime(tmp_path / "b", (NOW, NOW))
    with pytest.raises(NotThereYet, match="changed 0 s ago"):
        scanned(tmp_path)


def test_a_wrong_clock_does_not_hold_a_scan_for_ever(tmp_path: Path) -> None:
    """A file from the future is not waited for until then."""
    put(tmp_path, "a", at=NOW + 3600)
    assert paths(scanned(tmp_path)) == ["a"]


def test_links_are_left_out_and_said(tmp_path: Path) -> None:
    """By default none is followed."""
    put(tmp_path, "a")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "away").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    age(tmp_path)
    files = scanned(tmp_path)
    assert paths(files) == ["a"]
    assert files.warnings == ("files: links were left out: away, folder, link",)


def test_links_that_stay_inside_can_be_followed(tmp_path: Path) -> None:
    """To files only: a link to a folder could lead round in circles."""
    put(tmp_path, "run/a", "store/b")
    (tmp_path / "run" / "link").symlink_to("../store/b")
    (tmp_path / "run" / "circle").symlink_to(".")
    age(tmp_path)
    files = scanned(tmp_path / "run", roots=(tmp_path,), links="inside")
    assert paths(files) == ["a", "link"]
    assert files.warnings == ("files: links to folders are not followed: circle",)


def test_a_link_that_leaves_the_roots_is_refused(tmp_path: Path) -> None:
    """Where links are followed, one that leads away is somebody's attempt."""
    put(tmp_path, "a")
    (tmp_path / "passwords").symlink_to("/etc/passwd")
    age(tmp_path)
    with pytest.raises(ForbiddenBySource, match="passwords"):
        scanned(tmp_path, links="inside")


def test_links_can_be_refused_altogether(tmp_path: Path) -> None:
    """Then a link is a reason for a dead letter."""
    put(tmp_path, "a")
    (tmp_path / "link").symlink_to("a")
    age(tmp_path)
    with pytest.raises(ForbiddenBySource, match="is a link"):
        scanned(tmp_path, links="refuse")


def test_what_is_no_file_is_left_out_and_said(tmp_path: Path) -> None:
    """A pipe would never end."""
    put(tmp_path, "a")
    os.mkfifo(tmp_path / "pipe")
    age(tmp_path)
    files = scanned(tmp_path)
    assert paths(files) == ["a"]
    assert files.warnings == ("files: neither files nor folders, left out: pipe",)


def test_names_that_cannot_be_written_are_left_out_and_said(tmp_path: Path) -> None:
    """Neither control characters nor bytes that are no UTF-8 can stand in JSON's paths."""
    put(tmp_path, "a", "new\nline", "back\\slash")
    for name in (b"caf\xe9", b"up\\..\\x"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):  # noqa: PTH123, PTH118 (bytes)
            pass
    age(tmp_path)
    files = scanned(tmp_path)
    assert paths(files) == ["a", "back\\slash"]
    (warning,) = files.warnings
    assert warning.startswith("files: names that SciCat cannot take were left out: 'caf\\udce9', 'new\\nline'")


def test_many_of_a_kind_are_counted(tmp_path: Path) -> None:
    """A warning has a few names, not a million."""
    put(tmp_path, "a")
    for number in range(1000):
        (tmp_path / f"link{number:03}").symlink_to("a")
    age(tmp_path)
    (warning,) = scanned(tmp_path).warnings
    assert warning.endswith("link003, link004 and 995 more")


def test_folders_deeper_than_a_hundred_are_refused(tmp_path: Path) -> None:
    """Each open folder takes a descriptor."""
    put(tmp_path, "/".join(["d"] * 101 + ["a"]))
    with pytest.raises(InvalidField, match="deeper than 100"):
        scanned(tmp_path)
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(InvalidField):
        scanned(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    """With the setting that allows more."""
    put(tmp_path, "a", "b", "c")
    assert scanned(tmp_path, max_files=3).count == 3
    with pytest.raises(TooManyFiles, match="max_files"):
        scanned(tmp_path, max_files=2)


def test_a_scan_outside_the_roots_is_refused(tmp_path: Path) -> None:
    """Also one through a link in the middle."""
    put(tmp_path, "out/a", "in/a")
    (tmp_path / "in" / "side").symlink_to("../out")
    with pytest.raises(ForbiddenBySource):
        scanned(tmp_path / "out", roots=(tmp_path / "in",))
    with pytest.raises(ForbiddenBySource):
        scanned(tmp_path / "in" / "side", roots=(tmp_path / "in",))
    with pytest.raises(ForbiddenBySource, match="no roots"):
        scanned(tmp_path / "out", roots=())


def test_a_folder_that_becomes_a_link_while_it_is_scanned_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the opening somebody swaps it; the next scan sees the link."""
    put(tmp_path, "a", "b/c")
    look = os.stat

    def look_and_swap(path: Any, **given: Any) -> os.stat_result:
        found = look(path, **given)
        if path == "b":
            (tmp_path / "b").rename(tmp_path / ".b")
            (tmp_path / "b").symlink_to("/etc")
            monkeypatch.undo()
        return found

    monkeypatch.setattr(os, "stat", look_and_swap)
    with pytest.raises(NotThereYet, match="cannot be looked at"):
        scanned(tmp_path)
    age(tmp_path)
    assert paths(scanned(tmp_path)) == ["a"]


def test_work_that_is_given_up_ends(tmp_path: Path) -> None:
    """Not after the last of a million files."""
    put(tmp_path, *[f"{number}" for number in range(10)])

    class GivenUpError(Exception):
        pass

    def give_up() -> None:
        raise GivenUpError

    with pytest.raises(GivenUpError):
        scanned(tmp_path, check_cancelled=give_up)


def test_a_scan_of_a_file_is_waited_for(tmp_path: Path) -> None:
    """The folder is no folder."""
    put(tmp_path, "run42")
    with pytest.raises(NotThereYet):
        scanned(tmp_path / "run42", roots=(tmp_path,))


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    """It has a size: 0."""
    put(tmp_path, "empty", content=b"")
    files = listed(tmp_path, event(scan={}))
    assert (files.count, files.size) == (1, 0)
