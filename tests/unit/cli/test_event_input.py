"""Events from files and standard input."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING

import pytest

from scicat_ingest.cli.event_input import add_event_arguments, read_events
from scicat_ingest.preview.events import EventBytes, split_events

if TYPE_CHECKING:
    from pathlib import Path


def split(content: bytes) -> list[tuple[str, bytes]]:
    return [(event.name, event.value) for event in split_events("x", content)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"a": 1}',
        b'{\n "a": 1\n}\n',
        b"[1]\n",
        b"not JSON",
        b"not JSON\n{}",
        b"\x00\x01\n\x02",
        b'{"a": \n',
        b"\xff",
    ],
)
def test_one_document_or_raw_bytes_are_one_event(content: bytes) -> None:
    """Byte by byte, also what is broken: `map` says what is wrong with it."""
    assert split(content) == [("x", content)]


def test_json_lines_are_an_event_each() -> None:
    """Named by their lines; blank ones are none; one that is broken is one of them."""
    content = b'{"a": 1}\r\n\n{"b": 2}\n{"c"\n'
    assert split(content) == [("x:1", b'{"a": 1}'), ("x:3", b'{"b": 2}'), ("x:4", b'{"c"')]


def test_events_come_from_files_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that cannot be read is wrong usage."""
    (tmp_path / "a.json").write_bytes(b"{}")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"1\n2\n")))
    events = list(read_events([str(tmp_path / "a.json"), "-"]))
    assert events == [
        EventBytes(str(tmp_path / "a.json"), b"{}"),
        EventBytes("standard input:1", b"1"),
        EventBytes("standard input:2", b"2"),
    ]
    with pytest.raises(SystemExit) as ended:
        list(read_events([str(tmp_path / "missing.json")]))
    assert ended.value.code == 2
    assert "cannot read" in capsys.readouterr().err


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_event_arguments(parser)
    return parser.parse_args(["x", *arguments])


def test_headers_and_timestamp_are_read() -> None:
    """A header's value may have more equals signs; the timestamp is RFC 3339."""
    options = parse("--header", "ce_type=a=b", "--header", "empty=", "--timestamp", "2026-04-22T08:54:53.642Z")
    assert options.header == [("ce_type", b"a=b"), ("empty", b"")]
    assert options.timestamp == 1_776_848_093_642


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--header", "x"], "expected NAME=VALUE"),
        (["--header", "=x"], "NAME=VALUE"),
        (["--timestamp", "now"], "RFC 3339"),
    ],
)
def test_wrong_arguments_say_what_was_expected(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exit with 2."""
    with pytest.raises(SystemExit) as ended:
        parse(*arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_blank_lines_around_json_lines_do_not_matter() -> None:
    """Not even the first."""
    events = list(split_events("f", b'\n{"a": 1}\n\n{"b": 2}\n'))
    assert [(event.name, event.value) for event in events] == [("f:2", b'{"a": 1}'), ("f:4", b'{"b": 2}')]
