"""The catalogue's models against SciCat's own schemas.

`scicat-openapi-schemas.json` holds what is needed of `components.schemas` in the OpenAPI document that
scicat-backend-next generates (served at /explorer-json), release 4.5, as of 2026-02, unchanged.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter, ValidationError
from tests.unit.mapping.test_reach import VERBATIM

from scicat_ingest.catalogue.attachment import Attachment, AttachmentRelationship
from scicat_ingest.catalogue.dataset import Dataset, DatasetLifecycle, Relationship, Technique
from scicat_ingest.catalogue.origdatablock import DataFile, OrigDatablock
from scicat_ingest.catalogue.v3 import attachment_for_v3, dataset_for_v3

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaMode

SCHEMAS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "scicat-openapi-schemas.json").read_text(encoding="utf-8")
)

MODELS: list[tuple[type[Any], str]] = [
    (Dataset, "CreateDatasetDto"),
    (DatasetLifecycle, "LifecycleClass"),
    (Technique, "TechniqueClass"),
    (Relationship, "RelationshipClass"),
    (OrigDatablock, "CreateOrigDatablockDto"),
    (DataFile, "DataFile"),
    (Attachment, "CreateAttachmentV4Dto"),
    (AttachmentRelationship, "AttachmentRelationshipsV4Dto"),
]
MEASURED = {"CreateDatasetDto": {"owner"}}
"""Needed although the schema does not say so: without it the server answers 500."""

GUIDE = {
    Dataset: """ownerGroup accessGroups instrumentGroup owner ownerEmail orcidOfOwner contactEmail sourceFolder
        sourceFolderHost size packedSize numberOfFiles numberOfFilesArchived creationTime validationStatus keywords
        description datasetName classification license isPublished techniques sharedWith relationships datasetlifecycle
        scientificMetadata scientificMetadataSchema scientificMetadataValid comment dataQualityMetrics
        principalInvestigators startTime endTime creationLocation dataFormat proposalIds sampleIds instrumentIds
        inputDatasets usedSoftware jobParameters jobLogData runNumber pid type""",
    OrigDatablock: "ownerGroup accessGroups instrumentGroup size chkAlg dataFileList isPublished datasetId",
    DataFile: "path size time chk uid gid perm type",
    Attachment: "ownerGroup accessGroups instrumentGroup thumbnail caption relationships isPublished aid",
    AttachmentRelationship: "targetId targetType relationType",
}
"""The fields of the three bodies in SciCat's ingestion guide."""


def schema_of(model: type[Any], mode: JsonSchemaMode = "serialization") -> dict[str, Any]:
    """Give a model's or dataclass's JSON Schema."""
    return TypeAdapter(model).json_schema(mode=mode)


def json_type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Name a field's JSON type, with that of its items; without null, which stands for not given and is never sent."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    (choice,) = choices
    if "$ref" in choice:
        choice = definitions[choice["$ref"].rpartition("/")[2]]
    if "allOf" in choice:
        return json_type(choice["allOf"][0], definitions)
    if choice["type"] == "array":
        return f"array of {json_type(choice['items'], definitions)}"
    return "number" if choice["type"] == "integer" else str(choice["type"])


@pytest.mark.parametrize(("model", "name"), MODELS)
def test_a_model_has_the_schemas_fields(model: type[Any], name: str) -> None:
    """No more, no fewer, in the same spelling."""
    assert schema_of(model)["properties"].keys() == SCHEMAS[name]["properties"].keys()


@pytest.mark.parametrize(("model", "name"), MODELS)
def test_a_model_needs_what_the_schema_needs(model: type[Any], name: str) -> None:
    """And what was measured to be needed."""
    needed = set(schema_of(model, "validation").get("required", ()))
    assert needed == set(SCHEMAS[name].get("required", ())) | MEASURED.get(name, set())


@pytest.mark.parametrize(("model", "name"), MODELS)
def test_a_models_fields_have_the_schemas_types(model: type[Any], name: str) -> None:
    """As they are written in JSON; an integer is a number."""
    ours = schema_of(model)
    definitions = SCHEMAS | ours.get("$defs", {})
    for field, schema in SCHEMAS[name]["properties"].items():
        assert json_type(ours["properties"][field], definitions) == json_type(schema, definitions), field


@pytest.mark.parametrize(("model", "name"), MODELS)
def test_a_model_takes_no_other_field(model: type[Any], name: str) -> None:
    """SciCat answers 400 to one unknown field."""
    with pytest.raises(ValidationError, match=r"Extra inputs are not permitted|Unexpected keyword argument"):
        TypeAdapter(model).validate_python({name: "x"})


def test_targets_of_attachments_are_those_of_the_schema() -> None:
    """The only enumeration there is."""
    ours = AttachmentRelationship.model_json_schema()["properties"]["targetType"]["enum"]
    assert ours == SCHEMAS["AttachmentRelationshipsV4Dto"]["properties"]["targetType"]["enum"]


@pytest.mark.parametrize("model", GUIDE)
def test_the_guides_fields_are_the_models_fields(model: type[Any]) -> None:
    """SciCat's ingestion guide names each of them, and none besides."""
    assert set(GUIDE[model].split()) == schema_of(model)["properties"].keys()


@pytest.mark.parametrize(
    ("kind", "name"), [("raw", "CreateRawDatasetObsoleteDto"), ("derived", "CreateDerivedDatasetObsoleteDto")]
)
def test_a_v3_dataset_has_only_fields_of_v3_and_all_it_needs(kind: str, name: str) -> None:
    """From the fullest v4 dataset and from the smallest."""
    schema = SCHEMAS[name]
    smallest = {field: VERBATIM[field] for field, info in Dataset.model_fields.items() if info.is_required()}
    for payload in (VERBATIM | {"type": kind}, smallest | {"type": kind}):
        respelt, _ = dataset_for_v3(Dataset.model_validate(payload).payload())
        assert respelt.keys() <= schema["properties"].keys()
        assert set(schema["required"]) <= respelt.keys()
        for field, value in respelt.items():
            expected = {str: "string", bool: "boolean", int: "number", float: "number", dict: "object", list: "array"}
            assert json_type(schema["properties"][field], SCHEMAS).startswith(expected[type(value)]), field


def test_a_v3_attachment_has_only_fields_of_v3_and_all_it_needs() -> None:
    """Its id, target and publication are the server's matter."""
    whole = Attachment(
        caption="c", ownerGroup="g", isPublished=False, aid="a", thumbnail="t", accessGroups=["x"], instrumentGroup="i"
    )
    respelt, warnings = attachment_for_v3(whole.payload())
    schema = SCHEMAS["CreateAttachmentV3Dto"]
    assert set(schema["required"]) <= respelt.keys() <= schema["properties"].keys()
    assert warnings == []
