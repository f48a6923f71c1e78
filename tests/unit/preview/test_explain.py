"""Where each field of a dataset comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.unit.preview.previewed import EVENT, MAPPING, previewed

from scicat_ingest.plan.steps import Plan
from scicat_ingest.preview.explain import Explained, explain

if TYPE_CHECKING:
    from pathlib import Path


def explained(folder: Path, mapping: str = MAPPING) -> dict[str, Explained]:
    path = folder / "ours.yaml"
    path.write_text(mapping)
    (found,) = previewed(json.dumps(EVENT).encode(), mapping=path)
    assert isinstance(found.result, Plan)
    assert found.accepted is not None
    return {each.field: each for each in explain(found.result, found.accepted)}


def test_a_field_names_the_line_that_gave_it(tmp_path: Path) -> None:
    """With the expression and what it reads."""
    fields = explained(tmp_path)
    assert fields["datasetName"] == Explained(
        "datasetName", "Run 42", "title", "Run {{ event.run }}", "ours.yaml:5", ("event.run",)
    )
    assert (fields["pid"].given_by, fields["pid"].where) == ("acquisitionId", "ours.yaml:4")
    assert (fields["size"].given_by, fields["size"].where) == ("files", "ours.yaml:9")


def test_a_field_of_the_settings_names_the_setting(tmp_path: Path) -> None:
    """Where the event says nothing."""
    fields = explained(tmp_path)
    assert (fields["contactEmail"].given_by, fields["contactEmail"].expression) == ("mapping.contact_email", None)
    assert fields["ownerGroup"].given_by == "mapping.owner_group"
    assert fields["creationTime"].given_by == "record.timestamp"
    assert fields["isPublished"].given_by == "scicat-ingest"


def test_metadata_are_told_value_by_value(tmp_path: Path) -> None:
    """A quantity is one value; what the service adds is its own."""
    fields = explained(tmp_path)
    temperature = fields["scientificMetadata.sample.temperature"]
    assert (temperature.value, temperature.where) == ({"value": 5.02, "unit": "K"}, "ours.yaml:10")
    assert temperature.reads == ("event.t",)
    assert fields["scientificMetadata.tags"].where == "ours.yaml:10"
    assert fields["scientificMetadata.ingest.acquisitionId"].given_by == "scicat-ingest"


def test_metadata_that_one_expression_gives_name_it(tmp_path: Path) -> None:
    """All of them."""
    text = "\n".join(line for line in MAPPING.splitlines() if "metadata" not in line)
    fields = explained(tmp_path, f"{text}\n  metadata: \"{{{{ {{'a': {{'b': event.run}}}} }}}}\"\n")
    assert fields["scientificMetadata.a.b"].where == "ours.yaml:10"
    assert fields["scientificMetadata.a.b"].given_by == "metadata.a.b"


def test_a_default_names_its_own_line(tmp_path: Path) -> None:
    """Not that of the expression which found nothing."""
    text = MAPPING.replace("Run {{ event.run }}", "{{ event.no_such }}").replace(
        "on_missing: {", "on_missing: {title: untitled, "
    )
    title = explained(tmp_path, text)["datasetName"]
    assert (title.value, title.given_by, title.expression) == ("untitled", "on_missing.title", "untitled")
    assert title.where == f"ours.yaml:{text.count(chr(10))}"


def test_a_native_event_names_its_own_fields(tmp_path: Path) -> None:
    """There is no mapping file to point to."""
    (tmp_path / "ours.yaml").write_text(MAPPING)
    event = {"acquisitionId": "a", "title": "T", "noFiles": True, "source": {"folder": "/x"}}
    (found,) = previewed(json.dumps(event).encode(), mapping=tmp_path / "ours.yaml")
    assert isinstance(found.result, Plan)
    assert found.accepted is not None
    fields = {each.field: each for each in explain(found.result, found.accepted)}
    assert (fields["datasetName"].given_by, fields["datasetName"].where) == ("title", None)
