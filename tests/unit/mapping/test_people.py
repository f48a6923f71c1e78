"""Owner and contact: the first that is there and that SciCat takes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.acquisition_events import dataset, event, fault, plan

from scicat_ingest.faults import InvalidField, MissingField

PI = {"id": "p1001", "principalInvestigators": ["Lise Meitner", "Otto Hahn"]}
NOBODY: dict[str, Any] = {"owner": None, "contactEmail": "x@example.org"}


@pytest.mark.parametrize(
    ("change", "owner"),
    [
        ({"proposal": PI, "dataset": {"owner": "D"}}, "D"),
        ({"proposal": PI, "dataset": {"owner": ""}}, "Ada Lovelace"),
        ({"proposal": PI}, "Ada Lovelace"),
        (NOBODY | {"proposal": PI}, "Lise Meitner"),
        (NOBODY | {"owner": {"name": " "}, "proposal": PI}, "Lise Meitner"),
        (NOBODY | {"proposal": {"principalInvestigators": ["", "Otto Hahn"]}}, "Otto Hahn"),
        (NOBODY, "the team"),
    ],
)
def test_the_owner_is_named_by_the_event_else_the_settings(change: dict[str, Any], owner: str) -> None:
    """owner.name, the first principal investigator, mapping.owner; SciCat's own name wins."""
    assert dataset(event(**change), owner="the team")["owner"] == owner


def test_an_event_without_owner_is_refused() -> None:
    """SciCat answers 500 without one."""
    got = fault(MissingField, event(**NOBODY))
    assert got.field == "owner.name"
    assert "or set mapping.owner" in got.hint
    assert fault(InvalidField, event(dataset={"owner": ["A"]})).field == "dataset.owner"


@pytest.mark.parametrize(
    ("change", "contact", "doubted"),
    [
        ({"contactEmail": "c@example.org", "dataset": {"contactEmail": "d@example.org"}}, "d@example.org", []),
        ({"contactEmail": "c@example.org"}, "c@example.org", []),
        ({"contactEmail": "a@example.org;b@example.org"}, "a@example.org;b@example.org", []),
        ({}, "ada@example.org", []),
        ({"contactEmail": ""}, "ada@example.org", []),
        ({"contactEmail": "nonsense"}, "ada@example.org", ["contactEmail"]),
        ({"contactEmail": "root@localhost"}, "ada@example.org", ["contactEmail"]),
        ({"owner": {"name": "A", "email": "ada@"}}, "team@example.org", ["owner.email"]),
        ({"dataset": {"contactEmail": 5}}, "ada@example.org", ["dataset.contactEmail"]),
        ({"owner": {"name": "A"}}, "team@example.org", []),
        ({"contactEmail": ";".join(["a@example.org"] * 100_000)}, "ada@example.org", ["contactEmail"]),
    ],
)
def test_the_contact_is_the_first_address_that_scicat_takes(
    change: dict[str, Any], contact: str, doubted: list[str]
) -> None:
    """A malformed one gives way to the next, with a short warning."""
    planned = plan(event(**change), contact_email="team@example.org")
    assert planned.dataset.payload["contactEmail"] == contact
    assert [warning.partition(":")[0] for warning in planned.warnings] == doubted
    assert all(len(warning) < 250 for warning in planned.warnings)


def test_an_event_without_any_address_is_refused_with_the_reason() -> None:
    """SciCat needs one; the message has the address that it would not take."""
    got = fault(MissingField, event(owner={"name": "A"}))
    assert got.field == "contactEmail"
    assert "or set mapping.contact_email" in got.hint
    got = fault(MissingField, event(owner={"name": "A"}, contactEmail="nonsense"))
    assert '"nonsense"' in got.message


def test_the_owners_address_is_kept_apart() -> None:
    """OwnerEmail is the owner's own, or none."""
    assert dataset(event(contactEmail="c@example.org"))["ownerEmail"] == "ada@example.org"
    assert dataset(event(dataset={"ownerEmail": "d@example.org"}))["ownerEmail"] == "d@example.org"
    assert "ownerEmail" not in dataset(event(owner={"name": "A"}, contactEmail="c@example.org"))


def test_investigators_and_orcid_are_passed_on() -> None:
    """The main one first."""
    got = dataset(event(proposal=PI, owner={"name": "A", "email": "a@example.org", "orcid": "0000-0002-1825-0097"}))
    assert got["principalInvestigators"] == ["Lise Meitner", "Otto Hahn"]
    assert got["orcidOfOwner"] == "0000-0002-1825-0097"
