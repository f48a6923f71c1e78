"""`scicat-ingest dlq show`: everything about one letter."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.bootstrap import open_catalogue, open_facility, rules_by_topic
from scicat_ingest.cli.dlq_arguments import NAME_HELP, add_config
from scicat_ingest.cli.dlq_open import quiet_log, read_cases
from scicat_ingest.cli.dlq_shown import Shown, as_json, as_text
from scicat_ingest.cli.dlq_text import harmless
from scicat_ingest.consume.topic_reader import open_reader
from scicat_ingest.faults import CatalogueFault, ConfigurationFault, InputFault, RecordFault
from scicat_ingest.letters.letter import is_its_value, original_record
from scicat_ingest.letters.selection import find_named
from scicat_ingest.plan.steps import Plan
from scicat_ingest.preview.difference import AgainstCatalogue, compare_with_catalogue
from scicat_ingest.preview.preview import preview
from scicat_ingest.settings import Settings, load_settings

if TYPE_CHECKING:
    import argparse

    from scicat_ingest.consume.record import Record
    from scicat_ingest.consume.topic_reader import TopicReader
    from scicat_ingest.decode.decoded import Ignored
    from scicat_ingest.letters.book import Case

EXAMPLES = """\
examples:
  scicat-ingest dlq show 3f2a9c1e --config ingest.yaml
  scicat-ingest dlq show scicat.acquisitions/2/1187
  scicat-ingest dlq show 3f2a9c1e --offline --json | jq .event

Says what the event was, what was wrong and how to mend it, what would be posted for it now, by the settings and mapping
files of now, and how that differs from what SciCat has. Nothing is written anywhere; --offline does not ask SciCat.

exit code 1: there is no such letter, or SciCat could not be asked.
"""
_ASKED_WITHIN_SECONDS = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("letter", metavar="LETTER", help=NAME_HELP)
    add_config(parser)
    parser.add_argument("--offline", action="store_true", help="do not ask SciCat")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(options: argparse.Namespace) -> int:
    """Show a letter; 1 if there is none of this name, or SciCat could not be asked."""
    quiet_log()
    shown = anyio.run(_look, options)
    if isinstance(shown, str):
        sys.stderr.write(f"scicat-ingest: {harmless(shown)}\n")
        return 1
    sys.stdout.write(as_json(shown, datetime.now(UTC)) if options.json else as_text(shown, datetime.now(UTC)))
    return 1 if isinstance(shown.catalogue, str) else 0


async def _look(options: argparse.Namespace) -> Shown | str:
    settings = load_settings(Settings, options.config)
    async with open_reader(settings.kafka) as reader:
        named = find_named(await read_cases(reader, settings, options, keep_resolved=True), [options.letter])
        if not named.cases:
            return named.wrong[0]
        [case] = named.cases
        record = (await reader.fetch({case.letter.at})).get(case.letter.at)
        if record is None:
            return f"{options.letter}: it is gone from {case.letter.at}"
        original, missing = await _complete(reader, case, original_record(record))
    now, why_unknown = await _preview(settings, original) if missing is None else (None, missing)
    asked = isinstance(now, Plan) and not options.offline
    catalogue = await _ask(settings, now) if asked and isinstance(now, Plan) else None
    return Shown(case, original, missing, now, why_unknown, catalogue, asked)


async def _complete(reader: TopicReader, case: Case, original: Record) -> tuple[Record, str | None]:
    """Give the record with a value that was left out of the letter, or say why it cannot be had."""
    letter = case.letter
    if letter.value_sha256 is None:
        return original, None
    there = letter.source is not None and letter.source.topic in await reader.partitions()
    full = (await reader.fetch({letter.source})).get(letter.source) if there and letter.source is not None else None
    if full is not None and is_its_value(letter, full.value):
        return full, None
    return original, f"the value ({letter.value_bytes} bytes) was left out, and is gone from {letter.source}"


async def _preview(settings: Settings, original: Record) -> tuple[Plan | Ignored | RecordFault | None, str | None]:
    rules = rules_by_topic(settings)
    if original.topic not in rules:
        return None, f"{original.topic} is none of `sources`"
    try:
        async with open_facility(settings) as facility:
            async for previewed in preview([original], rules, facility, settings.joins):
                return previewed.result, None
    except InputFault as fault:
        return None, str(fault)
    return None, "nothing came of it"


async def _ask(settings: Settings, plan: Plan) -> AgainstCatalogue | RecordFault | str | None:
    keep = settings.model_copy(update={"scicat": settings.scicat.model_copy(update={"on_conflict": "keep"})})
    try:
        with anyio.fail_after(_ASKED_WITHIN_SECONDS):
            async with open_catalogue(keep) as catalogue:
                return await compare_with_catalogue(plan, catalogue.parts.reads)
    except RecordFault as fault:
        return fault
    except (CatalogueFault, ConfigurationFault) as fault:
        return str(fault)
    except TimeoutError:
        return f"no answer within {_ASKED_WITHIN_SECONDS:.0f} s"
