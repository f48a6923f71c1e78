"""Templates are configuration; the values that fill them are data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import decode, event, rules

from scicat_ingest.faults import InvalidSettings
from scicat_ingest.mapping.template import check_template, fill_template


def fill(template: str, **change: Any) -> str | None:
    return fill_template(template, decode(event(**change)).event)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{instrument.id}", "ODIN"),
        ("/ESS/{ instrument.id }/{proposal.id}", "/ESS/ODIN/p1001"),
        ("{instrument.name|instrument.id}", "ODIN"),
        ("{instrument.name}", None),
        ("x{sample.id}", None),
        ("{revision}", "3"),
        ("{runNumber}", "42"),
        ("{noFiles|keywords|metadata|files|proposal}", None),
        ("{metadata.cycle.name}", "2026-1"),
        ("{metadata.missing.name}", None),
        ("{extensions.n}", "7"),
    ],
)
def test_a_template_is_filled_from_the_event(template: str, filled: str | None) -> None:
    """With texts and integers; one that lacks a value gives nothing at all."""
    metadata = {"cycle": {"name": "2026-1"}}
    got = fill(template, revision=3, runNumber=42, metadata=metadata, extensions={"n": 7}, keywords=["a"])
    assert got == filled


@pytest.mark.parametrize("template", ["{", "}", "{a", "{{instrument.id}}", "{instrument.id}}"])
def test_a_stray_brace_is_a_fault_of_the_settings(template: str) -> None:
    """Jinja's double braces are none of ours."""
    with pytest.raises(InvalidSettings, match="brace without its partner"):
        check_template(template, "mapping.owner_group")


@pytest.mark.parametrize(
    "template", ["{proposalId}", "{proposal.ID}", "{}", "{proposal.}", "{proposal.id|x}", "{__class__}"]
)
def test_a_field_that_no_event_has_is_a_fault_of_the_settings(template: str) -> None:
    """The message names the setting and what there is."""
    with pytest.raises(InvalidSettings, match=r"mapping.owner_group: .* which no event has \(there is: "):
        check_template(template, "mapping.owner_group")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("owner_group", "{x}"),
        ("access_groups", ["ok", "{x}"]),
        ("instrument_group", "{x}"),
        ("creation_location", "{x}"),
        ("source", {"roots": ["/data/{x}"]}),
    ],
)
def test_every_template_is_checked_at_start(name: str, value: Any) -> None:
    """And not when the first event comes."""
    with pytest.raises(InvalidSettings):
        rules(**{name: value})


def test_a_contact_that_scicat_refuses_is_a_fault_of_the_settings() -> None:
    """Else every event without one would become a dead letter."""
    with pytest.raises(InvalidSettings, match=r"mapping\.contact_email"):
        rules(contact_email="root@localhost")


@given(st.text(min_size=1).filter(str.strip), st.text(st.sampled_from("{}|.%$ abi"), min_size=1).filter(str.strip))
def test_values_are_never_looked_at_again(proposal: str, sample: str) -> None:
    """Template syntax in an event stays text."""
    change = {"proposal": {"id": proposal}, "sample": {"id": sample}}
    assert fill("<{proposal.id}|{sample.id}>", **change) == f"<{proposal}|{sample}>"


def test_the_digest_tells_mappings_apart() -> None:
    """The same settings give the same digest; each setting that shapes datasets changes it."""
    assert rules().digest == rules(limits={"max_concurrency": 3}, source={"may_set": []}).digest
    sets = {"may_set": ["pid", "isPublished"], "instruments": ["a", "b", "c"]}
    again = {"may_set": ["isPublished", "pid"], "instruments": ["c", "b", "a"]}
    assert rules(source=sets).digest == rules(source=again).digest
    digests = [
        rules(),
        rules(source=sets),
        rules(owner="x"),
        rules(timezone="Europe/Berlin"),
        rules(source={"topic": "t"}),
    ]
    assert len({each.digest for each in digests}) == 5
