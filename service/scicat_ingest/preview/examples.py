"""Golden examples are previewed and compared: for `check`, and before a changed mapping file is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.consume.record import Record
from scicat_ingest.preview.events import split_events
from scicat_ingest.preview.preview import PART_OF_A_RUN, preview
from scicat_ingest.preview.shown import as_document
from scicat_ingest.preview.trial import trial_rules
from scicat_ingest.settings import example_settings
from scicat_ingest.translate.golden import differences, find_examples
from scicat_ingest.translate.mappings import SHIPPED_FOLDER, Mappings, load_mapping_file

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from scicat_ingest.engine.way import Facility
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.settings import Settings
    from scicat_ingest.translate.golden import Example

RECORDED_AT_MS = 1_767_225_600_000
"""The Kafka timestamp of every example: 2026-01-01T00:00:00Z."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One golden example."""

    name: str
    differences: tuple[str, ...]
    """Field by field; none if all is as expected."""


async def compare_examples(path: Path, settings: Settings, facility: Facility) -> list[Compared]:
    """Preview the examples of a mapping file; of one that comes with the service by the settings they were made with.

    Raises InvalidMapping, InvalidSettings, RegistryUnavailable.
    """
    if path.parent == SHIPPED_FOLDER:
        settings = example_settings()
    mappings = Mappings((load_mapping_file(path),))
    rules = trial_rules(settings.sources[0], settings, mappings, (str(path.parent.resolve()),))
    return [await _compare(example, rules, settings, facility) for example in find_examples(path)]


async def _compare(example: Example, rules: MappingRules, settings: Settings, facility: Facility) -> Compared:
    made = [document async for document in _documents(example, rules, settings, facility)]
    actual = made[0] if len(made) == 1 else made
    return Compared(example.name, tuple(differences(example.expected, actual)))


async def _documents(example: Example, rules: MappingRules, settings: Settings, facility: Facility) -> Any:
    topic = rules.source.topic
    events = split_events(example.name, example.event.read_bytes())
    records = (
        Record(topic, 0, offset, RECORDED_AT_MS, None, event.value, example.headers)
        for offset, event in enumerate(events)
    )
    async for previewed in preview(records, {topic: rules}, facility, settings.joins):
        if previewed.result != PART_OF_A_RUN:
            yield as_document(previewed.result)
