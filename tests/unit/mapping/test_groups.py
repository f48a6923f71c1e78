"""Who may see the dataset: templates, the restricted fallback, and what a source may set (P11)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.acquisition_events import PNG, dataset, event, fault, payloads, plan

from scicat_ingest.faults import ForbiddenBySource, InvalidField


def may(*names: str) -> dict[str, Any]:
    return {"may_set": list(names)}


@pytest.mark.parametrize(
    ("template", "group"),
    [
        ("{proposal.id}", "p1001"),
        ("ess_proposal_{proposal.id}", "ess_proposal_p1001"),
        ("{sample.id|proposal.id}", "p1001"),
        ("{proposal.id}-{instrument.id}", "p1001-ODIN"),
    ],
)
def test_the_owner_group_is_a_template_over_the_event(template: str, group: str) -> None:
    """Blocks and attachments carry the same one."""
    planned = plan(event(attachments=[{"caption": "a"}]), owner_group=template)
    assert [payload["ownerGroup"] for payload in payloads(planned)] == [group] * 3


@pytest.mark.parametrize("proposal", [None, {}, {"id": ""}, {"id": " "}])
def test_without_a_proposal_the_dataset_is_the_restricted_groups(proposal: Any) -> None:
    """Never public, and never a group that a half-filled template names."""
    planned = plan(event(proposal=proposal), owner_group="p{proposal.id}")
    got = planned.dataset.payload
    assert (got["ownerGroup"], got["isPublished"], "accessGroups" in got) == ("odin-staff", False, False)
    assert planned.warnings == ("ownerGroup: the event does not fill the template, so it is 'odin-staff'",)


def test_access_and_instrument_groups_are_templates() -> None:
    """Those that the event does not fill are left out; each stands once; the read-back group is the last."""
    templates: dict[str, Any] = {
        "access_groups": ["{instrument.id}-staff", "{sample.id}", "all-staff", "ODIN-staff"],
        "instrument_group": "{instrument.id}",
        "scicat": {"read_back_group": "ingestor"},
    }
    planned = plan(event(attachments=[{"caption": "a"}]), **templates)
    for payload in payloads(planned):
        assert payload["accessGroups"] == ["ODIN-staff", "all-staff", "ingestor"]
        assert payload["instrumentGroup"] == "ODIN"


def test_an_event_may_ask_for_what_the_templates_give() -> None:
    """Under either name, without any right."""
    asked = event(
        groups={"owner": "p1001", "access": ["staff", "p1001", "ingestor"], "instrument": "ODIN"},
        dataset={"ownerGroup": "p1001", "accessGroups": ["staff"], "instrumentGroup": "ODIN"},
    )
    given: dict[str, Any] = {
        "access_groups": ["staff", "other"],
        "instrument_group": "{instrument.id}",
        "scicat": {"read_back_group": "ingestor"},
    }
    planned = plan(asked, **given)
    assert planned.dataset.payload["accessGroups"] == ["staff", "ingestor"]
    assert planned.warnings == ("groups.access: dataset.accessGroups was given too and replaces it",)


@pytest.mark.parametrize(
    ("change", "field", "right"),
    [
        ({"groups": {"owner": "admin"}}, "groups.owner", "ownerGroup"),
        ({"groups": {"access": ["p1001", "admin"]}}, "groups.access[1]", "accessGroups"),
        ({"groups": {"instrument": "admin"}}, "groups.instrument", "instrumentGroup"),
        ({"dataset": {"ownerGroup": "admin"}}, "dataset.ownerGroup", "ownerGroup"),
        ({"dataset": {"accessGroups": ["admin"]}}, "dataset.accessGroups[0]", "accessGroups"),
        ({"dataset": {"instrumentGroup": "admin"}}, "dataset.instrumentGroup", "instrumentGroup"),
        ({"dataset": {"sharedWith": ["x@example.org"]}}, "dataset.sharedWith", "sharedWith"),
        ({"dataset": {"isPublished": True}}, "dataset.isPublished", "isPublished"),
        ({"dataset": {"datasetlifecycle": {"archivable": False}}}, "dataset.datasetlifecycle", "datasetlifecycle"),
        ({"attachments": [{"caption": "a", "isPublished": True}]}, "attachments[0].isPublished", "isPublished"),
        ({"origdatablock": {"ownerGroup": "admin"}}, "origdatablock.ownerGroup", "ownerGroup"),
        ({"origdatablock": {"accessGroups": ["admin"]}}, "origdatablock.accessGroups", "accessGroups"),
        ({"origdatablock": {"instrumentGroup": "admin"}}, "origdatablock.instrumentGroup", "instrumentGroup"),
        ({"origdatablock": {"isPublished": True}}, "origdatablock.isPublished", "isPublished"),
        ({"groups": {"owner": "admin"}, "dataset": {"ownerGroup": "p1001"}}, "groups.owner", "ownerGroup"),
        ({"groups": {"access": ["admin"]}, "dataset": {"accessGroups": []}}, "groups.access[0]", "accessGroups"),
        ({"groups": {"owner": "p1001"}, "dataset": {"ownerGroup": "admin"}}, "dataset.ownerGroup", "ownerGroup"),
    ],
)
def test_a_protected_field_needs_a_right(change: dict[str, Any], field: str, right: str) -> None:
    """A breach is a record fault, never a silent drop; the right for it, and no other, lets it pass."""
    got = fault(ForbiddenBySource, event(**change))
    assert (got.code, got.field) == ("forbidden_by_source", field)
    others = {"ownerGroup", "accessGroups", "instrumentGroup", "sharedWith", "isPublished", "datasetlifecycle", "pid"}
    assert fault(ForbiddenBySource, event(**change), source=may(*sorted(others - {right}))).field == field
    assert plan(event(**change), source=may(right))


def test_a_right_lets_the_event_decide() -> None:
    """SciCat's own name wins, with a warning where the two differ; nothing of the templates is kept against it."""
    change = {"groups": {"owner": "g1", "access": ["g2"]}, "dataset": {"ownerGroup": "d1"}, "proposal": {}}
    planned = plan(event(**change), source=may("ownerGroup", "accessGroups"), access_groups=["staff"])
    got = planned.dataset.payload
    assert (got["ownerGroup"], got["accessGroups"]) == ("d1", ["staff", "g2"])
    assert planned.warnings == ("groups.owner: dataset.ownerGroup was given too and replaces it",)
    assert {block.payload["ownerGroup"] for block in planned.blocks} == {"d1"}
    assert "accessGroups" not in dataset(event(dataset={"accessGroups": []}), access_groups=["staff"])


def test_what_grants_nothing_needs_no_right() -> None:
    """False, empty and null are what the service gives anyway."""
    plain = {"isPublished": False, "sharedWith": [], "datasetlifecycle": None, "ownerGroup": None}
    change = {"dataset": plain, "origdatablock": {"isPublished": False, "ownerGroup": "p1001"}}
    assert plan(event(attachments=[{"caption": "a", "isPublished": False}], **change)).warnings == ()


def test_attachments_of_a_published_dataset_may_be_published() -> None:
    """The right is the dataset's."""
    change = {
        "dataset": {"isPublished": True},
        "attachments": [{"caption": "a", "thumbnail": PNG, "isPublished": True}],
    }
    assert plan(event(**change), source=may("isPublished")).attachments[0].payload["isPublished"] is True


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"groups": {"owner": ""}}, "groups.owner"),
        ({"groups": {"owner": " "}}, "groups.owner"),
        ({"groups": {"instrument": "\t"}}, "groups.instrument"),
        ({"groups": {"access": ["p1001", ""]}}, "groups.access"),
        ({"dataset": {"ownerGroup": " "}}, "dataset.ownerGroup"),
        ({"dataset": {"ownerGroup": 5}}, "dataset.ownerGroup"),
        ({"dataset": {"ownerGroup": ["p1001"]}}, "dataset.ownerGroup"),
        ({"dataset": {"accessGroups": "p1001"}}, "dataset.accessGroups"),
        ({"dataset": {"accessGroups": [["p1001"]]}}, "dataset.accessGroups"),
        ({"dataset": {"accessGroups": {"p1001": 1}}}, "dataset.accessGroups"),
        ({"dataset": {"instrumentGroup": False}}, "dataset.instrumentGroup"),
    ],
)
def test_a_group_without_a_name_is_refused(change: dict[str, Any], field: str) -> None:
    """SciCat takes an empty ownerGroup; nobody could read the dataset then."""
    rights = may("ownerGroup", "accessGroups", "instrumentGroup")
    assert fault(InvalidField, event(**change), source=rights).field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"instrument": None}, "instrument"),
        ({"instrument": {"id": "LOKI"}}, "instrument"),
        ({"instrument": {"id": " ", "name": "LOKI"}}, "instrument"),
        ({"dataset": {"instrumentIds": ["ODIN", "LOKI"]}}, "dataset.instrumentIds"),
    ],
)
def test_a_source_takes_only_its_own_instruments(change: dict[str, Any], field: str) -> None:
    """By id or name, also in SciCat's own field."""
    source = {"instruments": ["ODIN"]}
    assert plan(event(), source=source)
    assert plan(event(instrument={"name": "ODIN"}), source=source)
    assert plan(event(dataset={"instrumentIds": ["ODIN"]}), source=source)
    got = fault(ForbiddenBySource, event(**change), source=source)
    assert (got.code, got.field) == ("forbidden_by_source", field)


@pytest.mark.parametrize("value", [5, "ODIN", [["ODIN"]], [{}], {"ODIN": 1}, [None], True])
def test_instrument_ids_of_another_type_are_refused(value: object) -> None:
    """The allow-list is not led astray by a string or an object."""
    got = fault(InvalidField, event(dataset={"instrumentIds": value}), source={"instruments": ["ODIN"]})
    assert got.field == "dataset.instrumentIds"
