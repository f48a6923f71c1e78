"""Nothing outside the source's roots is ever opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicat_ingest.faults import FileUnreadable, ForbiddenBySource, IngestFault, NotThereYet
from scicat_ingest.storage.roots import Roots


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a root `in` with files and links, and a file `out` beside it."""
    inside = tmp_path / "in"
    (inside / "run").mkdir(parents=True)
    (inside / "run" / "a").write_text("inside")
    (inside / "store").mkdir()
    (inside / "store" / "b").write_text("stored")
    (tmp_path / "out").write_text("outside")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "secret").write_text("outside")
    (inside / "good").symlink_to("store/b")
    (inside / "good-folder").symlink_to("store")
    (inside / "bad").symlink_to("../out")
    (inside / "bad-folder").symlink_to("../inner")
    (inside / "absolute").symlink_to(tmp_path / "out")
    (inside / "circle").symlink_to("circle")
    (inside / "dangling").symlink_to("nothing")
    os.mkfifo(inside / "pipe")
    return inside


def read(roots: Roots, path: str) -> str:
    with os.fdopen(roots.open_file(path, "f")) as file:
        return file.read()


@pytest.mark.parametrize(
    ("path", "content"),
    [("run/a", "inside"), ("good", "stored"), ("good-folder/b", "stored"), ("run/./a", "inside"), ("run//a", "inside")],
)
def test_what_is_inside_is_opened(folder: Path, path: str, content: str) -> None:
    """Also through links that stay inside."""
    assert read(Roots((str(folder),)), f"{folder}/{path}") == content


@pytest.mark.parametrize(
    ("path", "sort"),
    [
        ("{}/../out", ForbiddenBySource),
        ("{}/bad", ForbiddenBySource),
        ("{}/bad-folder/secret", ForbiddenBySource),
        ("{}/absolute", ForbiddenBySource),
        ("{}/run/../../out", ForbiddenBySource),
        ("{}ner/secret", ForbiddenBySource),
        ("/etc/passwd", ForbiddenBySource),
        ("/proc/self/environ", ForbiddenBySource),
        ("{}/../../../../../../etc/passwd", ForbiddenBySource),
        ("run/a", ForbiddenBySource),
        ("", ForbiddenBySource),
        ("~/a", ForbiddenBySource),
        ("//etc/passwd", ForbiddenBySource),
        ("{}", FileUnreadable),
        ("{}/run", FileUnreadable),
        ("{}/pipe", FileUnreadable),
        ("{}/a\0b", FileUnreadable),
        ("{}/nothing", NotThereYet),
        ("{}/dangling", NotThereYet),
        ("{}/run/a/b", NotThereYet),
    ],
)
def test_what_is_outside_or_no_file_is_refused(folder: Path, path: str, sort: type[IngestFault]) -> None:
    """With the field of the event; nothing is left open."""
    descriptors = sorted(Path("/proc/self/fd").iterdir())
    with pytest.raises(sort) as caught:
        Roots((str(folder),)).open_file(path.format(folder), "files[0].path")
    assert caught.value.field == "files[0].path"
    assert sorted(Path("/proc/self/fd").iterdir()) == descriptors


@pytest.mark.parametrize("path", ["circle", "x" * 300, "/".join(["x" * 200] * 30)])
def test_what_no_file_system_can_open_is_a_fault(folder: Path, path: str) -> None:
    """A circle of links, names that are too long."""
    with pytest.raises(IngestFault):
        Roots((str(folder),)).open_file(f"{folder}/{path}", "f")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.lists(st.sampled_from(["..", ".", "", "run", "a", "bad", "bad-folder", "good-folder", "b", "out", "secret"])))
def test_no_path_leads_outside(folder: Path, steps: list[str]) -> None:
    """Whatever it is made of."""
    try:
        content = read(Roots((str(folder),)), "/".join([str(folder), *steps]))
    except IngestFault:
        return
    assert content in ("inside", "stored")


def test_without_roots_nothing_is_opened(folder: Path) -> None:
    """The hint says where they are set."""
    with pytest.raises(ForbiddenBySource, match=r"sources\[\]\.roots"):
        Roots(()).open_file(f"{folder}/run/a")


def test_a_root_that_is_a_link_itself_counts(folder: Path) -> None:
    """Mounted folders often are."""
    (folder.parent / "data").symlink_to(folder)
    assert read(Roots((f"{folder.parent}/data",)), f"{folder.parent}/data/run/a") == "inside"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_folder_that_is_mounted_elsewhere_is_found(folder: Path, slash: str) -> None:
    """Events name it as the facility does; the longest name that fits counts."""
    mounts = {f"/facility/data{slash}": str(folder), "/facility": "/nowhere"}
    roots = Roots(("/facility/data",), mounts)
    assert read(roots, "/facility/data/run/a") == "inside"
    with pytest.raises(ForbiddenBySource):
        roots.open_file("/facility/database/a")
    with pytest.raises(ForbiddenBySource):
        roots.open_file("/facility/data/bad")
    with pytest.raises(ForbiddenBySource):
        roots.open_file(f"{folder}/run/a")


def test_a_link_that_is_put_there_between_check_and_opening_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check saw a folder; what is opened is a link by now."""
    check = os.path.realpath

    def check_and_swap(path: Any, **given: Any) -> Any:
        real = check(path, **given)
        if str(path).endswith("/run/a"):
            (folder / "run").rename(folder / "away")
            (folder / "run").symlink_to(folder.parent / "inner")
            (folder.parent / "inner" / "a").write_text("outside")
            monkeypatch.undo()
        return real

    monkeypatch.setattr(os.path, "realpath", check_and_swap)
    with pytest.raises((ForbiddenBySource, NotThereYet)):
        read(Roots((str(folder),)), f"{folder}/run/a")
