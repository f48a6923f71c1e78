"""Arguments that several `dlq` commands share, and what they ask for."""

from __future__ import annotations

import getpass
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scicat_ingest.cli.argument_types import count, moment, positive
from scicat_ingest.letters.resolving import Signature
from scicat_ingest.letters.selection import LetterFilter, Named, find_named

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from scicat_ingest.letters.book import Case

_LONGEST_TEXT = 500
NAME_HELP = "a letter: its id or the beginning of it, or topic/partition/offset of the letter or of its record"


def add_config(parser: argparse.ArgumentParser) -> None:
    """Describe where the settings are."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML settings; default: $SCICAT_INGEST_CONFIG")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments that choose letters."""
    filters = parser.add_argument_group("filters", "all hold together; one that is repeated takes any of its values")
    for name, what in (
        ("reason", "its reason code, such as missing_field: docs/outcomes.md"),
        ("class", "whose fault it is, such as record"),
        ("pid", "the pid of its dataset"),
        ("instrument", "the instrument, by id or by name where it has no id"),
    ):
        filters.add_argument(f"--{name}", action="append", default=[], dest=f"{name}_names", metavar="NAME", help=what)
    filters.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help="failed since: RFC 3339, or an age such as 3d, 12h, 30min",
    )
    filters.add_argument("--until", type=moment, metavar="TIME", help="failed before that")
    filters.add_argument(
        "--partition", action="append", default=[], type=count, metavar="N", help="partition of the dead-letter topic"
    )
    filters.add_argument(
        "--without-ingested",
        action="store_true",
        help="do not look whether the dataset was ingested later: the ingested topic is not read, which saves time",
    )


def read_filters(options: argparse.Namespace) -> LetterFilter:
    """Give what the arguments choose."""
    return LetterFilter(
        reasons=frozenset(options.reason_names),
        classes=frozenset(options.class_names),
        pids=frozenset(options.pid_names),
        instruments=frozenset(options.instrument_names),
        since=options.since,
        until=options.until,
        partitions=frozenset(options.partition),
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of commands that change something."""
    parser.add_argument("letters", nargs="*", metavar="LETTER", help=f"{NAME_HELP}; without filters")
    add_config(parser)
    add_filters(parser)
    parser.add_argument("--limit", type=positive, metavar="N", help="at most so many letters, oldest first")
    parser.add_argument("--by", metavar="NAME", help="who does it, for the record; default: user@host")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: what became of each letter")


def refuse(message: str) -> SystemExit:
    """Say what is wrong with the arguments; to be raised: exit code 2."""
    sys.stderr.write(f"scicat-ingest: {message}\n")
    return SystemExit(2)


def choose(cases: Sequence[Case], options: argparse.Namespace) -> Named:
    """Give the letters that are meant: by name, whatever became of them; by filter, those that are open."""
    if options.letters:
        return find_named(cases, options.letters)
    takes = read_filters(options).takes
    return Named(tuple(case for case in cases if case.is_open and takes(case.letter)), ())


def sign(options: argparse.Namespace) -> Signature:
    """Say who does it and why."""
    return Signature(clean(options.by) if options.by else _user_at_host(), clean(options.why) if options.why else None)


def clean(text: str) -> str:
    """Give an argument as text that any consumer can read: no control characters, no half characters."""
    sound = text.encode("utf-8", "replace").decode("utf-8")[:_LONGEST_TEXT]
    return "".join(character if character.isprintable() else " " for character in sound).strip()


def _user_at_host() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = "unknown"
    return clean(f"{user}@{socket.gethostname()}")
