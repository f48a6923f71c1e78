"""The event's JSON Schema: valid, documented to the last field, and in step with what is decoded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.unit.acquisition_events import decode, event

from scicat_ingest.cli.schema import event_schema
from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.testing.sample_events import sample_events

SCHEMA = event_schema()
PARTS: dict[str, Any] = {"AcquisitionCompleted": SCHEMA, **SCHEMA["$defs"]}
FIELDS = [(part, name) for part, schema in PARTS.items() for name in schema["properties"]]


def accepts(value: Any, schema: dict[str, Any] | None = None) -> bool:
    whole = SCHEMA if schema is None else {**schema, "$defs": SCHEMA["$defs"]}
    return bool(Draft202012Validator(whole).is_valid(value))


def test_the_schema_is_valid() -> None:
    """By the 2020-12 metaschema, which it names."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize(("part", "name"), FIELDS)
def test_every_field_has_a_description_and_a_good_example(part: str, name: str) -> None:
    """A producer needs no other page; the example is one that the schema takes."""
    field = PARTS[part]["properties"][name]
    assert len(field.get("description", "")) > 2
    assert field.get("examples")
    for example in field["examples"]:
        assert accepts(example, field), example


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_a_description(part: str) -> None:
    """One sentence."""
    assert PARTS[part]["description"]


def test_the_schema_accepts_the_samples() -> None:
    """Those of the demo and those of these tests."""
    for sample in sample_events(12):
        if sample.ending != "dead_lettered":
            assert accepts(json.loads(sample.value))
    assert accepts(event())


def test_the_fields_examples_together_are_an_event() -> None:
    """Decoded without a warning."""
    whole = {name: field["examples"][0] for name, field in SCHEMA["properties"].items()}
    whole |= {"noFiles": None, "fileManifest": None, "scan": None}
    assert decode(whole).warnings == ()


@pytest.mark.parametrize(
    "change",
    [
        {"acquisitionId": ""},
        {"acquisitionId": "x" * 201},
        {"revision": -1},
        {"revision": 2**53},
        {"status": "done"},
        {"type": "simulated"},
        {"endedAt": 5},
        {"files": [{"path": "a"}]},
        {"files": [{"path": "a", "size": -1}]},
        {"files": [{"path": "a", "size": 1, "uid": []}]},
        {"inputDatasets": [5]},
        {"attachments": [{"thumbnail": "x"}]},
        {"instrument": "ODIN"},
        {"keywords": "x"},
    ],
)
def test_the_schema_refuses_what_the_decoder_refuses(change: dict[str, Any]) -> None:
    """So that producers find their faults before we do."""
    assert not accepts(event(**change))


def test_unknown_names_are_valid() -> None:
    """As they are for the decoder, which warns."""
    assert accepts(event(beamCurrent=1))
    assert set(SCHEMA["required"]) == {"acquisitionId"}
    assert set(SCHEMA["properties"]) == set(AcquisitionCompleted.model_fields)
