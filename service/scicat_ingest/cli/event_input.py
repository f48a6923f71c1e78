"""Events from files or standard input."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scicat_ingest.catalogue.times import parse_time
from scicat_ingest.preview.events import split_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scicat_ingest.preview.events import EventBytes


def add_event_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments that commands with events share."""
    parser.add_argument(
        "events",
        nargs="+",
        metavar="EVENT",
        help="file, or - for standard input: a record's bytes, JSON lines, or msgpack documents (*.msgpack)",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML settings; default: $SCICAT_INGEST_CONFIG")
    parser.add_argument("--topic", help="the input topic; default: the first of `sources`")
    parser.add_argument("--key", help="the record key")
    parser.add_argument(
        "--header", action="append", default=[], type=_header, metavar="NAME=VALUE", help="a Kafka header; repeatable"
    )
    parser.add_argument(
        "--timestamp", type=_timestamp, metavar="TIME", help="the record's timestamp, RFC 3339; default: now"
    )


def read_events(names: Sequence[str]) -> Iterator[EventBytes]:
    """Read all events. Raises SystemExit(2) with a message for a file that cannot be read."""
    for name in names:
        try:
            content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            sys.stderr.write(f"scicat-ingest: cannot read {name}: {error.strerror}\n")
            raise SystemExit(2) from None
        yield from split_events("standard input" if name == "-" else name, content)


def _header(text: str) -> tuple[str, bytes]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, value.encode()


def _timestamp(text: str) -> int:
    try:
        return round(parse_time(text).timestamp() * 1000)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
