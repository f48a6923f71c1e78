"""`scicat-ingest report`: what became of every acquisition of a time."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from scicat_ingest.audit.expected import find_gaps, find_missing, read_expected
from scicat_ingest.audit.reading import read_topics
from scicat_ingest.audit.verification import verify
from scicat_ingest.bootstrap import open_catalogue, rules_by_topic
from scicat_ingest.cli.argument_types import moment
from scicat_ingest.cli.dlq_arguments import add_config
from scicat_ingest.cli.dlq_open import quiet_log
from scicat_ingest.cli.report_text import Reported, as_csv, as_json, as_text
from scicat_ingest.consume.topic_reader import open_reader
from scicat_ingest.faults import InvalidSettings
from scicat_ingest.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

EXAMPLES = """\
examples:
  scicat-ingest report --since 7d --config ingest.yaml
  scicat-ingest report --since 2026-04-01T00:00:00+02:00 --until 2026-05-01T00:00:00+02:00 --csv > april.csv
  scicat-ingest report --since 1d --expected runs.csv --verify
  scicat-ingest report --since 30d --json | jq '.dead_lettered[] | .pid'

An acquisition counts once, by its first record's timestamp, however often it was sent, replayed or reprocessed.
  seen           ingested + present + dead-lettered + purged + ignored + open + unknown + unaccounted
  ingested       in SciCat, written by us           present       all of it was there already
  dead-lettered  its dead letter is open: dlq list  purged        its dead letter was marked as done
  open           waiting, or in work                unknown       older than what the outcome topics hold
  unaccounted    committed, and no outcome of it: this must never be
  missing        of --expected, and never seen; or a gap in the run numbers of an instrument
--expected FILE lists acquisitions: an acquisitionId a line; or CSV with a header, or JSON objects, of pid,
acquisitionId, instrument, runNumber. With --verify SciCat is asked whether what was ingested is there with all files.

exit code 1: something is missing, unaccounted for, or not in SciCat.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    add_config(parser)
    parser.add_argument(
        "--since", type=moment, required=True, metavar="TIME", help="RFC 3339, or an age: 3d, 12h, 30min"
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help="up to before that; default: to the end")
    parser.add_argument("--expected", type=Path, metavar="FILE", help="acquisitions that must be there; - reads them")
    parser.add_argument("--no-gaps", action="store_true", help="do not look for gaps in run numbers")
    parser.add_argument("--verify", action="store_true", help="ask SciCat for each dataset that was ingested")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--csv", action="store_true", help="the table as CSV, the rest on standard error")


def run(options: argparse.Namespace) -> int:
    """Report; 1 if something is not as it should be."""
    settings = load_settings(Settings, options.config)
    expected = None
    if options.expected is not None:
        expected = read_expected(_read(options.expected), str(options.expected))
    quiet_log()
    reported = anyio.run(_report, settings, options)
    if expected is not None:
        reported.missing = find_missing(expected, reported.acquisitions)
    if not options.no_gaps:
        reported.gaps = find_gaps(reported.acquisitions)
    if options.json:
        sys.stdout.write(as_json(reported))
    elif options.csv:
        sys.stdout.write(as_csv(reported))
        as_text(reported, Console(stderr=True), table=False)
    else:
        console = Console()
        as_text(reported, console if console.is_terminal else Console(width=160), table=True)
    return 0 if reported.is_good else 1


async def _report(settings: Settings, options: argparse.Namespace) -> Reported:
    rules = rules_by_topic(settings)
    async with open_reader(settings.kafka) as reader:
        with _counting("records") as progress:
            reckoning, coverage = await read_topics(
                reader, settings, rules, options.since, options.until, progress=progress
            )
    reported = Reported(options.since, options.until, reckoning.acquisitions(), coverage, reckoning.parts)
    if options.verify:
        with _counting("datasets asked for") as progress:
            async with open_catalogue(settings) as catalogue:
                reported.not_in_scicat = await verify(reported.acquisitions, catalogue.parts.reads, progress)
    return reported


@contextmanager
def _counting(what: str) -> Iterator[Callable[[int], None]]:
    errors = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed} " + what))
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda count: bar.advance(task, count)


def _read(path: Path) -> str:
    if str(path) == "-":
        return sys.stdin.read()
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSettings(f"--expected {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidSettings(f"--expected {path}: it is not UTF-8") from None
