"""`scicat-ingest demo`: everything at once, on this machine."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from typing import TYPE_CHECKING, Self

import anyio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from scicat_ingest.cli.demo_run import ACCOUNT, Tally, open_stage, performed
from scicat_ingest.cli.run import until_signal
from scicat_ingest.engine.observer import Observers
from scicat_ingest.observe.logs import OutcomeLog, configure_logging
from scicat_ingest.settings import LogSettings
from scicat_ingest.testing.sample_events import FEWEST, sample_events

if TYPE_CHECKING:
    from scicat_ingest.cli.demo_run import Stage, Summary

EXAMPLES = """\
examples:
  scicat-ingest demo
  scicat-ingest demo --events 200 --json
  scicat-ingest demo --keep

Nothing is installed or left behind, but for Kafka's jars in the user's cache folder.
Exit code 0 only if every event ended as it must.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("--events", type=_count, default=100, metavar="N", help=f"at least {FEWEST}; default: 100")
    parser.add_argument("--json", action="store_true", help="print one summary object")
    parser.add_argument(
        "--keep", action="store_true", help="leave everything running until Ctrl-C, and say how to use it"
    )
    parser.add_argument(
        "--bootstrap-servers", metavar="HOST:PORT", help="use this Kafka, with topics of a new name; default: start one"
    )
    parser.add_argument("--verbose", action="store_true", help="show the service's log")


def run(options: argparse.Namespace) -> int:
    """Run the demo; 1 if an event did not end as it must."""
    configure_logging(LogSettings(level="INFO" if options.verbose else "ERROR", format="text"))
    if not options.verbose:
        logging.getLogger("aiokafka").setLevel("CRITICAL")  # it calls a coordinator that is still starting an error
    summary = anyio.run(_demo, options)
    return 1 if summary.mismatches else 0


async def _demo(options: argparse.Namespace) -> Summary:
    errors = Console(stderr=True)
    tally = Tally()
    observer = Observers(tally, OutcomeLog())
    events = sample_events(options.events)
    with _Bar(errors) as bar:
        async with (
            open_stage(options.bootstrap_servers, bar) as stage,
            performed(stage, observer, tally, events, bar) as summary,
        ):
            bar.close()
            if options.json:
                sys.stdout.write(json.dumps(summary.as_json()) + "\n")
                sys.stdout.flush()
            else:
                _print_table(summary, stage, kept=options.keep)
            for mismatch in summary.mismatches:
                errors.print(f"[red]not as it must be:[/red] {mismatch}", highlight=False)
            if options.keep:
                await _keep(stage, errors)
    return summary


def _print_table(summary: Summary, stage: Stage, *, kept: bool) -> None:
    console = Console()
    table = Table(title="scicat-ingest demo", show_header=False, title_justify="left")
    table.add_row("events sent", str(summary.sent))
    table.add_row("ingested", str(summary.ingested))
    table.add_row("already present (redelivered)", str(summary.already_present))
    for reason, count in sorted(summary.dead_lettered.items()):
        table.add_row(f"dead letters: {reason}", str(count))
    table.add_row("ignored", str(summary.ignored))
    table.add_row("repeated outcomes", str(summary.repeated_outcomes))
    table.add_row("datasets in the catalogue", str(summary.datasets))
    table.add_row("time", f"{summary.seconds:.1f} s ({summary.sent / max(summary.seconds, 0.001):.0f} events/s)")
    console.print(table)
    address = f"{stage.scicat_url}/api/v4/datasets/{summary.example_pid.replace('/', '%2F')}"
    console.print(f"a dataset to look at: {address}", soft_wrap=True, highlight=False)
    if not kept:
        console.print("it is gone when the demo ends: `scicat-ingest demo --keep` leaves it running", highlight=False)


async def _keep(stage: Stage, console: Console) -> None:
    kafka = stage.settings.kafka
    told = _HOW_TO_TALK.format(
        servers=stage.bootstrap_servers,
        topic=stage.settings.sources[0].topic,
        ingested=kafka.ingested_topic,
        dead_letters=kafka.dead_letter_topic,
        url=stage.scicat_url,
        user=ACCOUNT.username,
        password=ACCOUNT.password,
    )
    console.print(told, soft_wrap=True, highlight=False, markup=False)
    await until_signal()


_HOW_TO_TALK = """
Everything is left running until Ctrl-C.

  Kafka             {servers}
  input topic       {topic}
  outcomes          {ingested}
  dead letters      {dead_letters}
  SciCat stand-in   {url} (user {user}, password {password})

To send an event of your own:

  SCICAT_INGEST_KAFKA__BOOTSTRAP_SERVERS={servers} \\
    scicat-ingest emit --topic {topic} EVENT.json

To look at the newest datasets:

  TOKEN=$(curl -s {url}/api/v3/auth/login -H 'Content-Type: application/json' \\
    -d '{{"username": "{user}", "password": "{password}"}}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -s {url}/api/v4/datasets -H "Authorization: Bearer $TOKEN"
"""


class _Bar:
    """A line on standard error: what is going on, then how far."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = RichProgress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._console = console
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()

    def step(self, what: str) -> None:
        """Say what is going on."""
        if self._console.is_terminal:
            self._bar.update(self._task, description=what)
        else:
            self._console.print(what, soft_wrap=True, highlight=False)

    def count(self, done: int, total: int) -> None:
        """Say how many events have ended."""
        self._bar.update(self._task, completed=done, total=total)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < FEWEST:
        raise argparse.ArgumentTypeError(f"expected a number from {FEWEST} on, got {text!r}")
    return int(text)
