"""`scicat-ingest map`: what would be posted."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from scicat_ingest.bootstrap import open_facility, rules_by_topic
from scicat_ingest.cli.event_input import add_event_arguments, read_events
from scicat_ingest.consume.record import Record
from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.faults import InvalidSettings, RecordFault
from scicat_ingest.plan.steps import Plan
from scicat_ingest.preview.explain import explain
from scicat_ingest.preview.preview import preview
from scicat_ingest.preview.shown import as_document
from scicat_ingest.preview.trial import trial_rules
from scicat_ingest.settings import CONFIG_VARIABLE, Settings, example_settings, load_settings
from scicat_ingest.translate.mappings import SHIPPED, load_mappings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.preview.events import EventBytes
    from scicat_ingest.preview.explain import Explained
    from scicat_ingest.preview.preview import Previewed

EXAMPLES = f"""\
examples:
  scicat-ingest map run42.json --config ingest.yaml
  scicat-ingest map events.jsonl --config ingest.yaml --json | jq .pid
  scicat-ingest map - --config ingest.yaml < run42.json
  scicat-ingest map run42.json --mapping ours.yaml --explain
  scicat-ingest map finished.bin --mapping ess-wrdn --root /ess/data=./testdata

With --mapping every format that is installed is read, and only that mapping file is tried: FILE, or one that comes
with the service ({", ".join(SHIPPED)}).
Without settings, those of a facility that does not exist are taken: prefix 20.500.12345.

With --json, one line an event: {{"pid", "dataset", "origdatablocks", "attachments", "warnings"}} as they would be
POSTed to SciCat's v4 routes, or {{"ignored": reason}}, or {{"fault": {{"code", "message", "field"}}}}; --explain adds
"explained".

No catalogue is asked: what `lookups` would find is missing in the result, with a warning.
"""
_SHOWN = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    add_event_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--mapping", metavar="FILE|NAME", help="the mapping file to try")
    parser.add_argument("--explain", action="store_true", help="say what gave each field: event, setting, mapping file")
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="[NAMED=]DIR",
        help="a folder whose files may be opened; NAMED: what it is called in events; repeatable",
    )


def run(options: argparse.Namespace) -> int:
    """Map every event; 2 if any is a record fault."""
    settings = _settings(options)
    rules = _rules(settings, options)
    on = [f"lookups.{kind}" for kind, switch in settings.lookups.kinds.items() if switch == "on"]
    if on:
        sys.stderr.write(f"scicat-ingest: warning: {', '.join(on)}: `map` asks no catalogue, nothing is looked up\n")
    events = list(read_events(options.events))
    topic = rules.source.topic
    records = [_record(event, offset, topic, options) for offset, event in enumerate(events)]

    async def show_all() -> int:
        names, faults = iter(events), 0
        async with open_facility(settings) as facility:
            async for previewed in preview(records, {topic: rules}, facility, settings.joins):
                name = next(names).name
                faults += isinstance(previewed.result, RecordFault)
                shown = _as_json(previewed, options) if options.json else _as_text(name, previewed, options)
                sys.stdout.write(f"{shown}\n")
        return faults

    return 2 if anyio.run(show_all) else 0


def _settings(options: argparse.Namespace) -> Settings:
    if options.mapping is not None and options.config is None and not os.environ.get(CONFIG_VARIABLE):
        sys.stderr.write("scicat-ingest: no --config: trying with the prefix 20.500.12345 and other made-up settings\n")
        settings = example_settings()
    else:
        settings = load_settings(Settings, options.config)
    mounts = dict(settings.files.mounts)
    for root in options.root:
        named, equals, folder = root.partition("=")
        if equals:
            mounts[named] = str(Path(folder).resolve())
    files = settings.files.model_copy(update={"mounts": mounts})
    return settings.model_copy(update={"files": files})


def _rules(settings: Settings, options: argparse.Namespace) -> MappingRules:
    topic = options.topic or settings.sources[0].topic
    source = next((source for source in settings.sources if source.topic == topic), None)
    if source is None:
        known = ", ".join(source.topic for source in settings.sources)
        raise InvalidSettings(f"--topic {topic!r} is not one of `sources` ({known})")
    roots = [_named(root) for root in options.root]
    if options.mapping is not None:
        shipped = [options.mapping] if options.mapping in SHIPPED and not Path(options.mapping).exists() else []
        further = [] if shipped else [Path(options.mapping)]
        return trial_rules(source, settings, load_mappings(None, shipped, further), roots)
    source = source.model_copy(update={"roots": (*source.roots, *roots)})
    others = tuple(other for other in settings.sources if other.topic != topic)
    return rules_by_topic(settings.model_copy(update={"sources": (source, *others)}))[topic]


def _named(root: str) -> str:
    named, equals, _ = root.partition("=")
    return named if equals else str(Path(root).resolve())


def _record(event: EventBytes, offset: int, topic: str, options: argparse.Namespace) -> Record:
    return Record(
        topic=topic,
        partition=0,
        offset=offset,
        timestamp_ms=options.timestamp if options.timestamp is not None else int(time.time() * 1000),
        key=options.key.encode() if options.key else None,
        value=event.value,
        headers=tuple(options.header),
    )


def _as_json(previewed: Previewed, options: argparse.Namespace) -> str:
    document = as_document(previewed.result)
    if options.explain:
        document["explained"] = [_explained(each) for each in _explain(previewed)]
    return json.dumps(document, ensure_ascii=False)


def _explain(previewed: Previewed) -> Sequence[Explained]:
    if isinstance(previewed.result, Plan) and previewed.accepted is not None:
        return explain(previewed.result, previewed.accepted)
    return ()


def _explained(each: Explained) -> dict[str, Any]:
    return {
        "field": each.field,
        "value": each.value,
        "from": each.given_by,
        "expression": each.expression,
        "where": each.where,
        "reads": list(each.reads),
    }


def _as_text(name: str, previewed: Previewed, options: argparse.Namespace) -> str:
    match previewed.result:
        case Ignored() as ignored:
            return f"{name}: ignored ({ignored.reason})"
        case RecordFault() as fault:
            where = f"\n  field:   {fault.field}" if fault.field else ""
            how = f"\n  hint:    {fault.hint}" if fault.hint else ""
            return f"{name}: dead letter, {fault.code}\n  message: {fault.message}{where}{how}"
        case plan:
            heading = (
                f"{name}: dataset {plan.pid}, {plan.number_of_files} files in {len(plan.blocks)} blocks, "
                f"{plan.size} bytes, {len(plan.attachments)} attachments"
            )
            warnings = [f"  warning: {warning}" for warning in plan.warnings]
            if options.explain:
                return "\n".join([heading, *warnings, *_table(_explain(previewed))])
            shown = as_document(plan)
            documents = {key: value for key, value in shown.items() if key not in ("pid", "warnings")}
            return "\n".join([heading, *warnings, json.dumps(documents, ensure_ascii=False, indent=2)])


def _table(explained: Sequence[Explained]) -> list[str]:
    rows = [(each.field, _short(each.value), _origin(each)) for each in explained]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return [f"  {field:<{widths[0]}}  {value:<{widths[1]}}  {origin}" for field, value, origin in rows]


def _origin(each: Explained) -> str:
    if each.expression is None:
        return each.given_by
    return f"{each.given_by} ({each.where}) <- {_cut(' '.join(each.expression.split()), 2 * _SHOWN)}"


def _short(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False), _SHOWN)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
