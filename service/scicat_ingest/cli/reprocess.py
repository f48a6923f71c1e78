"""`scicat-ingest reprocess`: input records of the past once more."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.bootstrap import open_range_engine, rules_by_topic
from scicat_ingest.cli.argument_types import count, moment, rate
from scicat_ingest.cli.dlq_arguments import add_config, refuse
from scicat_ingest.cli.dlq_open import quiet_log
from scicat_ingest.cli.reprocess_text import as_text, summary
from scicat_ingest.consume.position import Position
from scicat_ingest.consume.topic_reader import Span, TopicReader, open_reader
from scicat_ingest.faults import InvalidSettings, MissingTopic
from scicat_ingest.reprocess.record_range import RecordRange
from scicat_ingest.reprocess.tally import Tally
from scicat_ingest.reprocess.work import Instruments, RangeJob, work_through
from scicat_ingest.settings import Settings, load_settings
from scicat_ingest.translate.mappings import Mappings, load_mapping_file, load_mappings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.report.outcome import Outcome

EXAMPLES = """\
examples:
  scicat-ingest reprocess --from 2026-04-01T00:00:00Z --to 2026-04-08T00:00:00Z --dry-run --config ingest.yaml
  scicat-ingest reprocess --from 7d --instrument ODIN --mapping odin.yaml --on-conflict update --rate 5
  scicat-ingest reprocess --topic scicat.acquisitions --partition 2 --offset 1187:1200 --dry-run
  scicat-ingest reprocess --from 3d --on-conflict keep --yes        # SciCat was restored from an older backup

Reads input records again (by their timestamps), maps them by the settings and mapping files of now, and compares the
result with SciCat field by field. With --dry-run that is all. Otherwise it then asks, and writes:
  --on-conflict keep    creates datasets, blocks and attachments that are missing; changes nothing that is there
  --on-conflict update  also changes fields, but only those whose present value is what we wrote; never removes a file
What is written is answered on the ingested topic, under an id of its own. A record that fails is told here, without a
dead letter. A record whose pid is another one than before becomes a second dataset: the old pids are listed, and left
to you. Safe beside a running service, and safe to interrupt and start again.

exit code 1: a record failed, or the answer was no.
"""
_CLOCKS_DIFFER_BY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are meant."""

    spans: tuple[Span, ...]
    from_ms: int | None
    to_ms: int | None

    def take(self, record: Record) -> bool:
        """Tell whether a record is in the range of time: Kafka's index only finds where to begin."""
        stamp = record.timestamp_ms
        return (self.from_ms is None or stamp >= self.from_ms) and (self.to_ms is None or stamp < self.to_ms)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    add_config(parser)
    chosen = parser.add_argument_group("which records")
    chosen.add_argument("--from", type=moment, metavar="TIME", dest="since", help="RFC 3339, or an age: 3d, 12h, 30min")
    chosen.add_argument("--to", type=moment, metavar="TIME", dest="until", help="up to before that")
    chosen.add_argument("--topic", help="default: every topic of `sources`")
    chosen.add_argument("--partition", type=count, metavar="N", help="only this one")
    chosen.add_argument("--offset", type=_offsets, metavar="FIRST[:END]", help="of --partition, up to before END")
    chosen.add_argument(
        "--instrument",
        action="append",
        default=[],
        metavar="NAME",
        help="by id, or name where it has no id; repeatable",
    )
    parser.add_argument(
        "--mapping", type=Path, metavar="FILE", help="a mapping file, in place of the one of the same name or added"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--dry-run", action="store_true", help="only compare, as for `update`")
    what.add_argument("--on-conflict", choices=("keep", "update"), help="what becomes of datasets that are there")
    parser.add_argument(
        "--rate",
        type=rate,
        default=10.0,
        metavar="N",
        help="requests a second, beside those of the service; default: 10",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before writing")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: a record, at the end the summary")


def run(options: argparse.Namespace) -> int:
    """Compare, ask, write."""
    if options.since is None and options.offset is None:
        raise refuse("reprocess: give --from, or --partition and --offset")
    if options.offset is not None and (options.partition is None or options.topic is None):
        raise refuse("reprocess: --offset needs --topic and --partition")
    if not options.dry_run and not options.yes and not sys.stdin.isatty():
        raise refuse("reprocess: nobody is there to be asked before anything is written: give --yes, or --dry-run")
    settings = _settings(load_settings(Settings, options.config), options)
    quiet_log()
    return anyio.run(_reprocess, settings, options)


def _settings(settings: Settings, options: argparse.Namespace) -> Settings:
    return settings.model_copy(
        update={
            "scicat": settings.scicat.model_copy(update={"on_conflict": options.on_conflict or "update"}),
            "limits": settings.limits.model_copy(update={"requests_per_second": options.rate}),
            "lookups": settings.lookups.model_copy(update={"wait_seconds": 0}),
        }
    )


async def _reprocess(settings: Settings, options: argparse.Namespace) -> int:
    rules = rules_by_topic(settings, _mappings(settings, options.mapping))
    topics = list(rules) if options.topic is None else [options.topic]
    if not rules.keys() >= set(topics):
        raise InvalidSettings(f"--topic {options.topic} is none of `sources` ({', '.join(rules)})")
    wanted = _wanted(topics, options)
    async with open_reader(settings.kafka) as reader:
        there = await reader.partitions()
        for topic in set(topics) - there.keys():
            raise MissingTopic(f"there is no topic {topic}, or we may not see it")
        old_pids = await _old_pids(reader, settings, wanted)
        partitions = [(topic, number) for topic in topics for number in there[topic]]
        work = _Work(settings, options, rules, reader, wanted, partitions)
        compared = Tally(old_pids)
        await work.go(compared, writes=False)
        if options.dry_run or not compared.records:
            return 1 if compared.results["fault"] else 0
        if not options.yes and not _agreed(compared):
            return 1
        written = Tally(old_pids)
        await work.go(written, writes=True)
        return 1 if written.results["fault"] else 0


@dataclass(frozen=True, slots=True)
class _Work:
    settings: Settings
    options: argparse.Namespace
    rules: Mapping[str, MappingRules]
    reader: TopicReader
    wanted: Wanted
    partitions: list[tuple[str, int]]

    async def go(self, tally: Tally, *, writes: bool) -> None:
        instruments = Instruments(self.options.instrument)
        records = RecordRange(
            self.reader.read(*self.wanted.spans),
            self.partitions,
            lambda record: self.wanted.take(record) and instruments.may_take(record, self.rules),
            str(uuid.uuid4()),
        )

        def tell(outcome: Outcome) -> None:
            item = tally.take(outcome)
            if self.options.json:
                _say(json.dumps(item.document(), ensure_ascii=False, default=str))
            elif item.result not in ("same", "already_present", "ignored"):
                _say(as_text(item))

        job = RangeJob(records, instruments, tell)
        async with open_range_engine(self.settings, self.rules, job, writes=writes) as engine:
            await work_through(engine, job)
        unfinished = records.given - tally.records
        if self.options.json:
            document = {"records": tally.records, "results": dict(tally.results), "fields": dict(tally.fields)}
            _say(json.dumps({"summary": document | {"parts_of_runs": unfinished, "old_pids": tally.moved}}))
        else:
            _say(summary(tally, unfinished, writes=writes))


def _say(text: str) -> None:
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")


def _mappings(settings: Settings, file: Path | None) -> Mappings:
    mappings = load_mappings(settings.mapping.folder, settings.mapping.shipped)
    if file is None:
        return mappings
    new = load_mapping_file(file)
    files = [new, *(each for each in mappings if each.name != new.name)]
    return Mappings(tuple(sorted(files, key=lambda each: (each.order, each.name))))


def _wanted(topics: list[str], options: argparse.Namespace) -> Wanted:
    from_ms, to_ms = (
        None if time is None else round(time.timestamp() * 1000) for time in (options.since, options.until)
    )
    first, end = options.offset or (0, None)
    only = None if options.partition is None else frozenset({options.partition})
    spans = tuple(Span(topic, only, since_ms=from_ms, from_offset=first, until_offset=end) for topic in topics)
    return Wanted(spans, from_ms, to_ms)


async def _old_pids(reader: TopicReader, settings: Settings, wanted: Wanted) -> dict[Position, str]:
    """Give what records of the range were ingested as; outcomes are never earlier than their records."""
    since = None if wanted.from_ms is None else wanted.from_ms - round(_CLOCKS_DIFFER_BY.total_seconds() * 1000)
    topics = {span.topic for span in wanted.spans}
    found = {}
    async for records in reader.read(Span(settings.kafka.ingested_topic, since_ms=since)):
        for record in records:
            try:
                answer = json.loads(record.value or b"")
                source = answer["source"]
                if source["topic"] in topics:
                    found[Position(source["topic"], source["partition"], source["offset"])] = str(answer["pid"])
            except (ValueError, KeyError, TypeError):  # not written by us
                continue
    return found


def _agreed(tally: Tally) -> bool:
    sys.stderr.write(f"write what {tally.records} records say? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _offsets(text: str) -> tuple[int, int | None]:
    first, colon, end = text.partition(":")
    begin, stop = count(first), count(end) if colon else None
    if stop is not None and stop <= begin:
        raise argparse.ArgumentTypeError(f"{text}: END must be greater than FIRST")
    return begin, stop
