"""The source folder, and paths that cannot leave it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.acquisition_events import dataset, event, fault, plan

from scicat_ingest.faults import (
    DuplicatePath,
    ForbiddenBySource,
    InvalidField,
    MissingField,
    PathOutsideSource,
)
from scicat_ingest.mapping.source_folder import is_absolute, relative_path


def files(*paths: str) -> list[dict[str, Any]]:
    return [{"path": path, "size": 1} for path in paths]


def paths_of(value: dict[str, Any]) -> list[str]:
    return [file["path"] for block in plan(value).blocks for file in block.payload["dataFileList"]]


@pytest.mark.parametrize(
    ("folder", "kept"),
    [
        ("/data/odin", "/data/odin"),
        ("/data//odin/./x/", "/data/odin/x"),
        ("//x", "/x"),
        ("/data/a b/é", "/data/a b/é"),
        ("C:\\data\\odin\\", "C:/data/odin"),
        ("s3://bucket/p1001", "s3://bucket/p1001"),
        ("s3://bucket/", "s3://bucket"),
    ],
)
def test_the_folder_is_absolute_and_without_trailing_slash(folder: str, kept: str) -> None:
    """By the event's own name or SciCat's."""
    assert dataset(event(source={"folder": folder}))["sourceFolder"] == kept
    assert dataset(event(source={"folder": "/other"}, dataset={"sourceFolder": folder}))["sourceFolder"] == kept


def test_a_blank_name_of_scicats_says_nothing() -> None:
    """The event's own folder stays."""
    assert dataset(event(dataset={"sourceFolder": ""}))["sourceFolder"] == "/data/odin/run42"


@pytest.mark.parametrize(
    "folder", ["data/odin", "/", "//", "/.", "~/data", "file:///data", "\\\\server\\share", "/a\x00b", "/a\nb"]
)
def test_a_folder_that_names_no_place_is_refused(folder: str) -> None:
    """Neither relative, nor the root itself, nor with control characters."""
    got = fault(InvalidField, event(source={"folder": folder}))
    assert (got.code, got.field) == ("invalid_field", "source.folder")


@pytest.mark.parametrize(
    "folder", ["/data/../etc", "/data/..", "C:\\data\\..\\x", "s3://bucket/../x", "/data/a\\..\\b"]
)
def test_a_folder_with_a_way_up_is_refused(folder: str) -> None:
    """It would lead out of the roots."""
    got = fault(PathOutsideSource, event(source={"folder": folder}), source={"roots": ["/data"]})
    assert (got.code, got.field) == ("path_outside_source", "source.folder")


def test_the_folder_is_the_common_parent_of_absolute_paths() -> None:
    """Where the event names none."""
    given = event(source=None, files=files("/data/odin/a/1.nxs", "/data/odin/b/2.nxs"))
    assert dataset(given)["sourceFolder"] == "/data/odin"
    assert paths_of(given) == ["a/1.nxs", "b/2.nxs"]
    assert dataset(event(source={"folder": ""}, files=files("//data/x/1")))["sourceFolder"] == "/data/x"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"files": files("a.nxs")}, "not absolute"),
        ({"files": files("/data/a", "b")}, "not absolute"),
        ({"files": files("/data/a", "/other/b")}, "no common parent"),
        ({"files": files("/a")}, "no common parent"),
        ({"files": None, "noFiles": True}, "also for a dataset without files"),
    ],
)
def test_an_event_without_any_folder_is_refused(change: dict[str, Any], words: str) -> None:
    """The root is no folder of an acquisition."""
    got = fault(MissingField, event(source=None, **change))
    assert (got.field, words in got.message) == ("source.folder", True)


ROOTS = ["/data/{instrument.id}/{proposal.id}", "/scratch"]


@pytest.mark.parametrize("folder", ["/data/ODIN/p1001", "/data/ODIN/p1001/run42", "/scratch/x"])
def test_a_folder_in_one_of_the_roots_is_taken(folder: str) -> None:
    """Roots are templates over the event."""
    assert dataset(event(source={"folder": folder}), source={"roots": ROOTS})["sourceFolder"] == folder


@pytest.mark.parametrize(
    "folder", ["/data/ODIN/p1001x", "/data/ODIN/p2", "/data/LOKI/p1001", "/data", "/scratchy", "/etc"]
)
def test_a_folder_in_no_root_is_forbidden(folder: str) -> None:
    """The message names the roots; SciCat's own field is no way round."""
    source = {"roots": ROOTS}
    got = fault(ForbiddenBySource, event(source={"folder": folder}), source=source)
    assert (got.code, got.field, ROOTS[0] in got.message) == ("forbidden_by_source", "source.folder", True)
    change = {"source": {"folder": "/scratch"}, "dataset": {"sourceFolder": folder}}
    assert fault(ForbiddenBySource, event(**change), source=source).field == "dataset.sourceFolder"
    assert fault(ForbiddenBySource, event(source=None, files=files(f"{folder}/x")), source=source).field == "files"


@pytest.mark.parametrize("name", ["../etc", "..", ".", "/", "x/../../etc", "a/b", "a\\b", "\x00", " "])
def test_no_value_of_an_event_opens_another_root(name: str) -> None:
    """An id that is more than one name fills no root."""
    source = {"roots": ["/data/{instrument.id}"]}
    for folder in ("/etc/passwd", "/data/a/b", "/data/x"):
        assert fault(ForbiddenBySource, event(instrument={"id": name}, source={"folder": folder}), source=source)


@pytest.mark.parametrize(
    ("folder", "path", "kept"),
    [
        ("/data/x", "a.nxs", "a.nxs"),
        ("/data/x", "./sub//a.nxs", "sub/a.nxs"),
        ("/data/x", "/data/x/sub/a.nxs", "sub/a.nxs"),
        ("/data/x", "//data/x/a.nxs", "a.nxs"),
        ("/data/x", "a..b/...", "a..b/..."),
        ("/data/x", "x:y.dat", "x:y.dat"),
        ("/data/x", "sub\\a", "sub\\a"),
        ("C:/data", "C:\\data\\sub\\a.nxs", "sub/a.nxs"),
        ("C:/data", "sub\\a.nxs", "sub/a.nxs"),
        ("s3://bucket/x", "s3://bucket/x/a", "a"),
    ],
)
def test_a_path_is_kept_relative_to_the_folder(folder: str, path: str, kept: str) -> None:
    """With `/` between its parts; absolute ones lose the folder."""
    assert paths_of(event(source={"folder": folder}, files=files(path))) == [kept]


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("/data/x", "../y"),
        ("/data/x", "a/../../y"),
        ("/data/x", "a\\..\\y"),
        ("/data/x", ".."),
        ("/data/x", "/data/xy"),
        ("/data/x", "/data/x/../y"),
        ("/data/x", "/etc/passwd"),
        ("/data/x", "/data/x"),
        ("/data/x", "s3://bucket/y"),
        ("/data/x", "C:\\y"),
        ("/data/x", "\\\\server\\share\\y"),
        ("C:/data", "D:\\y"),
        ("C:/data", "D:y"),
        ("C:/data", "\\y"),
        ("C:/data", "/y"),
        ("C:/data", "\\\\server\\share"),
    ],
)
def test_a_path_that_leaves_the_folder_is_refused(folder: str, path: str) -> None:
    """On every system that may read the dataset."""
    got = fault(PathOutsideSource, event(source={"folder": folder}, files=files("ok", path)))
    assert (got.code, got.field) == ("path_outside_source", "files[1].path")


@pytest.mark.parametrize("path", ["sub/", ".", "./", "a\x00", "a\nb", "\x7f"])
def test_a_path_that_names_no_file_is_refused(path: str) -> None:
    """A folder, nothing, or something that no terminal can show."""
    assert fault(InvalidField, event(files=files(path))).field == "files[0].path"


@pytest.mark.parametrize("again", ["a/b", "a//b", "./a/b", "/data/odin/run42/a/b"])
def test_two_files_with_one_path_are_refused(again: str) -> None:
    """In any spelling; the message names the first."""
    got = fault(DuplicatePath, event(files=files("a/b", "c", again)))
    assert (got.code, got.field) == ("duplicate_path", "files[2].path")
    assert got.message == "'a/b' is also the path of files[0]"


HOSTILE = st.text(st.sampled_from("a.b/\\:C~ \x00\n%2e"), max_size=12)


@given(st.sampled_from(["/data/x", "C:/data", "s3://bucket/x"]), st.one_of(HOSTILE, st.text()))
@example("/data/x", "/data/x/" + "../" * 5)
def test_a_relative_path_never_leaves(folder: str, path: str) -> None:
    """Whatever the path: no absolute one, no empty part, no `.` and no `..`, or a fault."""
    try:
        kept = relative_path(path, folder, "files[0].path")
    except (InvalidField, PathOutsideSource):
        return
    assert not is_absolute(kept)
    assert not kept.startswith(("/", "\\"))
    assert not {"", ".", ".."} & set(kept.split("/"))
    assert ".." not in kept.replace("\\", "/").split("/")
    assert relative_path(f"{folder}/{kept}", folder, "") == kept
