"""Techniques and ORCID iDs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import dataset, event, plan

from scicat_ingest.faults import InvalidMetadata
from scicat_ingest.mapping.lint import is_orcid, lint_techniques

BASE = "http://purl.org/pan-science/PaNET/"
SANS = {"pid": f"{BASE}PaNET01189", "name": "small angle neutron scattering"}


@pytest.mark.parametrize("name", [SANS["name"], "SANS", "Small Angle  Neutron Scattering"])
def test_a_technique_as_in_panet_is_left_alone(name: str) -> None:
    """Any of its labels is a good name."""
    assert lint_techniques([SANS | {"name": name}], "techniques", "strip") == ([SANS | {"name": name}], [])


@pytest.mark.parametrize(
    ("given_technique", "wrong"),
    [
        ({"pid": "SANS", "name": "SANS"}, ["techniques[0].pid"]),
        ({"pid": "PaNET01189", "name": "SANS"}, ["techniques[0].pid"]),
        ({"pid": SANS["pid"].replace("http:", "https:"), "name": "SANS"}, ["techniques[0].pid"]),
        ({"pid": "https://example.org/sans", "name": "sans"}, ["techniques[0].pid"]),
        (SANS | {"name": "small angle x-ray scattering"}, ["techniques[0].name"]),
        (SANS | {"name": "my favourite"}, ["techniques[0].name"]),
        (SANS | {"name": SANS["pid"]}, ["techniques[0].name"]),
        ({"pid": "SANS", "name": "SAXS"}, ["techniques[0].pid", "techniques[0].name"]),
    ],
)
def test_another_spelling_is_a_finding_and_can_be_mended(given_technique: dict[str, Any], wrong: list[str]) -> None:
    """Warn keeps it and says so."""
    kept, warnings = lint_techniques([given_technique], "techniques", "warn")
    assert kept == [given_technique]
    assert [warning.partition(":")[0] for warning in warnings] == wrong
    (mended,), warnings = lint_techniques([given_technique], "techniques", "strip")
    assert mended["pid"] == SANS["pid"]
    assert [warning.partition(":")[0] for warning in warnings] == wrong
    assert lint_techniques([mended], "techniques", "strip") == ([mended], [])


def test_an_unknown_technique_is_left_out_or_kept_or_refused() -> None:
    """As the policy says; the others keep their numbers."""
    unknown = {"pid": f"{BASE}PaNET99999", "name": "tea"}
    assert lint_techniques([unknown, SANS], "techniques", "off") == ([unknown, SANS], [])
    assert lint_techniques([unknown, SANS], "techniques", "warn")[0] == [unknown, SANS]
    kept, warnings = lint_techniques([unknown, SANS], "techniques", "strip")
    assert kept == [SANS]
    assert warnings == [
        f'techniques[0].pid: the bundled PaNET list has no such technique, got "{BASE}PaNET99999"; it was left out'
    ]
    with pytest.raises(InvalidMetadata) as caught:
        lint_techniques([SANS, unknown], "techniques", "reject")
    assert caught.value.field == "techniques[1].pid"


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "pid": st.sampled_from(["SANS", "x", "imaging", "PaNET2020070", SANS["pid"]]),
                "name": st.sampled_from(["SAXS", "imaging", "x", SANS["name"]]),
            }
        )
    )
)
def test_what_was_mended_has_no_finding(techniques: list[dict[str, Any]]) -> None:
    """Also where two techniques have the same label."""
    mended, _ = lint_techniques(techniques, "techniques", "strip")
    assert lint_techniques(mended, "techniques", "strip") == (mended, [])


@pytest.mark.parametrize(
    "orcid",
    [
        "0000-0002-1825-0097",
        "0000-0002-1694-233X",
        "https://orcid.org/0000-0001-5109-3700",
        "http://www.orcid.org/0000-0002-1825-0097",
    ],
)
def test_an_orcid_with_the_right_checksum_is_one(orcid: str) -> None:
    """With and without the address in front."""
    assert is_orcid(orcid)


@pytest.mark.parametrize(
    "orcid",
    [
        "0000-0002-1825-0098",
        "0000-0002-1694-233x",
        "0000000218250097",
        "",
        "orcid.org/0000-0002-1825-0097",
        "\u0660000-0002-1825-0097",
        "0000-0002-1825-0097\n",
        "x" * 10**6,
    ],
)
def test_anything_else_is_not(orcid: str) -> None:
    """A wrong digit, another form."""
    assert not is_orcid(orcid)


@given(st.integers(0, 10**15 - 1), st.integers(0, 14), st.integers(1, 9))
def test_a_wrong_digit_is_always_found(number: int, place: int, change: int) -> None:
    """That is what the checksum is for."""
    digits = f"{number:015d}"
    spelt = [f"{digits[:4]}-{digits[4:8]}-{digits[8:12]}-{digits[12:]}{last}" for last in "0123456789X"]
    (good,) = filter(is_orcid, spelt)
    place += place // 4
    wrong = good[:place] + str((int(good[place]) + change) % 10) + good[place + 1 :]
    assert not is_orcid(wrong)


def test_the_events_own_names_are_linted_under_their_paths() -> None:
    """Both in the event's words and in SciCat's; what has another type is left for SciCat's own rules."""
    owner = {"name": "A", "email": "a@example.org", "orcid": "0000-0002-1825-0098"}
    planned = plan(event(owner=owner, techniques=[{"pid": "SANS", "name": "SANS"}]))
    assert planned.dataset.payload["orcidOfOwner"] == "0000-0002-1825-0098"
    assert [warning.partition(":")[0] for warning in planned.warnings] == ["owner.orcid", "techniques[0].pid"]
    planned = plan(event(dataset={"orcidOfOwner": "x", "techniques": [{"pid": "SANS", "name": "SANS"}]}))
    assert [warning.partition(":")[0] for warning in planned.warnings] == [
        "dataset.orcidOfOwner",
        "dataset.techniques[0].pid",
    ]


def test_policies_of_the_settings_count() -> None:
    """Strip takes PaNET's IRI and drops what is no iD."""
    owner = {"name": "A", "email": "a@example.org", "orcid": "x"}
    got = dataset(
        event(owner=owner, techniques=[{"pid": "SANS", "name": "SANS"}]), lint={"orcid": "strip", "techniques": "strip"}
    )
    assert "orcidOfOwner" not in got
    assert got["techniques"] == [{"pid": SANS["pid"], "name": "SANS"}]
