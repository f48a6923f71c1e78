"""Golden examples are previewed and compared: for `check`, and before a changed mapping file is taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.consume.record import Record
from scicat_ingest.faults import InvalidMapping
from scicat_ingest.preview.events import split_events
from scicat_ingest.preview.preview import PART_OF_A_RUN, preview
from scicat_ingest.preview.shown import as_document
from scicat_ingest.preview.trial import trial_rules
from scicat_ingest.settings import example_settings
from scicat_ingest.translate.golden import find_examples
from scicat_ingest.translate.mappings import SHIPPED_FOLDER, Mappings, load_mapping_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
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

    Raises InvalidMapping, InvalidSettings, RegistryUnavailable, ExtraMissing.
    """
    if path.parent == SHIPPED_FOLDER:
        settings = example_settings()
    mappings = Mappings((load_mapping_file(path),))
    compared = []
    for example in find_examples(path):
        rules = _rules_of(example, settings, mappings)
        actual = await _make(example, rules, settings, facility)
        compared.append(Compared(example.name, example.differences(actual)))
    return compared


def _rules_of(example: Example, settings: Settings, mappings: Mappings) -> MappingRules:
    """Give the rules by which an example is tried: its own files stand for all that are on the machine."""
    if example.files is None:
        return trial_rules(settings.sources[0], settings, mappings)
    files = settings.files.model_copy(update={"mounts": {"/": str(example.files.resolve())}})
    return trial_rules(settings.sources[0], settings.model_copy(update={"files": files}), mappings, ("/",))


async def _make(example: Example, rules: MappingRules, settings: Settings, facility: Facility) -> Any:
    """Give what the records give: one document, or an array of several; what is ignored counts if nothing else is."""
    made = [document async for document in _documents(example, rules, settings, facility)]
    made = [document for document in made if "ignored" not in document] or made[-1:]
    return made[0] if len(made) == 1 else made


async def _documents(
    example: Example, rules: MappingRules, settings: Settings, facility: Facility
) -> AsyncIterator[dict[str, Any]]:
    topic = rules.source.topic
    events = [event for path in example.records for event in split_events(path.name, _read(path))]
    records = (
        Record(topic, 0, offset, RECORDED_AT_MS, None, event.value, example.headers)
        for offset, event in enumerate(events)
    )
    async for previewed in preview(records, {topic: rules}, facility, settings.joins):
        if previewed.result != PART_OF_A_RUN:
            yield as_document(previewed.result)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidMapping(f"{path.name}: cannot be read: {error.strerror}") from None
