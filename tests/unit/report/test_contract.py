"""What consumers of our messages can rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator

from scicat_ingest.cli.schema import DOCUMENTS, asyncapi, sample_resolutions
from scicat_ingest.testing.sample_outcomes import sample_messages

RELEASED = Path(__file__).parents[2] / "contract" / "released"
MESSAGES = sample_messages() | {"resolution": sample_resolutions()}
ASYNCAPI = asyncapi()
KINDS = [("ingested", message) for message in MESSAGES["ingested"]] + [
    ("dead-letter", message) for message in MESSAGES["deadLetter"]
]
KINDS += [("resolution", message) for message in MESSAGES["resolution"]]


def headers(message: Any) -> dict[str, str]:
    return {name: text.decode() for name, text in message.headers}


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "asyncapi"])
def test_each_schema_is_one(name: str) -> None:
    """By the metaschema of the draft that it names."""
    Draft202012Validator.check_schema(DOCUMENTS[name]())


@pytest.mark.parametrize(("kind", "message"), KINDS)
def test_what_the_service_writes_is_what_the_schema_says(kind: str, message: Any) -> None:
    """Values of answers, headers of dead letters; the examples of the document are such messages."""
    written = headers(message) if kind == "dead-letter" else message.json()
    Draft202012Validator(DOCUMENTS[kind]()).validate(written)


@pytest.mark.parametrize(("kind", "message"), KINDS)
def test_a_foreign_library_reads_the_messages(kind: str, message: Any) -> None:
    """The official package for CloudEvents, in binary mode."""
    given = KafkaMessage(headers=dict(message.headers), key=message.key, value=message.value)
    event = from_binary(given, JSONFormat())
    assert event.get_specversion() == "1.0"
    assert event.get_type().startswith("scicat.")
    assert event.get_id() == headers(message)["ce_id"]
    if kind == "ingested":
        assert event.get_subject() == message.json()["pid"]


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    """It needs no other file."""

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return here + [found for item in value.values() for found in references(item)]
        return [found for item in value for found in references(item)] if isinstance(value, list) else []

    found = references(ASYNCAPI)
    assert len(found) > 10
    for reference in found:
        here: Any = ASYNCAPI
        for step in reference.removeprefix("#/").split("/"):
            here = here[step]


def test_the_asyncapi_document_has_what_version_3_asks_for() -> None:
    """Operations point to channels, their messages to those of the channel; examples fit their payloads."""
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= ASYNCAPI["info"].keys()
    for operation in ASYNCAPI["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = ASYNCAPI["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
        assert [each["$ref"].rpartition("/")[2] for each in operation["messages"]] == list(channel["messages"])
    for message in ASYNCAPI["components"]["messages"].values():
        for part in ("headers", "payload"):
            schema = {**message[part], "components": ASYNCAPI["components"]}
            for example in message.get("examples", ()):
                if part in example:
                    Draft202012Validator(schema).validate(example[part])


@pytest.mark.parametrize("name", ["event", "ingested", "dead-letter", "resolution"])
def test_a_new_version_only_adds_what_may_be_missing(name: str) -> None:
    """Against the schemas as they were last released: nothing is gone, renamed, of another type, or newly needed."""
    old = json.loads((RELEASED / f"{name}.v1.json").read_text())
    assert differences(old, DOCUMENTS[name]()) == []


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """List what would break a consumer, or a producer."""
    found = []
    parts = {"": old, **old.get("$defs", {})}
    for name, was in parts.items():
        now = new if name == "" else new.get("$defs", {}).get(name, {})
        added = set(now.get("required", ())) - set(was.get("required", ()))
        found += [f"{name}: {field} is needed now" for field in sorted(added)]
        for field, schema in was.get("properties", {}).items():
            if field not in now.get("properties", {}):
                found.append(f"{name}: {field} is gone")
            elif shape(now["properties"][field]) != shape(schema):
                found.append(f"{name}: {field} is another")
    return found


def shape(schema: Any) -> Any:
    """Give a schema without what is for people."""
    if isinstance(schema, dict):
        return {name: shape(item) for name, item in schema.items() if name not in ("description", "examples", "title")}
    return [shape(item) for item in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda schema: schema["properties"].pop("pid"), ": pid is gone"),
        (lambda schema: schema["properties"].update(files={"type": "string"}), ": files is another"),
        (lambda schema: schema["required"].append("datasetUrl"), ": datasetUrl is needed now"),
        (lambda schema: schema["$defs"]["Timings"]["properties"].pop("doneAt"), "Timings: doneAt is gone"),
        (lambda schema: schema["properties"].update(new={"type": "string"}), None),
    ],
)
def test_a_change_that_would_break_a_consumer_is_found(change: Any, says: str | None) -> None:
    """A field that may be missing breaks nobody."""
    new = json.loads(json.dumps(DOCUMENTS["ingested"]()))
    change(new)
    assert differences(DOCUMENTS["ingested"](), new) == ([] if says is None else [says])
