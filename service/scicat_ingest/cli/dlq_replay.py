"""`scicat-ingest dlq replay`: the original records again."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.bootstrap import RealClock
from scicat_ingest.cli.argument_types import rate
from scicat_ingest.cli.dlq_arguments import add_selection, choose, read_filters, refuse, sign
from scicat_ingest.cli.dlq_open import counting, quiet_log, read_cases
from scicat_ingest.cli.dlq_text import SHORT_ID, dump, harmless
from scicat_ingest.consume.topic_reader import open_reader
from scicat_ingest.consume.topics import read_retention
from scicat_ingest.faults import MissingTopic
from scicat_ingest.letters.replay import order_of_replay
from scicat_ingest.letters.resolving import Refused, Replay, Replayed
from scicat_ingest.letters.transactions import open_transactions
from scicat_ingest.settings import EmitSettings, load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from scicat_ingest.letters.book import Case
    from scicat_ingest.letters.letter import DeadLetter
    from scicat_ingest.settings import Settings

EXAMPLES = """\
examples:
  scicat-ingest dlq replay 3f2a9c1e --config ingest.yaml
  scicat-ingest dlq replay --reason missing_field --dry-run
  scicat-ingest dlq replay --reason dependency_missing --since 7d --rate 5 --why "proposals have arrived"
  scicat-ingest dlq replay --everything --limit 10
  scicat-ingest dlq replay 3f2a9c1e --to scicat.acquisitions.repaired

The record is published as it was (key, value, headers, timestamp) with headers ingest.replay.*; the letter is marked in
the same Kafka transaction. A replay that is interrupted in any way can be started again: nothing is replayed twice,
nothing is forgotten. A record that failed after 3 replays is refused without --force, and so is a letter that was named
and is not open. If it fails again, that is a new letter.

exit code 1: a letter was refused, or no letter has the name that was given.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    add_selection(parser)
    parser.add_argument("--everything", action="store_true", help="all open letters")
    parser.add_argument("--to", metavar="TOPIC", help="publish there instead of on the records' own topics")
    parser.add_argument("--dry-run", action="store_true", help="say what would be replayed; change nothing")
    parser.add_argument("--rate", type=rate, metavar="N", help="at most N letters a second; default: no limit")
    parser.add_argument("--force", action="store_true", help="also what was replayed 3 times, or is not open")
    parser.add_argument("--why", metavar="TEXT", help="a reason, for the record")


def run(options: argparse.Namespace) -> int:
    """Replay letters; 1 if any was refused."""
    asked = not read_filters(options).asks_nothing
    if (bool(options.letters), asked, options.everything).count(True) != 1:
        raise refuse("dlq replay: give letters, or filters, or --everything")
    quiet_log()
    return anyio.run(_replay, options)


async def _replay(options: argparse.Namespace) -> int:
    settings = load_settings(EmitSettings, options.config)
    if options.to in (settings.kafka.dead_letter_topic, settings.kafka.ingested_topic):
        raise refuse(f"dlq replay: --to {options.to} is a topic of outcomes, not of events")
    async with AsyncExitStack() as stack:
        # First of all: what another replay has left unfinished is settled by this, and the reading sees it.
        transactions = None
        if not options.dry_run:
            transactions = await stack.enter_async_context(open_transactions(settings.kafka))
        reader = await stack.enter_async_context(open_reader(settings.kafka))
        if options.to is not None and options.to not in await reader.partitions():
            raise MissingTopic(f"--to: there is no topic {options.to}, or we may not see it")
        cases = await read_cases(reader, settings, options, keep_resolved=bool(options.letters))
        chosen = choose(cases, options)
        replay = Replay(
            reader,
            transactions,
            RealClock(),
            sign(options),
            to=options.to,
            kept_ms=await _kept_ms(settings, options, chosen.cases),
            force=options.force,
            per_second=options.rate,
        )
        wanted = sorted(chosen.cases, key=order_of_replay)[: options.limit]
        refused = await _run(replay, wanted, options)
    for wrong in chosen.wrong:
        sys.stderr.write(f"scicat-ingest: {harmless(wrong)}\n")
    return 1 if refused or chosen.wrong else 0


async def _kept_ms(settings: Settings, options: argparse.Namespace, cases: Sequence[Case]) -> dict[str, int]:
    topics = {case.letter.source.topic for case in cases if case.letter.source is not None}
    return await read_retention(settings.kafka, topics if options.to is None else {options.to})


async def _run(replay: Replay, wanted: Sequence[Case], options: argparse.Namespace) -> int:
    done = refused = 0
    with counting("replaying", len(wanted)) as count:
        async for each in replay.run(wanted):
            match each:
                case Replayed():
                    done += 1
                    _tell(each.letter, options, to=each.to)
                case Refused():
                    refused += 1
                    _tell(each.letter, options, why=each.why)
            count()
    if not options.json:
        would = "would be replayed (dry run)" if options.dry_run else "replayed"
        sys.stdout.write(f"{done} {would}, {refused} refused\n")
    return refused


def _tell(letter: DeadLetter, options: argparse.Namespace, *, to: str | None = None, why: str | None = None) -> None:
    if options.json:
        what = "refused" if why is not None else "would_replay" if options.dry_run else "replayed"
        source = None if letter.source is None else str(letter.source)
        sys.stdout.write(
            dump({"id": letter.id, "source": source, "pid": letter.pid, "result": what, "to": to, "why": why}) + "\n"
        )
        sys.stdout.flush()  # it is done, also for who reads this through a pipe
    elif why is not None:
        sys.stderr.write(f"refused {letter.id[:SHORT_ID]} ({harmless(letter.subject)}): {harmless(why)}\n")
    elif options.dry_run:
        sys.stdout.write(f"{letter.id[:SHORT_ID]} ({harmless(letter.subject)}) to {to}\n")
