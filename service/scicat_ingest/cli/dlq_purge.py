"""`scicat-ingest dlq purge`: letters that nobody needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.bootstrap import RealClock
from scicat_ingest.cli.dlq_arguments import add_selection, choose, clean, read_filters, refuse, sign
from scicat_ingest.cli.dlq_open import counting, quiet_log, read_cases
from scicat_ingest.cli.dlq_text import SHORT_ID, dump, harmless
from scicat_ingest.consume.topic_reader import open_reader
from scicat_ingest.letters.resolving import Purged, Refused, purge
from scicat_ingest.letters.selection import group_letters
from scicat_ingest.letters.transactions import open_transactions
from scicat_ingest.settings import EmitSettings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from scicat_ingest.letters.book import Case

EXAMPLES = """\
examples:
  scicat-ingest dlq purge 3f2a9c1e --why "test event of the DAQ group" --config ingest.yaml
  scicat-ingest dlq purge --instrument TEST --until 30d --why "commissioning" --yes

Nothing is deleted: a record behind each letter says who did it, when and why, and `dlq list` shows it no more. One that
was purged by mistake can still be replayed: `dlq list --all` gives its id, `dlq replay ID --force` replays it.

exit code 1: a letter was refused, no letter has the name that was given, or the answer was no.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    add_selection(parser)
    parser.add_argument("--why", "--reason-text", required=True, metavar="TEXT", help="the reason, for the record")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(options: argparse.Namespace) -> int:
    """Purge letters; 1 if any was refused."""
    if bool(options.letters) == (not read_filters(options).asks_nothing):
        raise refuse("dlq purge: give letters, or filters")
    if not clean(options.why):
        raise refuse("dlq purge: --why is empty")
    if not options.yes and not sys.stdin.isatty():
        raise refuse("dlq purge: nobody is there to be asked: give --yes")
    quiet_log()
    return anyio.run(_purge, options)


async def _purge(options: argparse.Namespace) -> int:
    settings = load_settings(EmitSettings, options.config)
    if not options.yes:
        async with open_reader(settings.kafka) as reader:
            cases = await read_cases(reader, settings, options, keep_resolved=bool(options.letters))
        if not _agreed(choose(cases, options).cases[: options.limit]):
            return 1
    async with open_transactions(settings.kafka) as transactions, open_reader(settings.kafka) as reader:
        cases = await read_cases(reader, settings, options, keep_resolved=bool(options.letters))
        chosen = choose(cases, options)
        wanted, refused, done = chosen.cases[: options.limit], 0, 0
        with counting("purging", len(wanted)) as count:
            async for each in purge(wanted, reader, transactions, RealClock(), sign(options)):
                done += isinstance(each, Purged)
                refused += isinstance(each, Refused)
                _tell(each, options)
                count()
    for wrong in chosen.wrong:
        sys.stderr.write(f"scicat-ingest: {harmless(wrong)}\n")
    if not options.json:
        sys.stdout.write(f"{done} purged, {refused} refused\n")
    return 1 if refused or chosen.wrong else 0


def _agreed(cases: Sequence[Case]) -> bool:
    for group in group_letters((case.letter for case in cases), "reason"):
        subject = harmless(group.example.subject)
        sys.stderr.write(f"{group.count:7} {harmless(group.name)}, such as {group.example.id[:SHORT_ID]} ({subject})\n")
    sys.stderr.write(f"purge {len(cases)} letters? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _tell(each: Purged | Refused, options: argparse.Namespace) -> None:
    letter = each.letter
    why = each.why if isinstance(each, Refused) else None
    if options.json:
        result = "purged" if why is None else "refused"
        sys.stdout.write(dump({"id": letter.id, "pid": letter.pid, "result": result, "why": why}) + "\n")
    elif why is not None:
        sys.stderr.write(f"refused {letter.id[:SHORT_ID]} ({harmless(letter.subject)}): {harmless(why)}\n")
