"""Look-ups, the pure part: what is asked for, and what the answers change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import dataset, decode, event, fault, payloads, plan, rules

from scicat_ingest.faults import ForbiddenBySource, InvalidField, InvalidSettings, MissingField
from scicat_ingest.mapping.acquisition import identify
from scicat_ingest.mapping.lookups import Instruments, Kind, LookedUp, Proposal, Wanted, what_to_look_up

ALL: dict[str, Any] = {"instrument": "on", "proposal": "on", "sample": "on"}
NAMED = {"name": "ODIN"}
ODIN = Wanted(Kind.INSTRUMENT, "ODIN")
P1001 = Wanted(Kind.PROPOSAL, "p1001")
SAMPLE = Wanted(Kind.SAMPLE, "s-17")
PROPOSAL = Proposal(("Lise Meitner",), ("lise@example.org", "office@example.org"), "pg1001", ("odin-staff", "guests"))
OWNER = {"lookups": {"proposal": "on"}, "owner_group": "{lookup.proposal.ownerGroup}"}


def wanted(change: dict[str, Any], **given: Any) -> list[Wanted]:
    return list(what_to_look_up(decode(event(**change)).event, rules(**({"lookups": ALL} | given))))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"instrument": NAMED, "sample": {"id": "s-17"}}, [ODIN, P1001, SAMPLE]),
        ({}, [P1001]),
        ({"instrument": NAMED | {"id": "odin-pid"}}, [P1001]),
        ({"instrument": NAMED | {"id": " "}}, [ODIN, P1001]),
        ({"instrument": NAMED, "dataset": {"instrumentIds": ["x"]}}, [P1001]),
        ({"instrument": {"name": " "}, "proposal": {"id": " "}, "sample": {"name": "powder"}}, []),
        ({"instrument": None, "proposal": None}, []),
        ({"status": "aborted"}, [P1001]),
        ({"status": "failed"}, []),
        ({"status": "cancelled"}, []),
    ],
)
def test_only_what_an_event_names_and_does_not_know_is_asked_for(
    change: dict[str, Any], expected: list[Wanted]
) -> None:
    """An instrument's own id wins; of an event that will not be ingested, nothing is."""
    assert wanted(change) == expected


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_is_turned_on_by_itself(kind: Kind) -> None:
    """And none is on by default; YAML's unquoted `on` will do."""
    change = {"instrument": NAMED, "sample": {"id": "s-17"}}
    assert wanted(change, lookups={}) == []
    assert [one.kind for one in wanted(change, lookups={kind: "on"})] == [kind]
    assert [one.kind for one in wanted(change, lookups={kind: True})] == [kind]


@pytest.mark.parametrize("change", [{"proposal": {"id": ".."}}, {"sample": {"id": "a/../b"}}])
def test_an_id_that_cannot_stand_in_a_url_is_refused(change: dict[str, Any]) -> None:
    """It would ask for something else."""
    with pytest.raises(InvalidField):
        wanted(change)
    assert plan(event(**change)), "nothing is wrong with it where it is not looked up"


def test_an_instruments_name_becomes_the_id_that_it_has_in_scicat() -> None:
    """One that the event gives wins, in either place."""
    found = LookedUp(instruments=Instruments(("pid-1",)))
    assert dataset(event(instrument=NAMED), looked_up=found)["instrumentIds"] == ["pid-1"]
    assert dataset(event(), looked_up=found)["instrumentIds"] == ["ODIN"]
    verbatim = event(instrument=NAMED, dataset={"instrumentIds": ["x"]})
    assert dataset(verbatim, looked_up=found)["instrumentIds"] == ["x"]
    assert "instrumentIds" not in dataset(event(instrument=NAMED))


def test_an_ambiguous_name_chooses_no_instrument_and_is_warned_of() -> None:
    """The dataset is ingested all the same, for the same people."""
    planned = plan(event(instrument=NAMED), looked_up=LookedUp(instruments=Instruments(("pid-1", "pid-2"))))
    assert "instrumentIds" not in planned.dataset.payload
    assert planned.dataset.payload["ownerGroup"] == "p1001"
    assert [warning for warning in planned.warnings if "pid-1, pid-2" in warning]


def test_the_proposal_tells_people_that_the_event_does_not() -> None:
    """The principal investigator is also the owner; the settings come last."""
    given: dict[str, Any] = {
        "looked_up": LookedUp(proposal=PROPOSAL),
        "owner": "team",
        "contact_email": "t@example.org",
    }
    got = dataset(event(owner=None), **given)
    assert got["principalInvestigators"] == ["Lise Meitner"]
    assert (got["owner"], got["contactEmail"]) == ("Lise Meitner", "lise@example.org")
    named = {"id": "p1001", "principalInvestigators": ["Otto Hahn"]}
    got = dataset(event(proposal=named), **given)
    assert got["principalInvestigators"] == ["Otto Hahn"]
    assert (got["owner"], got["contactEmail"]) == ("Ada Lovelace", "ada@example.org")


def test_an_address_of_the_proposal_that_scicat_does_not_take_gives_way() -> None:
    """To the proposer's, with a warning."""
    found = LookedUp(proposal=Proposal(("L",), ("lise@localhost", "office@example.org")))
    planned = plan(event(owner=None), looked_up=found)
    assert planned.dataset.payload["contactEmail"] == "office@example.org"
    assert [warning.partition(":")[0] for warning in planned.warnings] == ["proposal.id"]


def test_what_neither_event_nor_proposal_nor_settings_tell_is_a_fault() -> None:
    """As without look-ups."""
    assert fault(MissingField, event(owner=None), looked_up=LookedUp(proposal=Proposal())).field == "owner.name"


# Groups


@pytest.mark.parametrize(
    ("template", "proposal", "group"),
    [
        ("{lookup.proposal.ownerGroup}", PROPOSAL, "pg1001"),
        ("{lookup.proposal.ownerGroup|proposal.id}", PROPOSAL, "pg1001"),
        ("{lookup.proposal.ownerGroup|proposal.id}", Proposal(), "p1001"),
        ("g-{ lookup.proposal.ownerGroup }", PROPOSAL, "g-pg1001"),
        ("{lookup.proposal.ownerGroup}", Proposal(), "odin-staff"),
        ("{proposal.id}", PROPOSAL, "p1001"),
    ],
)
def test_the_owner_group_may_be_the_proposals(template: str, proposal: Proposal, group: str) -> None:
    """Blocks carry the same one; without one, it is the fallback."""
    found = LookedUp(proposal=proposal)
    planned = plan(event(), looked_up=found, lookups={"proposal": "on"}, owner_group=template)
    assert {payload["ownerGroup"] for payload in payloads(planned)} == {group}


def test_the_proposals_access_groups_are_given_all_or_not() -> None:
    """Beside other templates, each once."""
    given: dict[str, Any] = OWNER | {"access_groups": ["{lookup.proposal.accessGroups}", "guests", "{instrument.id}"]}
    assert dataset(event(), looked_up=LookedUp(proposal=PROPOSAL), **given)["accessGroups"] == [
        "odin-staff",
        "guests",
        "ODIN",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"owner_group": "{lookup.proposal.ownerGroup}"},
        {"owner_group": "{lookup.proposal.ownerGroup}", "lookups": {"instrument": "on", "sample": "on"}},
        {"access_groups": ["{lookup.proposal.accessGroups}"]},
        {"lookups": ALL, "owner_group": "{lookup.proposal.accessGroups}"},
        {"lookups": ALL, "owner_group": "{lookup.proposal.title}"},
        {"lookups": ALL, "access_groups": ["x-{lookup.proposal.accessGroups}"]},
        {"lookups": ALL, "creation_location": "{lookup.proposal.ownerGroup}"},
        {"lookups": ALL, "source": {"roots": ["/data/{lookup.proposal.ownerGroup}"]}},
    ],
)
def test_a_template_names_only_what_is_looked_up(given: dict[str, Any]) -> None:
    """Else it is a fault of the settings, at start."""
    with pytest.raises(InvalidSettings, match=r"which is not looked up here"):
        rules(**given)


def test_no_event_can_pretend_to_be_the_catalogue() -> None:
    """P11: a name that the event itself has under `lookup` fills no template."""
    forged = event(lookup={"proposal": {"ownerGroup": "admin", "accessGroups": ["admin"]}})
    got = dataset(forged, **OWNER, access_groups=["{lookup.proposal.accessGroups}"])
    assert got["ownerGroup"] == "odin-staff"
    assert "accessGroups" not in got


def test_an_event_may_ask_for_the_groups_that_its_proposal_has() -> None:
    """And for no other without the right to."""
    given: dict[str, Any] = OWNER | {"looked_up": LookedUp(proposal=PROPOSAL)}
    asked = event(groups={"owner": "pg1001", "access": ["guests"]})
    assert plan(asked, **given, access_groups=["{lookup.proposal.accessGroups}"]).warnings == ()
    assert fault(ForbiddenBySource, asked, **given).field == "groups.access[0]"
    assert fault(ForbiddenBySource, event(groups={"owner": "p1001"}), **given).field == "groups.owner"


# What is missing


@pytest.mark.parametrize("missing", [ODIN, P1001, SAMPLE])
def test_a_dataset_with_something_missing_is_for_the_fallback_group_alone(missing: Wanted) -> None:
    """And for us, to verify it; blocks and attachments too. The warning names what is missing."""
    planned = plan(
        event(instrument=NAMED, attachments=[{"caption": "a"}]),
        looked_up=LookedUp(missing=(missing,)),
        access_groups=["{instrument.name}"],
        instrument_group="{instrument.name}",
        scicat={"read_back_group": "ingestor"},
    )
    for payload in payloads(planned):
        assert (payload["ownerGroup"], payload["accessGroups"]) == ("odin-staff", ["ingestor"])
        assert "instrumentGroup" not in payload
    assert planned.dataset.payload["proposalIds"] == ["p1001"], "what the event says stays findable"
    (warning,) = planned.warnings
    assert warning.startswith(f"{missing.field}: {missing}")
    assert "'odin-staff'" in warning


def test_asking_for_what_the_templates_give_is_no_breach_when_something_is_missing() -> None:
    """It is not given, though; and what would be a breach remains one."""
    given: dict[str, Any] = {"looked_up": LookedUp(missing=(P1001,)), "access_groups": ["staff"]}
    got = dataset(event(groups={"owner": "p1001", "access": ["staff"]}), **given)
    assert got["ownerGroup"] == "odin-staff"
    assert "accessGroups" not in got
    assert fault(ForbiddenBySource, event(groups={"owner": "admin"}), **given).field == "groups.owner"
    allowed = {"may_set": ["ownerGroup"]}
    assert dataset(event(groups={"owner": "admin"}), **given, source=allowed)["ownerGroup"] == "odin-staff"


# The pid

TEXTS = st.text(max_size=5)
PROPOSALS = st.builds(
    Proposal,
    principal_investigators=st.lists(TEXTS, max_size=2).map(tuple),
    emails=st.lists(TEXTS, max_size=2).map(tuple),
    owner_group=st.none() | st.text(min_size=1, max_size=5),
    access_groups=st.lists(TEXTS, max_size=2).map(tuple),
)
LOOKED_UP = st.builds(
    LookedUp,
    instruments=st.lists(TEXTS, max_size=3).map(lambda pids: Instruments(tuple(pids))),
    proposal=PROPOSALS,
    missing=st.lists(st.sampled_from([ODIN, P1001, SAMPLE]), unique=True).map(tuple),
)


@given(LOOKED_UP)
def test_the_pid_never_depends_on_a_look_up(looked_up: LookedUp) -> None:
    """It is known before, and the same whatever comes of them."""
    value = event(instrument=NAMED, sample={"id": "s-17"})
    pid = identify(decode(value).event, rules())
    assert plan(value).pid == pid
    assert plan(value, looked_up=looked_up, lookups=ALL).pid == pid


def test_the_digest_tells_what_is_looked_up() -> None:
    """Without look-ups it is what it always was; how long answers are kept does not matter."""
    assert rules(lookups={"ttl_seconds": 5, "on_missing": "dead_letter"}).digest == rules().digest
    on = [rules(lookups={kind: "on"}).digest for kind in Kind]
    strict = rules(lookups={"sample": "on", "on_missing": "dead_letter"}).digest
    assert len({rules().digest, *on, strict}) == 5
    assert rules(lookups={"sample": "on", "ttl_seconds": 5}).digest == rules(lookups={"sample": "on"}).digest
