"""File lists that are kept in files of their own."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tests.unit.storage.lists.listings import DEFAULT_TIME, NOW, age, event, listed, paths

from scicat_ingest.catalogue.origdatablock import DataFile
from scicat_ingest.faults import (
    DuplicatePath,
    ForbiddenBySource,
    IngestFault,
    InvalidField,
    InvalidManifest,
    MissingField,
    NotThereYet,
    PathOutsideSource,
    RecordFault,
    TooManyFiles,
)
from scicat_ingest.storage.lists.lines import MOST_LINE_BYTES, expand, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scicat_ingest.catalogue.file_list import FileList

ROW = {
    "path": "raw/a.cbf",
    "size": 5,
    "modifiedAt": "2026-04-22T10:00:00+02:00",
    "checksum": "abc",
    "uid": 1000,
    "gid": "p1001",
    "perm": "644",
    "type": "file",
}


def read(folder: Path, content: bytes | str, *, name: str = "list.jsonl", **given: Any) -> FileList:
    """Read a manifest of this content; what is given is of the event's fileManifest, else a setting."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    age(folder)
    fields = {key: given.pop(key) for key in ("uri", "format", "count", "sha256") if key in given}
    return listed(folder, event(fileManifest={"uri": name, **fields}), **given)


def written(file: DataFile) -> Any:
    return TypeAdapter(DataFile).dump_python(file, mode="json", exclude_none=True)


def lines(*rows: Any) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def test_json_lines_have_the_fields_of_the_event(tmp_path: Path) -> None:
    """All of them."""
    (file,) = read(tmp_path, lines(ROW))
    assert written(file) == {
        "path": "raw/a.cbf",
        "size": 5,
        "time": "2026-04-22T08:00:00.000Z",
        "chk": "abc",
        "uid": "1000",
        "gid": "p1001",
        "perm": "644",
        "type": "file",
    }


def test_csv_has_the_same_columns(tmp_path: Path) -> None:
    """An empty cell says nothing."""
    header, cells = ",".join(ROW), ",".join(str(value) for value in ROW.values())
    first, second = read(tmp_path, f'{header}\r\n{cells}\r\n"b, ""c""",7,,,,,,\r\n', name="list.csv")
    assert first == next(iter(read(tmp_path, lines(ROW))))
    assert written(second) == {
        "path": 'b, "c"',
        "size": 7,
        "time": "2026-04-22T00:00:00.000Z",
    }


@pytest.mark.parametrize("content", ["\n\n", "\n", "\r\n \r\n"])
def test_empty_lines_and_byte_order_marks_count_for_nothing(tmp_path: Path, content: str) -> None:
    """Editors and spreadsheets add them."""
    text = f"\ufeff{lines(ROW)}{content}{json.dumps({'path': 'b', 'size': 1})}"
    assert paths(read(tmp_path, text)) == ["raw/a.cbf", "b"]
    assert paths(read(tmp_path, "\ufeffpath,size\na,1\n\nb,2", name="list.csv")) == ["a", "b"]


@pytest.mark.parametrize("pieces", [1, 3])
def test_gzip_is_known_by_its_name(tmp_path: Path, pieces: int) -> None:
    """Several gzip files one after another are one."""
    content = b"".join(gzip.compress(lines({"path": str(piece), "size": 1}).encode()) for piece in range(pieces))
    files = read(tmp_path, content, name="list.jsonl.gz", sha256=hashlib.sha256(content).hexdigest())
    assert paths(files) == [str(piece) for piece in range(pieces)]


@pytest.mark.parametrize(
    ("uri", "sort"),
    [
        ("list.jsonl", None),
        ("./deep/../x", PathOutsideSource),
        ("../list.jsonl", PathOutsideSource),
        ("{folder}/list.jsonl", None),
        ("file://{folder}/list.jsonl", None),
        ("file://localhost{folder}/list.jsonl", None),
        ("file://{folder}/li%73t.jsonl", None),
        ("file://elsewhere{folder}/list.jsonl", InvalidField),
        ("file://{folder}/%2e%2e/list.jsonl", ForbiddenBySource),
        ("/etc/passwd", ForbiddenBySource),
        ("file:///etc/passwd", ForbiddenBySource),
        ("/proc/self/environ", ForbiddenBySource),
        ("http://example.org/list.jsonl", InvalidField),
        ("ftp://example.org/list.jsonl", InvalidField),
        ("s3://bucket/list.jsonl", InvalidField),
        ("https://example.org/list.jsonl", ForbiddenBySource),
        ("https://user:pw@example.org/list.jsonl", InvalidField),
        ("https://[::1/list.jsonl", InvalidField),
        ("missing.jsonl", NotThereYet),
        (".", InvalidField),
    ],
)
def test_a_manifest_is_where_its_address_says_and_nowhere_else(
    tmp_path: Path, uri: str, sort: type[IngestFault] | None
) -> None:
    """Below the source's roots, or at a host that the settings allow."""
    (tmp_path / "list.jsonl").write_text(lines(ROW))
    age(tmp_path)
    manifest = {"uri": uri.format(folder=tmp_path), "format": "jsonl"}
    if sort is None:
        assert listed(tmp_path, event(fileManifest=manifest)).count == 1
        return
    with pytest.raises(sort) as caught:
        listed(tmp_path, event(fileManifest=manifest))
    assert caught.value.field is not None
    assert caught.value.field.startswith("fileManifest")


def test_a_link_to_a_manifest_elsewhere_is_refused(tmp_path: Path) -> None:
    """Whoever may write into the folder must not read others' files through us."""
    (tmp_path / "list.jsonl").symlink_to("/etc/passwd")
    with pytest.raises(ForbiddenBySource):
        listed(tmp_path, event(fileManifest={"uri": "list.jsonl"}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "it lists no file"),
        ("\n", "it lists no file"),
        ("[]\n", "line 1: expected an object"),
        ('{"path": "a", "size": 1}\n{"path": ', "line 2 is not JSON"),
        ("\x00\x01", "line 1 is not JSON"),
        (b'{"path": "a", "size": 1}\n\xff\xfe\n', "line 2 is not UTF-8"),
        ("[" * 60_000, "line 1 is not JSON"),
        ('{"path": "a", "size": ' + "9" * 5000 + "}", "line 1 is not JSON"),
        ("x" * (MOST_LINE_BYTES + 1), "line 1 has more than"),
    ],
)
def test_what_is_no_list_is_refused_with_its_line(tmp_path: Path, content: str | bytes, says: str) -> None:
    """Never with a traceback."""
    with pytest.raises(InvalidManifest, match=says):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("row", "sort", "field"),
    [
        ({"size": 1}, MissingField, "fileManifest[2].path"),
        ({"path": "b"}, MissingField, "fileManifest[2].size"),
        ({"path": "b", "size": -1}, InvalidField, "fileManifest[2].size"),
        ({"path": "b", "size": "1"}, InvalidField, "fileManifest[2].size"),
        ({"path": "b", "size": 1.5}, InvalidField, "fileManifest[2].size"),
        ({"path": "b", "size": 1, "modifiedAt": "yesterday"}, InvalidField, "fileManifest[2].modifiedAt"),
        ({"path": "b", "size": 1, "modifiedAt": "2026-04-22T10:00:00"}, InvalidField, "fileManifest[2].modifiedAt"),
        ({"path": "../b", "size": 1}, PathOutsideSource, "fileManifest[2].path"),
        ({"path": "/etc/passwd", "size": 1}, PathOutsideSource, "fileManifest[2].path"),
        ({"path": "b\nc", "size": 1}, InvalidField, "fileManifest[2].path"),
        ({"path": "\ud800", "size": 1}, InvalidField, "fileManifest[2].path"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, row: Any, sort: type[RecordFault], field: str) -> None:
    """So that its writer can be mended."""
    with pytest.raises(sort) as caught:
        read(tmp_path, lines(ROW, row))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name,size\na,1", "expected a first line with the columns path,size"),
        ("path,path\na,1", "each once"),
        ("path,size\na", "line 2: expected 2 columns, got 1"),
        ("path,size\na,1,2", "line 2: expected 2 columns, got 3"),
        ('path,size\n"a,1\nb,2', "is no CSV"),
        ('path,size\n"a"b,1', "is no CSV"),
        ("path,size\na,one", "expected a number of bytes"),
        ("path,size\na,\N{SUPERSCRIPT TWO}", "expected a number of bytes"),
        ("path,size\na,-1", "expected a number of bytes"),
        ("path,size", "it lists no file"),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path: Path, content: str, says: str) -> None:
    """With its line."""
    with pytest.raises(RecordFault, match=says):
        read(tmp_path, content, name="list.csv")


def test_columns_that_nobody_knows_are_one_warning(tmp_path: Path) -> None:
    """Not one a line."""
    files = read(tmp_path, lines(*[{"path": str(n), "size": 1, "colour": "red", "inode": None} for n in range(100)]))
    assert files.warnings == (
        "files: columns that are not known were left out: colour, colour, colour, colour, colour and 95 more",
    )


def test_its_checksum_and_count_are_compared(tmp_path: Path) -> None:
    """Of the file as it is stored; either may be missing."""
    text = lines(ROW)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert read(tmp_path, text, sha256=digest.upper(), count=1).count == 1
    with pytest.raises(InvalidManifest, match="lists 1 files, the event says 2"):
        read(tmp_path, text, sha256=digest, count=2)
    with pytest.raises(InvalidManifest, match=f"its SHA-256 is {digest}"):
        read(tmp_path, text, sha256="0" * 64)


@pytest.mark.parametrize("name", ["list.txt", "list", "list.json", "list.gz"])
def test_an_unknown_format_is_refused(tmp_path: Path, name: str) -> None:
    """Unless the event says what it is."""
    with pytest.raises(InvalidField, match="expected jsonl or csv"):
        read(tmp_path, lines(ROW), name=name)
    if not name.endswith(".gz"):
        assert read(tmp_path, lines(ROW), name=name, format="jsonl").count == 1


def test_a_manifest_that_changed_a_moment_ago_is_waited_for(tmp_path: Path) -> None:
    """Its writer may not be done."""
    (tmp_path / "list.jsonl").write_text(lines(ROW))
    os.utime(tmp_path / "list.jsonl", (NOW - 2, NOW - 2))
    with pytest.raises(NotThereYet, match="changed 2 s ago"):
        listed(tmp_path, event(fileManifest={"uri": "list.jsonl"}))


def test_a_compression_bomb_goes_off_within_bounds(tmp_path: Path) -> None:
    """300 MB of blanks in 300 kB: neither expanded nor a line of that length."""
    bomb = gzip.compress(b" " * 300_000_000, compresslevel=9)
    assert len(bomb) < 300_000
    with pytest.raises(InvalidManifest, match="line 1 has more than"):
        read(tmp_path, bomb, name="list.jsonl.gz")
    with pytest.raises(InvalidManifest, match="expected at most 1000000 bytes"):
        read(tmp_path, gzip.compress(b"\n" * 2_000_000), name="list.jsonl.gz", max_manifest_bytes=1_000_000)
    with pytest.raises(InvalidManifest, match="expected at most 1000 bytes"):
        read(tmp_path, b"\n" * 2_000, max_manifest_bytes=1000)


@pytest.mark.parametrize("cut", [1, 10, 20, -1])
def test_gzip_that_is_cut_off_or_none_is_refused(tmp_path: Path, cut: int) -> None:
    """It is not taken for a shorter list."""
    whole = gzip.compress(lines(*[{"path": str(number), "size": 1} for number in range(100)]).encode())
    with pytest.raises(InvalidManifest, match="gzip"):
        read(tmp_path, whole[:cut], name="list.jsonl.gz")
    with pytest.raises(InvalidManifest, match="gzip"):
        read(tmp_path, lines(ROW), name="list.jsonl.gz")


@given(st.binary(max_size=3000), st.integers(1, 50))
def test_expanding_gives_back_what_was_compressed(content: bytes, size: int) -> None:
    """However the bytes arrive."""
    packed = gzip.compress(content)
    chunks = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert b"".join(expand(chunks, 10_000, "f")) == content


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\ufeff")), st.integers(1, 9))
def test_lines_are_the_same_however_the_bytes_arrive(text: str, size: int) -> None:
    """Also when a character is cut in two."""
    content = text.encode()
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    expected = text.split("\n")
    assert list(split_lines(chunks, "f")) == (expected if expected[-1] else expected[:-1])


def test_a_path_that_comes_twice_is_refused(tmp_path: Path) -> None:
    """Also when it is spelt otherwise."""
    with pytest.raises(DuplicatePath):
        read(tmp_path, lines(ROW, ROW | {"path": "./raw//a.cbf"}))


def test_too_many_files_are_refused_before_they_are_all_read(tmp_path: Path) -> None:
    """What comes after them is not even looked at."""
    with pytest.raises(TooManyFiles):
        read(tmp_path, lines(ROW, {"path": "b", "size": 1}) + "garbage", max_files=1)


def test_absolute_paths_below_the_source_folder_become_relative(tmp_path: Path) -> None:
    """As in an event."""
    assert paths(read(tmp_path, lines({"path": f"{tmp_path}/raw/a", "size": 1}))) == ["raw/a"]


def test_a_manifest_behind_https_comes_from_a_host_that_is_allowed(tmp_path: Path) -> None:
    """With its port, if it has one."""
    fetched = []

    @contextmanager
    def fetch(uri: str) -> Iterator[Iterator[bytes]]:
        fetched.append(uri)
        yield iter([b'{"path": "a", ', b'"size": 1}\n'])

    hosts = {"manifest_hosts": ["daq.example.org:8443"], "fetch": fetch}
    uri = "https://daq.example.org:8443/runs/42.jsonl?part=1"
    files = listed(tmp_path, event(fileManifest={"uri": uri}), **hosts)
    assert (paths(files), fetched) == (["a"], [uri])
    for other in ("https://daq.example.org/42.jsonl", "https://daq.example.org.evil.org:8443/42.jsonl"):
        with pytest.raises(ForbiddenBySource, match="no manifest may be fetched from"):
            listed(tmp_path, event(fileManifest={"uri": other}), **hosts)


def test_a_file_without_a_time_has_that_of_its_dataset(tmp_path: Path) -> None:
    """As in an event."""
    (file,) = read(tmp_path, lines({"path": "a", "size": 1}))
    assert file.time == DEFAULT_TIME == datetime(2026, 4, 22, tzinfo=UTC)
