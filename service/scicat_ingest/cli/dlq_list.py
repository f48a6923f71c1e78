"""`scicat-ingest dlq list`: what is open."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scicat_ingest.cli.dlq_arguments import add_config, add_filters, read_filters
from scicat_ingest.cli.dlq_open import quiet_log, read_cases
from scicat_ingest.cli.dlq_text import (
    SHORT_ID,
    age_of,
    case_document,
    dump,
    harmless,
    how_resolved,
    letter_document,
    what_is_wrong,
)
from scicat_ingest.consume.topic_reader import open_reader
from scicat_ingest.letters.selection import UNKNOWN, group_letters
from scicat_ingest.settings import EmitSettings, load_settings

if TYPE_CHECKING:
    import argparse

    from scicat_ingest.letters.book import Case

EXAMPLES = """\
examples:
  scicat-ingest dlq list --config ingest.yaml
  scicat-ingest dlq list --by reason
  scicat-ingest dlq list --by problem
  scicat-ingest dlq list --reason missing_field --instrument ODIN --since 3d
  scicat-ingest dlq list --all --since 2026-04-22T00:00:00+02:00
  scicat-ingest dlq list --json | jq -r 'select(.reason == "pid_taken") | .pid'

Those that failed last come last. A letter is open until it was replayed or purged, or its dataset was ingested later.
--json prints one object a line; with --by {"name", "count", "example"}.
"""
_WIDE = 240
"""Columns where there is no terminal to tell."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    add_config(parser)
    add_filters(parser)
    parser.add_argument("--all", action="store_true", help="also those that are resolved, and how")
    parser.add_argument(
        "--by",
        choices=("reason", "problem", "class", "instrument", "day"),
        help="count them, with an example of each and what to do about it; a problem is a reason and a field",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(options: argparse.Namespace) -> int:
    """List letters."""
    quiet_log()
    cases = anyio.run(_read, options)
    now = datetime.now(UTC)
    if options.json:
        _print_json(cases, options, now)
    elif options.by:
        _print_groups(cases, options, now)
    else:
        _print_table(cases, options, now)
    return 0


async def _read(options: argparse.Namespace) -> list[Case]:
    settings = load_settings(EmitSettings, options.config)
    takes = read_filters(options).takes
    async with open_reader(settings.kafka) as reader:
        cases = await read_cases(reader, settings, options, keep_resolved=options.all)
    return [case for case in cases if (case.is_open or options.all) and takes(case.letter)]


def _print_json(cases: list[Case], options: argparse.Namespace, now: datetime) -> None:
    if options.by:
        for group in group_letters((case.letter for case in cases), options.by):
            example = letter_document(group.example, now)
            sys.stdout.write(dump({"name": group.name, "count": group.count, "example": example}) + "\n")
        return
    for case in cases:
        sys.stdout.write(dump(case_document(case, now)) + "\n")


def _print_groups(cases: list[Case], options: argparse.Namespace, now: datetime) -> None:
    table = Table(options.by, "letters", "example", "age", "its fault, and what to do", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name in (2, 3):
        table.columns[name].no_wrap = True
    for group in group_letters((case.letter for case in cases), options.by):
        letter = group.example
        table.add_row(
            Text(harmless(group.name), style="bold"),
            str(group.count),
            Text(harmless(letter.id[:SHORT_ID])),
            age_of(now - letter.failed_at),
            Text(harmless(what_is_wrong(letter))).append(f"\n→ {harmless(letter.hint)}" if letter.hint else "", "dim"),
        )
    _print(table, cases, options)


def _print_table(cases: list[Case], options: argparse.Namespace, now: datetime) -> None:
    table = Table("id", "reason", "pid or key", "instrument", "record", "age", "message", box=None, pad_edge=False)
    for name in (0, 1, 5):
        table.columns[name].no_wrap = True
    if options.all:
        table.add_column("became")
    for case in cases:
        letter = case.letter
        row = [
            Text(harmless(letter.id[:SHORT_ID] if letter.id != str(letter.at) else letter.id), style="bold"),
            Text(harmless(letter.reason)),
            Text(harmless(letter.pid or letter.key or "")),
            Text(harmless(letter.instrument or UNKNOWN)),
            Text(harmless(str(letter.source or letter.at))),
            Text(age_of(now - letter.failed_at)),
            Text(harmless(what_is_wrong(letter))),
        ]
        if options.all:
            row.append(Text(harmless("open" if case.resolved is None else how_resolved(case.resolved))))
        table.add_row(*row)
    _print(table, cases, options)


def _print(table: Table, cases: list[Case], options: argparse.Namespace) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    if cases:
        console.print(table)
    still_open = sum(case.is_open for case in cases)
    resolved = f", {len(cases) - still_open} resolved" if options.all else ""
    console.print(f"{still_open} open{resolved}", highlight=False)
