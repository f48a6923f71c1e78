"""Write the reference pages from the code: `make docs`. A test fails when a page is stale."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic_core import PydanticUndefined

from scicat_ingest import faults
from scicat_ingest.cli.schema import DOCUMENTS, event_schema
from scicat_ingest.deliver.classify import TABLE, WRITES, Route, Row, Verdict
from scicat_ingest.engine.states import (
    ENGINE,
    SESSION,
    WORK,
    EngineEvent,
    EngineState,
    SessionEvent,
    SessionState,
    WorkEvent,
    WorkState,
)
from scicat_ingest.faults import IngestFault, RecordFault
from scicat_ingest.observe.metrics.catalogue import CATALOGUE
from scicat_ingest.report.contract import DeadLetterHeadersV1
from scicat_ingest.settings import ENV_PREFIX, Group, Settings
from scicat_ingest.translate.expressions import compile_expression
from scicat_ingest.translate.filters import FILTERS
from scicat_ingest.translate.sandbox import SANDBOX

sys.path.insert(0, str(Path(__file__).parents[1]))  # so that `docs` is found when this is run as a script
from docs.alert_table import alerts_page
from docs.chart_schema import values_schema
from docs.dashboards import DASHBOARDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from scicat_ingest.observe.metrics.metric import Metric

DOCS = Path(__file__).parent
DASHBOARD_FILES = "../helm/scicat-ingest/files/dashboards"
NOTE = "<!-- written by docs/generate.py: change the code, then `make docs` -->\n\n"


def pages() -> dict[str, str]:
    """Give every generated page by its file name."""
    return {
        **{f"{DASHBOARD_FILES}/{board.file_name}": _pretty(board.to_json()) for board in DASHBOARDS},
        "../helm/scicat-ingest/values.schema.json": _pretty(values_schema()),
        "alerts.md": NOTE + alerts_page(),
        "answers.md": answers_page(),
        "asyncapi.yaml": yaml.safe_dump(DOCUMENTS["asyncapi"](), sort_keys=False, allow_unicode=True, width=120),
        "event.md": event_page(),
        "mapping-filters.md": filters_page(),
        "metrics.md": metrics_page(),
        "outcomes.md": outcomes_page(),
        "schemas/dead-letter-headers.v1.json": _json("dead-letter"),
        "schemas/event.v1.json": _json("event"),
        "schemas/ingested.v1.json": _json("ingested"),
        "schemas/resolution.v1.json": _json("resolution"),
        "schemas/status.v1.json": _json("status"),
        "settings.md": settings_page(),
        "states.md": states_page(),
    }


def _json(name: str) -> str:
    return _pretty(DOCUMENTS[name]())


def _pretty(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def answers_page() -> str:
    """Print the table that decides what an answer of SciCat means."""
    lines = [
        "# What SciCat's answers mean\n",
        "Printed from the table in `deliver/classify.py` that the service itself decides by: the first row that fits. An empty cell fits",
        "everything. Identity is what `whoami` says of our token, health what SciCat says of itself; both are asked only after `CHECK`.\n",
        "| route | status | message | body | sent | identity | health | verdict | because |",
        "|---|---|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(_cells(row))} |" for row in TABLE),
        "",
        "| verdict | what is done |",
        "|---|---|",
        *(f"| {verdict.name} | {verdict.value} |" for verdict in Verdict),
        "",
    ]
    return NOTE + "\n".join(lines)


def _cells(row: Row) -> list[str]:
    routes = "" if row.routes == frozenset(Route) else _routes(row.routes)
    status = "no answer"
    if row.statuses is not None:
        first, last = row.statuses
        status = str(first) if first == last else f"{first}-{last}"
    words = [None if part is None else part.name.lower() for part in (row.body, row.sent, row.identity, row.health)]
    texts = ", ".join(f"`{text}`" for text in row.says if text)
    return [routes, status, texts, *(word or "" for word in words), row.verdict.name, row.because]


def _routes(routes: frozenset[Route]) -> str:
    if routes == WRITES:
        return "all writes"
    if routes == frozenset(Route) - WRITES:
        return "all but writes"
    return ", ".join(sorted(route.name for route in routes))


def event_page() -> str:
    """List the native event's fields."""
    schema = event_schema()
    lines = [
        "# The event: AcquisitionCompleted v1\n",
        "One JSON object as the record's value; the record key is `acquisitionId`; producers use acks=all and idempotence. On the",
        "wire it is plain JSON, or a CloudEvent in binary mode of type `scicat.acquisition.completed.v1`. `null` means: not given.",
        "An unknown name is left out with a warning; one that is close to a known name (`proposalId`) is refused. The JSON Schema:",
        "`scicat-ingest schema event`.\n",
        "How `fileManifest` and `scan` find the files: [file-lists.md](file-lists.md). How an attachment's `path` and `plot` become pictures:",
        "[previews.md](previews.md). What is looked for in `metadata`, techniques and people: [lint.md](lint.md).\n",
    ]
    parts = {"AcquisitionCompleted": schema, **schema["$defs"]}
    for name, part in parts.items():
        heading = "The event" if part is schema else name
        lines += [
            f"## {heading}\n",
            str(part["description"]) + "\n",
            "| field | type | meaning | example |",
            "|---|---|---|---|",
        ]
        required = part.get("required", ())
        for field, entry in part["properties"].items():
            needed = " (needed)" if field in required else ""
            example = json.dumps(entry["examples"][0], ensure_ascii=False) if entry.get("examples") else ""
            meaning = str(entry.get("description", "")).replace("|", "\\|")
            lines.append(f"| `{field}` | {_type(entry)} | {meaning}{needed} | `{_short(example)}` |")
        lines.append("")
    return NOTE + "\n".join(lines)


def states_page() -> str:
    """Draw the engine's tables of states."""
    lines = [
        "# The states of the engine\n",
        "Drawn from the tables in `engine/states.py`, which the engine itself steps through: a step that is not here raises, and the",
        "process ends. [engine.md](engine.md) tells what it is all for.\n",
    ]
    for title, table, states, events in (
        ("One record", WORK, WorkState, WorkEvent),
        ("One partition while it is ours", SESSION, SessionState, SessionEvent),
        ("The service", ENGINE, EngineState, EngineEvent),
    ):
        lines += [f"## {title}\n", "```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(states)).name}"]
        lines += [f"    {before.name} --> {after.name}: {event.name}" for (before, event), after in table.items()]
        lines += [f"    {state.name} --> [*]" for state in states if state not in {before for before, _ in table}]
        lines += ["```\n", "| state | meaning | steps |", "|---|---|---|"]
        for state in states:
            steps = [f"{event.name} → {after.name}" for (before, event), after in table.items() if before is state]
            lines.append(f"| {state.name} | {state.value} | {', '.join(steps) or 'the end'} |")
        lines += ["", "| event | meaning |", "|---|---|"]
        lines += [f"| {event.name} | {event.value} |" for event in events]
        lines.append("")
    return NOTE + "\n".join(lines)


FILTER_EXAMPLES = {
    "as_id": "'run 42' | as_id",
    "basename": "'/data/p1/a.nxs' | basename",
    "bluesky_configuration": "event.descriptors | bluesky_configuration",
    "common_folder": "['/data/p1/a/1.h5', '/data/p1/b/2.h5'] | common_folder",
    "dirname": "'/data/p1/a.nxs' | dirname",
    "flatten": "[[1, 2], [3]] | flatten",
    "float": "'5.02' | float",
    "from_json": "'[1, 2]' | from_json",
    "int": "'42' | int",
    "items2dict": "[{'key': 'a', 'value': 1}] | items2dict",
    "join": "['a', 'b'] | join('-')",
    "json_query": "{'files': [{'name': 'a', 'size': 1}]} | json_query('files[].name')",
    "only": "'cam [1]/a.tif' | only",
    "orcid": "'https://orcid.org/0000-0002-1825-0097' | orcid",
    "panet": "'SAXS' | panet",
    "quantity": "5.02 | quantity('K')",
    "regex_replace": "'run_42' | regex_replace('_(.)', ' \\\\1')",
    "regex_search": "'/data/p1001/a.nxs' | regex_search('/(p[0-9]+)/', 1)",
    "relative_to": "'/data/p1/a/1.h5' | relative_to('/data/p1')",
    "replace": "'a.b' | replace('.', '/')",
    "rfc3339": "'2026-06-04 10:44:53' | rfc3339('Europe/Copenhagen')",
    "round": "5.0249 | round(2)",
    "zero_pad": "42 | zero_pad(6)",
    "slug": "'Fe₃O₄ at 5 K' | slug",
    "string": "42 | string",
    "sum": "[{'size': 1}, {'size': 2}] | sum(attribute='size')",
    "to_json": "{'a': none} | to_json",
    "to_list": "'a' | to_list",
    "urldecode": "'my%20scan' | urldecode",
}
"""One for each filter of our own; what it gives is found out."""
FILTER_EVENT = {
    "event": {
        "descriptors": [
            {"configuration": {"det": {"data": {"exposure": 0.5}, "data_keys": {"exposure": {"units": "s"}}}}}
        ]
    }
}


def filters_page() -> str:
    """List the filters of mapping files, each with an example that was tried."""
    kept = sorted(set(SANDBOX.filters) - set(FILTERS))
    lines = [
        "# Filters of mapping files\n",
        "What may stand behind `|` in the expressions of [mapping files](mapping-files.md). Null stays null, but for `json_query`, `to_list` and `to_json`.",
        "What a filter cannot take is a dead letter `mapping_failed`.\n",
        "| filter | | example | gives |",
        "|---|---|---|---|",
    ]
    for name in sorted(FILTERS):
        meaning = " ".join((inspect.getdoc(FILTERS[name]) or "").split())
        example = FILTER_EXAMPLES[name]
        given = json.dumps(compile_expression(example, name).give(FILTER_EVENT), ensure_ascii=False)
        lines.append(
            f"| `{name}{_arguments(FILTERS[name])}` | {_cell(meaning)} | `{_cell(example)}` | `{_cell(given)}` |"
        )
    lines += [
        "",
        "Of [Jinja's own](https://jinja.palletsprojects.com/en/stable/templates/#list-of-builtin-filters) there are: "
        + ", ".join(f"`{name}`" for name in kept)
        + ". Texts have the usual methods as well: `event.name.startswith('p')`, `event.name.split('_')[0]`.",
        "",
    ]
    return NOTE + "\n".join(lines)


def _arguments(function: Any) -> str:
    given = list(inspect.signature(function).parameters.values())[1:]
    names = [each.name if each.default is each.empty else f"{each.name}=…" for each in given]
    return f"({', '.join(names)})" if names else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def metrics_page() -> str:
    """List all metrics."""
    lines = [
        "# Metrics\n",
        "What `/metrics` gives ([ops.md](ops.md)), from `observe/metrics/catalogue.py`. No label has a pid, an offset or anything else that events",
        "bring, so the number of series depends on topics and partitions alone. Beside these there are prometheus-client's own `process_*` and",
        "`python_*`. Alerts made of them: [alerts.md](alerts.md).\n",
        "| metric | labels | meaning | what to do |",
        "|---|---|---|---|",
        *(_metric_row(metric) for metric in CATALOGUE),
        "",
    ]
    return NOTE + "\n".join(lines)


def _metric_row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    buckets = f" Up to {', '.join(f'{bound:g}' for bound in metric.buckets)}." if metric.buckets else ""
    unit = {"s": ", seconds", "1/s": ", per second"}.get(metric.unit, f", {metric.unit}" if metric.unit else "")
    return (
        f"| `{metric.name}` ({metric.kind}{unit}) | {labels} | {_cell(metric.meaning)}.{buckets} | {_cell(metric.do)} |"
    )


def outcomes_page() -> str:
    """List the reasons of dead letters, and the faults that stop the service."""
    lines = [
        "# Outcomes\n",
        "Every record ends in one of three ways: **ingested** (an event on `kafka.ingested_topic`), **dead-lettered** (the original",
        "record with a reason in its headers on `kafka.dead_letter_topic`), or **ignored** (counted and committed, nothing is published).",
        "All are CloudEvents 1.0 in binary mode; `ce_id` is the same when a record comes again.\n",
        "## Verdicts of ingested records\n",
        "| verdict | meaning |",
        "|---|---|",
        "| `created` | the dataset was made now |",
        "| `already_present` | it was there with all its parts |",
        "| `completed` | it was there and ours, and missing blocks or attachments were added |",
        "| `updated` | fields were changed: a later revision, or `scicat.on_conflict: update` |\n",
        "`drift` names what differs and was left alone: fields that a curator changed, files that the event does not list. A warning that",
        "begins with `needs_curator` names documents that only a curator can put right: blocks of a deleted dataset that came back, files",
        "that are listed twice. Nothing is ever deleted by the service. `existingPid` is a dataset that an older script had made",
        "(`scicat.exists_by`).\n",
        "## Ignored\n",
        "| reason | meaning |",
        "|---|---|",
        "| `tombstone` | the record has no value |",
        "| `unmatched` | a CloudEvent of another type, where the source says `unmatched: ignore` |",
        "| `noise` | a record that tells nothing of an acquisition: measured values, heartbeats, test messages: [formats.md](formats.md) |",
        "| `deletion` | an S3 notification that objects were deleted |",
        "| `aborted`, `failed`, `cancelled` | the event's status, where `mapping.on_status` says `ignore` |\n",
        "## Reasons of dead letters\n",
        "Header `ingest.dlq.reason`; `ingest.dlq.message`, `.field` and `.hint` say more.\n",
        "| reason | meaning | what to do |",
        "|---|---|---|",
        *(_row(fault) for fault in _leaves(RecordFault)),
        "",
        "## Headers of a dead letter\n",
        "Key, value, timestamp and headers of the original record come first and untouched: they are the first",
        "`ingest.dlq.original_headers` headers. Then ours, and the CloudEvents attributes `ce_*`. A value too large for Kafka together with",
        "these headers is left out, with `ingest.dlq.value_omitted`, `value_bytes` and `value_sha256` in its place; so are key and headers if",
        "they are too large themselves (`headers_omitted`). `dlq show` and `dlq replay` fetch the record from its own topic then.\n",
        "| header | meaning |",
        "|---|---|",
        *(f"| `{field.alias}` | {field.description or ''} |" for field in DeadLetterHeadersV1.model_fields.values()),
        "",
        "## The contract\n",
        "[asyncapi.yaml](asyncapi.yaml) describes all topics and messages, with real examples; [schemas/](schemas) has the JSON Schemas of the",
        "event, of the values of an ingested event and of a resolution, and of a dead letter's headers. `scicat-ingest schema` prints them. Within a",
        "major version only fields that may be missing are added. What is not known is left out. `traceparent` and `tracestate` are carried on.\n",
        "## What stops the service\n",
        "Nothing is lost: records that were not finished come again at the next start.\n",
        "| code | exit | meaning | what to do |",
        "|---|---|---|---|",
        *(
            _row(fault, exit_code=True)
            for fault in _leaves(IngestFault)
            if fault.fault_class in ("configuration", "stream")
        ),
        "",
    ]
    return NOTE + "\n".join(lines)


def settings_page() -> str:
    """List all settings."""
    lines = [
        "# Settings\n",
        "One YAML file (`--config`, or `SCICAT_INGEST_CONFIG`) under environment variables, which win: `kafka.group_id` is",
        f"`{ENV_PREFIX}KAFKA__GROUP_ID`. Lists and objects are given as JSON there. A misspelt name is an error (exit 78).\n",
    ]
    for name, field in Settings.model_fields.items():
        model = _group(field)
        lines += [
            f"## {name}\n",
            inspect.getdoc(model) or "",
            "",
            "| setting | type | default | meaning |",
            "|---|---|---|---|",
        ]
        prefix = f"{name}[]." if name == "sources" else f"{name}."
        lines += [*_settings_rows(model, prefix), ""]
    return NOTE + "\n".join(lines)


def _settings_rows(model: type[Group], prefix: str) -> Iterator[str]:
    properties = model.model_json_schema(mode="serialization")["properties"]
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Group):
            yield from _settings_rows(annotation, f"{prefix}{name}.")
            continue
        default = "**needed**" if field.default is PydanticUndefined else f"`{_shown(field.default)}`"
        meaning = (field.description or "").replace("|", "\\|")
        yield f"| `{prefix}{name}` | {_type(properties[name])} | {default} | {meaning} |"


def _shown(default: Any) -> str:
    if default is None:
        return "none"
    return json.dumps(sorted(default) if isinstance(default, (tuple, frozenset)) else default).replace("|", "\\|")


def _group(field: FieldInfo) -> type[Group]:
    candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return next(item for item in candidates if isinstance(item, type) and issubclass(item, Group))


def _type(entry: dict[str, Any]) -> str:
    if "$ref" in entry:
        return f"{entry['$ref'].rsplit('/', 1)[-1]}"
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if "anyOf" in entry or "oneOf" in entry:
        options = [_type(option) for option in entry.get("anyOf") or entry["oneOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(options))
    if entry.get("type") == "array":
        return f"list of {_type(entry.get('items', {}))}"
    kinds = entry.get("type", "any")
    text = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    return {"date-time": "time", "uuid": "UUID", "path": "path", "uri": "URL"}.get(entry.get("format", ""), text)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"


def _leaves(fault: type[IngestFault]) -> Iterator[type[IngestFault]]:
    below = [child for child in fault.__subclasses__() if child.__module__.startswith(faults.__name__)]
    if not below:
        yield fault
    for child in below:
        yield from _leaves(child)


def _row(fault: type[IngestFault], *, exit_code: bool = False) -> str:
    code = f" {78 if fault.fault_class == 'configuration' else 1} |" if exit_code else ""
    meaning = (inspect.getdoc(fault) or "").splitlines()[0]
    return f"| `{fault.code}` |{code} {meaning} | {fault.default_hint} |"


if __name__ == "__main__":
    for file_name, text in pages().items():
        (DOCS / file_name).write_text(text, encoding="utf-8")
