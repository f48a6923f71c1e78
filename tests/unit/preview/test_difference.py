"""What would be posted against what SciCat has."""

from __future__ import annotations

from scicat_ingest.preview.difference import FieldDifference, differing_fields


def test_only_what_differs_is_named_metadata_by_their_keys() -> None:
    """Fields that SciCat adds are no difference; a value that is not there is None."""
    here = {
        "datasetName": "after",
        "owner": "Ada",
        "keywords": ["a"],
        "scientificMetadata": {"T": {"value": 2, "unit": "K"}, "new": {"value": 1}, "same": {"value": 3}},
    }
    there = {
        "datasetName": "before",
        "owner": "Ada",
        "createdBy": "ingestor",
        "scientificMetadata": {"T": {"value": 1, "unit": "K"}, "old": {"value": 1}, "same": {"value": 3}},
    }
    found = {each.field: each for each in differing_fields(here, there)}
    assert found["datasetName"] == FieldDifference("datasetName", "before", "after")
    assert found["keywords"] == FieldDifference("keywords", None, ["a"])
    assert found["scientificMetadata.T"].here == {"value": 2, "unit": "K"}
    assert found["scientificMetadata.old"].here is None
    assert found["scientificMetadata.new"].there is None
    assert set(found) == {"datasetName", "keywords"} | {f"scientificMetadata.{name}" for name in ("T", "old", "new")}
