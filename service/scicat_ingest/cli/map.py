"""`scicat-ingest map`: what would be posted."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import anyio

from scicat_ingest.bootstrap import rules_by_topic
from scicat_ingest.cli.event_input import add_event_arguments, read_events
from scicat_ingest.cli.preview import preview
from scicat_ingest.consume.record import Record
from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.faults import InvalidSettings, RecordFault
from scicat_ingest.settings import Settings, load_settings
from scicat_ingest.testing.facility import EmptyFacility

if TYPE_CHECKING:
    import argparse

    from scicat_ingest.cli.event_input import EventBytes
    from scicat_ingest.plan.steps import Plan

EXAMPLES = """\
examples:
  scicat-ingest map run42.json --config ingest.yaml
  scicat-ingest map events.jsonl --config ingest.yaml --json | jq .pid
  scicat-ingest map - --config ingest.yaml < run42.json

With --json, one line an event: {"pid", "dataset", "origdatablocks", "attachments", "warnings"} as they would be POSTed
to SciCat's v4 routes, or {"ignored": reason}, or {"fault": {"code", "message", "field"}}.

No catalogue is asked: what `lookups` would find is missing in the result, with a warning.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    add_event_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(options: argparse.Namespace) -> int:
    """Map every event; 2 if any is a record fault."""
    settings = load_settings(Settings, options.config)
    rules = rules_by_topic(settings)
    topic = options.topic or settings.sources[0].topic
    if topic not in rules:
        raise InvalidSettings(f"--topic {topic!r} is not one of `sources` ({', '.join(rules)})")
    on = [f"lookups.{kind}" for kind, switch in settings.lookups.kinds.items() if switch == "on"]
    if on:
        sys.stderr.write(f"scicat-ingest: warning: {', '.join(on)}: `map` asks no catalogue, nothing is looked up\n")
    events = list(read_events(options.events))
    records = [_record(event, offset, topic, options) for offset, event in enumerate(events)]

    async def show_all() -> int:
        names, faults = iter(events), 0
        async for planned in preview(records, rules, EmptyFacility(), settings.joins):
            name = next(names).name
            faults += isinstance(planned, RecordFault)
            sys.stdout.write(f"{_as_json(planned) if options.json else _as_text(name, planned)}\n")
        return faults

    return 2 if anyio.run(show_all) else 0


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


def _as_json(planned: Plan | Ignored | RecordFault) -> str:
    return json.dumps(_shown(planned), ensure_ascii=False)


def _shown(planned: Plan | Ignored | RecordFault) -> dict[str, Any]:
    match planned:
        case Ignored():
            return {"ignored": planned.reason}
        case RecordFault():
            fault = {"code": planned.code, "message": planned.message, "field": planned.field, "hint": planned.hint}
            return {"fault": fault}
        case _:
            return {
                "pid": planned.pid,
                "dataset": planned.dataset.payload,
                "origdatablocks": [block.payload for block in planned.blocks],
                "attachments": [attachment.payload for attachment in planned.attachments],
                "warnings": list(planned.warnings),
            }


def _as_text(name: str, planned: Plan | Ignored | RecordFault) -> str:
    match planned:
        case Ignored():
            return f"{name}: ignored ({planned.reason})"
        case RecordFault():
            where = f"\n  field:   {planned.field}" if planned.field else ""
            how = f"\n  hint:    {planned.hint}" if planned.hint else ""
            return f"{name}: dead letter, {planned.code}\n  message: {planned.message}{where}{how}"
        case _:
            heading = (
                f"{name}: dataset {planned.pid}, {planned.number_of_files} files in {len(planned.blocks)} blocks, "
                f"{planned.size} bytes, {len(planned.attachments)} attachments"
            )
            documents = {key: value for key, value in _shown(planned).items() if key not in ("pid", "warnings")}
            warnings = [f"  warning: {warning}" for warning in planned.warnings]
            return "\n".join([heading, *warnings, json.dumps(documents, ensure_ascii=False, indent=2)])
