"""Previews: ids that stay, the dataset's groups, and bad ones left out."""

from __future__ import annotations

from typing import Any
from uuid import uuid5

import pytest
from tests.unit.acquisition_events import NAMESPACE, PNG, event, fault, plan

from scicat_ingest.faults import InvalidField
from scicat_ingest.mapping.pid import canonical_json


def attachments(*given: dict[str, Any], **settings: Any) -> tuple[list[dict[str, Any]], list[str]]:
    planned = plan(event(attachments=list(given)), **settings)
    return [dict(step.payload) for step in planned.attachments], list(planned.warnings)


def test_an_attachment_belongs_to_its_dataset() -> None:
    """With its groups, unpublished, and related to it."""
    (got,), warnings = attachments(
        {"caption": "sum", "thumbnail": PNG}, instrument_group="odin", access_groups=["staff"]
    )
    pid = plan(event()).pid
    assert got == {
        "aid": got["aid"],
        "caption": "sum",
        "thumbnail": PNG,
        "ownerGroup": "p1001",
        "accessGroups": ["staff"],
        "instrumentGroup": "odin",
        "isPublished": False,
        "relationships": [{"targetId": pid, "targetType": "dataset", "relationType": "is attached to"}],
    }
    assert warnings == []


def test_the_id_is_derived_from_pid_caption_and_content() -> None:
    """So that a repeat is recognised, and another picture is another attachment."""
    pid = plan(event()).pid
    (first, second, third), _ = attachments({"caption": "a", "thumbnail": PNG}, {"caption": "a"}, {"caption": "b"})
    assert first["aid"] == str(uuid5(NAMESPACE, canonical_json(pid, "a", PNG).decode()))
    assert second["aid"] == str(uuid5(NAMESPACE, f'["{pid}","a",null]'))
    assert len({first["aid"], second["aid"], third["aid"]}) == 3
    assert attachments({"caption": "a", "thumbnail": PNG})[0][0]["aid"] == first["aid"]
    assert attachments({"caption": "a", "id": "mine/1"})[0][0]["aid"] == "mine/1"


@pytest.mark.parametrize("twin", [{"caption": "x", "id": "one"}, {"caption": "y", "id": "one"}])
def test_of_two_with_one_id_the_first_is_kept(twin: dict[str, Any]) -> None:
    """SciCat would answer 500 to the second."""
    got, warnings = attachments({"caption": "x", "id": "one"}, twin)
    assert [attachment["caption"] for attachment in got] == ["x"]
    assert warnings == ["attachments[1]: an earlier attachment has the same id; this one was left out"]


@pytest.mark.parametrize("aid", [".", "..", " ", "a/../b", "a\x00"])
def test_an_id_that_cannot_stand_in_a_url_costs_the_attachment_only(aid: str) -> None:
    """Looking it up would ask for something else."""
    got, warnings = attachments({"caption": "x", "id": aid}, {"caption": "y"})
    assert [attachment["caption"] for attachment in got] == ["y"]
    assert warnings == ["attachments[0].id: it cannot stand in a URL; the attachment was left out"]


@pytest.mark.parametrize(
    ("thumbnail", "words"),
    [
        ("data:image/png;base64," + "A" * 200_000, "it has 200022 bytes, at most 200000 are taken"),
        ("iVBORw0KGgo=", "expected a data URL"),
        ("", "expected a data URL"),
        ("data:,x", "expected a data URL"),
        ("data:image/png;base64,", "expected a data URL"),
        ("data:image/png;base64,a b", "expected a data URL"),
        ("https://example.org/a.png", "expected a data URL"),
    ],
)
def test_a_bad_thumbnail_costs_the_attachment_only(thumbnail: str, words: str) -> None:
    """The dataset is worth more than its picture."""
    got, warnings = attachments({"caption": "x", "thumbnail": thumbnail}, {"caption": "y"})
    assert [attachment["caption"] for attachment in got] == ["y"]
    (warning,) = warnings
    assert warning.startswith("attachments[0].thumbnail: ")
    assert words in warning
    assert warning.endswith("; the attachment was left out")


@pytest.mark.parametrize(
    "thumbnail", [PNG, "data:image/svg+xml;charset=utf-8,%3Csvg/%3E", "DATA:image/jpeg;BASE64,/9j/"]
)
def test_every_data_url_is_taken(thumbnail: str) -> None:
    """Of any kind of picture, with parameters."""
    assert attachments({"caption": "x", "thumbnail": thumbnail})[0][0]["thumbnail"] == thumbnail


def test_further_relationships_come_after_the_one_to_the_dataset() -> None:
    """Which stands once, also when the event repeats it."""
    pid = plan(event()).pid
    further = [
        {"targetId": "p1001", "targetType": "proposal"},
        {"targetId": pid, "targetType": "dataset"},
        {"targetId": "s1", "targetType": "sample", "relationType": "shows"},
    ]
    (got,), _ = attachments({"caption": "x", "relationships": further})
    assert [(target["targetId"], target["relationType"]) for target in got["relationships"]] == [
        (pid, "is attached to"),
        ("p1001", "is attached to"),
        ("s1", "shows"),
    ]


def test_too_many_attachments_are_refused() -> None:
    """Each would be a request: a hundred thousand of them fit into an event."""
    many = [{"caption": str(number)} for number in range(101)]
    refused = fault(InvalidField, event(attachments=many))
    assert refused.field == "attachments"
    assert "at most 100 items, got 101" in refused.message
