"""The pid rule: one acquisition gives one pid."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import NAMESPACE, PREFIX, dataset, event, fault, plan

from scicat_ingest.faults import ForbiddenBySource, InvalidField
from scicat_ingest.mapping.pid import canonical_json, derive_pid, is_addressable

UUID_TEXT = "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10"


@pytest.mark.parametrize("spelling", [UUID_TEXT, UUID_TEXT.upper(), UUID_TEXT.title()])
def test_an_acquisition_id_that_is_a_uuid_is_the_suffix(spelling: str) -> None:
    """In lower case, so that no repeat in another case makes a second dataset."""
    assert plan(event(acquisitionId=spelling)).pid == f"{PREFIX}/{UUID_TEXT}"


def test_another_acquisition_id_is_hashed_with_its_instrument() -> None:
    """UUIDv5 of the facility's namespace and the canonical JSON array [instrument, acquisitionId]."""
    expected = uuid5(NAMESPACE, '["ODIN","odin-000042"]')
    assert plan(event()).pid == f"{PREFIX}/{expected}" == dataset(event())["pid"]


def test_the_instrument_is_its_id_else_its_name_else_none() -> None:
    """A blank one is none; JSON's null stands for it."""
    by_id = plan(event(instrument={"id": "ODIN", "name": "imaging"})).pid
    assert by_id == plan(event(instrument={"id": "ODIN"})).pid == plan(event(instrument={"name": "ODIN"})).pid
    without = f"{PREFIX}/" + str(uuid5(NAMESPACE, '[null,"odin-000042"]'))
    for instrument in (None, {}, {"id": ""}, {"id": " ", "name": ""}):
        assert plan(event(instrument=instrument)).pid == without


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x"},
        {"source": {"folder": "/elsewhere", "host": "files.example.org"}},
        {"endedAt": "2020-01-01T00:00:00Z"},
        {"revision": 3},
        {"proposal": {"id": "p2"}},
        {"files": None, "noFiles": True},
        {"status": "aborted"},
    ],
)
def test_nothing_else_goes_into_the_pid(change: dict[str, Any]) -> None:
    """Neither path, host, time nor revision: a correction finds its dataset."""
    assert plan(event(**change)).pid == plan(event()).pid


def test_an_event_may_give_a_pid_inside_its_prefix() -> None:
    """Under the event's own name or SciCat's, which wins."""
    assert plan(event(pid=f"{PREFIX}/mine")).pid == f"{PREFIX}/mine"
    both = event(pid=f"{PREFIX}/mine", dataset={"pid": f"{PREFIX}/theirs/1"})
    assert plan(both).pid == f"{PREFIX}/theirs/1" == dataset(both)["pid"]


@pytest.mark.parametrize("pid", ["10.1/x", PREFIX, f"{PREFIX}/", f"{PREFIX}/ ", f"{PREFIX}1/x", f" {PREFIX}/x", "x"])
def test_a_pid_outside_the_prefix_needs_a_right(pid: str) -> None:
    """By either name, also when the other one wins."""
    assert fault(ForbiddenBySource, event(pid=pid)).field == "pid"
    got = fault(ForbiddenBySource, event(dataset={"pid": pid}))
    assert (got.code, got.field) == ("forbidden_by_source", "dataset.pid")
    assert fault(ForbiddenBySource, event(pid=pid, dataset={"pid": f"{PREFIX}/x"})).field == "pid"
    assert plan(event(pid=pid), source={"may_set": ["pid"]}).pid == pid


def test_a_source_has_a_prefix_of_its_own() -> None:
    """For derived pids and for given ones."""
    source = {"pid_prefix": "20.500.99999"}
    assert plan(event(), source=source).pid.startswith("20.500.99999/")
    assert fault(ForbiddenBySource, event(pid=f"{PREFIX}/x"), source=source).field == "pid"


@pytest.mark.parametrize(
    "pid", ["", " ", ".", "..", f"{PREFIX}/..", f"{PREFIX}/../x", f"{PREFIX}/a/./b", "a\x00", "a\n"]
)
def test_a_pid_that_cannot_stand_in_a_url_is_refused(pid: str) -> None:
    """Whatever the source may set: `..` vanishes from a path, and then something else is addressed."""
    got = fault(InvalidField, event(dataset={"pid": pid}), source={"may_set": ["pid"]})
    assert (got.code, got.field) == ("invalid_field", "dataset.pid")


@pytest.mark.parametrize("pid", [17, True, ["x"], {"a": 1}, 1.5])
def test_a_pid_of_another_type_is_refused(pid: object) -> None:
    """`dataset` is not typed when it is decoded; its pid is."""
    assert fault(InvalidField, event(dataset={"pid": pid})).field == "dataset.pid"


def test_inputs_are_resolved_by_the_same_rule() -> None:
    """Producers cannot know a hashed pid; they name the acquisition."""
    inputs = ["10.1/x", {"instrument": "ODIN", "acquisitionId": "odin-000042"}, {"acquisitionId": UUID_TEXT.upper()}]
    got = dataset(event(acquisitionId="b", type="derived", inputDatasets=inputs, usedSoftware=["scipp"]))
    assert got["inputDatasets"] == ["10.1/x", plan(event()).pid, f"{PREFIX}/{UUID_TEXT}"]


def test_a_reference_without_an_instrument_finds_an_acquisition_without_one() -> None:
    """A blank instrument is none on both sides."""
    target = plan(event(instrument=None)).pid
    for reference in ({"acquisitionId": "odin-000042"}, {"acquisitionId": "odin-000042", "instrument": " "}):
        assert dataset(event(inputDatasets=[reference]))["inputDatasets"] == [target]


def test_canonical_json_is_utf8_without_spaces() -> None:
    """RFC 8785; other implementations can compute the same pid."""
    assert canonical_json("é", None, '"\\\n').decode() == '["é",null,"\\"\\\\\\n"]'


@given(st.one_of(st.none(), st.text()), st.text(min_size=1))
def test_a_pid_is_the_same_every_time_and_addressable(instrument: str | None, acquisition: str) -> None:
    """Whatever text the ids are."""
    got = derive_pid(PREFIX, NAMESPACE, instrument, acquisition)
    assert got == derive_pid(PREFIX, NAMESPACE, instrument, acquisition)
    assert is_addressable(got)
    assert str(UUID(got.removeprefix(f"{PREFIX}/"))) == got.removeprefix(f"{PREFIX}/")


def test_the_pid_is_the_same_in_every_record() -> None:
    """Neither its time nor its topic matter."""
    assert plan(event(), timestamp_ms=0).pid == plan(event(), timestamp_ms=5, source={"topic": "other"}).pid
