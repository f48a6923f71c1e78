"""v3's spelling of a dataset and an attachment: what is lost on the way is said."""

from __future__ import annotations

from typing import Any

import pytest

from scicat_ingest.catalogue.v3 import attachment_for_v3, dataset_for_v3

RAW: dict[str, Any] = {"type": "raw", "owner": "Ada Lovelace", "datasetName": "x"}
DERIVED: dict[str, Any] = RAW | {"type": "derived"}


def test_a_list_of_ids_becomes_the_first() -> None:
    """v3 refuses the plural names; the others are told."""
    given = RAW | {"proposalIds": ["p1", "p2", "p3"], "sampleIds": [], "instrumentIds": ["i1"]}
    respelt, warnings = dataset_for_v3(given)
    assert (respelt["proposalId"], respelt["instrumentId"], "sampleId" in respelt) == ("p1", "i1", False)
    assert not {"proposalIds", "sampleIds", "instrumentIds"} & respelt.keys()
    assert warnings == [
        "proposalIds: SciCat's v3 route keeps only the first, 'p2' is dropped",
        "proposalIds: SciCat's v3 route keeps only the first, 'p3' is dropped",
    ]


@pytest.mark.parametrize(("payload", "field"), [(RAW, "principalInvestigator"), (DERIVED, "investigator")])
def test_the_investigators_become_one_text(payload: dict[str, Any], field: str) -> None:
    """The owner stands in for none: v3 needs one."""
    assert dataset_for_v3(payload | {"principalInvestigators": ["A", "B"]})[0][field] == "A, B"
    assert dataset_for_v3(payload)[0][field] == "Ada Lovelace"


def test_a_raw_dataset_needs_a_creation_location() -> None:
    """`unknown` stands in for none."""
    assert dataset_for_v3(RAW)[0]["creationLocation"] == "unknown"
    assert dataset_for_v3(RAW | {"creationLocation": "/here"})[0]["creationLocation"] == "/here"


def test_a_derived_dataset_loses_what_v3_has_no_place_for() -> None:
    """With a warning for each."""
    given = DERIVED | {"creationLocation": "/here", "startTime": "t", "instrumentIds": ["i"], "inputDatasets": ["x"]}
    respelt, warnings = dataset_for_v3(given)
    assert respelt == {
        "type": "derived",
        "owner": "Ada Lovelace",
        "datasetName": "x",
        "investigator": "Ada Lovelace",
        "inputDatasets": ["x"],
        "usedSoftware": [],
    }
    assert [warning.partition(":")[0] for warning in warnings] == ["creationLocation", "startTime", "instrumentId"]


def test_another_type_keeps_v4s_spelling() -> None:
    """v3 expects just that."""
    given = RAW | {"type": "simulated", "proposalIds": ["p1"]}
    assert dataset_for_v3(given) == (given, [])


def test_an_attachment_loses_its_id_and_further_targets() -> None:
    """The path of the request says what it belongs to."""
    targets = [{"targetId": "a", "targetType": "dataset"}, {"targetId": "p", "targetType": "proposal"}]
    given = {"aid": "a", "caption": "c", "ownerGroup": "g", "isPublished": True, "relationships": targets}
    respelt, warnings = attachment_for_v3(given)
    assert respelt == {"caption": "c", "ownerGroup": "g"}
    assert len(warnings) == 2


def test_the_payload_is_not_changed() -> None:
    """It is posted again if v4 comes back."""
    given = DERIVED | {"proposalIds": ["p1"], "creationLocation": "/here"}
    before = dict(given)
    dataset_for_v3(given)
    assert given == before
