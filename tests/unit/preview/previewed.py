"""What the tests of previews share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from scicat_ingest.bootstrap import open_facility
from scicat_ingest.consume.record import Record
from scicat_ingest.preview.examples import compare_examples
from scicat_ingest.preview.preview import preview
from scicat_ingest.preview.trial import trial_rules
from scicat_ingest.settings import Settings, example_settings
from scicat_ingest.translate.mappings import load_mappings

if TYPE_CHECKING:
    from pathlib import Path

    from scicat_ingest.preview.examples import Compared
    from scicat_ingest.preview.preview import Previewed

MAPPING = """\
name: ours
match: event.job is defined
acquisition:
  acquisitionId: "{{ event.job }}"
  title: "Run {{ event.run }}"
  instrument: {id: ODIN}
  proposal: {id: "{{ event.proposal }}"}
  source: {folder: "{{ event.folder }}"}
  files: "{{ event.files | json_query('[].{path: name, size: bytes}') }}"
  metadata: {sample: {temperature: {value: "{{ event.t }}", unit: K}}, tags: ["{{ event.run }}"]}
on_missing: {metadata.sample: "{{ omit }}"}
"""
EVENT = {
    "job": "j-1",
    "run": 42,
    "proposal": "p1001",
    "folder": "/data/run42",
    "files": [{"name": "a.nxs", "bytes": 5}],
    "t": 5.02,
}


def compared(path: Path, settings: Settings | None = None) -> list[Compared]:
    """Compare the golden examples of a mapping file."""
    settings = settings or example_settings()

    async def go() -> list[Compared]:
        async with open_facility(settings) as facility:
            return await compare_examples(path, settings, facility)

    return anyio.run(go)


def previewed(*values: bytes, mapping: Path, settings: Settings | None = None) -> list[Previewed]:
    """Preview records by one mapping file."""
    settings = settings or example_settings()
    rules = trial_rules(settings.sources[0], settings, load_mappings(None, (), [mapping]))
    topic = rules.source.topic
    records = [Record(topic, 0, at, 1_776_848_093_642, None, value, ()) for at, value in enumerate(values)]

    async def go() -> list[Previewed]:
        async with open_facility(settings) as facility:
            return [each async for each in preview(records, {topic: rules}, facility, settings.joins)]

    return anyio.run(go)


def with_mapping(**changes: Any) -> Settings:
    """Give the example settings with other `mapping` settings."""
    settings = example_settings()
    return settings.model_copy(update={"mapping": settings.mapping.model_copy(update=changes)})
