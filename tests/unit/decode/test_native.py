"""The native format: what is an event, what is ignored, and each fault's place and words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.acquisition_events import PNG, decode, decode_record, event, fault, record, rules

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.decode.event_part import EventPart
from scicat_ingest.faults import (
    InvalidEvent,
    InvalidField,
    MissingField,
    TooManyFiles,
    Unmatched,
    UnsupportedVersion,
)


def ignored(value: bytes | None, *, headers: tuple[tuple[str, bytes], ...] = (), **source: Any) -> Ignored:
    by = rules(source=source)
    decoded = decode_record(record(value, headers=headers), by)
    assert isinstance(decoded, Ignored)
    return decoded


@pytest.mark.parametrize("value", [None, b""])
def test_a_tombstone_is_ignored(value: bytes | None) -> None:
    """A record without value is a deletion marker, and no event."""
    assert ignored(value) == Ignored("tombstone")


def test_an_event_has_defaults() -> None:
    """What an event does not say: version 1, revision 0, completed, raw, all files."""
    got = decode({"acquisitionId": "a", "noFiles": True}).event
    assert (got.specVersion, got.revision, got.status, got.type, got.filesMode) == (
        "1",
        0,
        "completed",
        "raw",
        "complete",
    )


def test_null_means_not_given() -> None:
    """At every level, so that producers may serialise empty fields."""
    nulls = event(source={"folder": "/data/x", "host": None}) | {"title": None, "revision": None, "noFiles": None}
    got = decode(nulls)
    assert (got.event.title, got.event.revision, got.warnings) == (None, 0, ())
    unknown = {"owner": {"name": "Ada", "nickname": None}, "files": [{"path": "a", "size": 1, "colour": None}]}
    assert decode(event(**unknown)).warnings == ()


@pytest.mark.parametrize("part", EventPart.__subclasses__())
def test_null_is_the_default_of_what_need_not_be_given(part: type[EventPart]) -> None:
    """Below the top nothing else makes of a null what a missing field is."""
    optional = [field for field in part.model_fields.values() if not field.is_required()]
    assert part is AcquisitionCompleted or all(field.default is None for field in optional)


def test_null_where_a_value_is_needed_is_a_missing_value() -> None:
    """Also below the top; an item of an array is no field."""
    assert fault(MissingField, event(acquisitionId=None)).field == "acquisitionId"
    got = fault(MissingField, event(files=[{"path": "a", "size": None}]))
    assert (got.message, got.field) == ("is needed and missing", "files[0].size")
    assert fault(InvalidField, event(files=[None])).field == "files[0]"


def test_a_cloud_event_whose_record_does_not_say_so_is_told_from_a_bad_event() -> None:
    """Producers forget the content type; what would be read without it has none of the event's fields."""
    structured = {"specversion": "1.0", "id": "1", "source": "/daq", "type": "scicat.acquisition.completed.v1"}
    for data in ({"data": event()}, {"data_base64": "e30="}):
        got = fault(MissingField, structured | data)
        assert "this is a CloudEvent" in got.message
        assert "content-type: application/cloudevents+json" in got.hint
    assert "CloudEvent" not in fault(MissingField, structured).message


def test_the_source_is_the_topic_or_what_cloudevents_says() -> None:
    """`eventSource` goes into the provenance."""
    assert decode(event()).event_source == "scicat.acquisitions"
    headers = (("ce_type", b"scicat.acquisition.completed.v1"), ("ce_source", b"/daq/odin"))
    assert decode(event(), headers=headers).event_source == "/daq/odin"


def test_a_cloudevent_of_another_type_is_a_fault_or_ignored() -> None:
    """As the source says; the value is not looked at."""
    headers = (("CE_Type", b"org.example.shutter.opened"),)
    assert ignored(b"not JSON", headers=headers, unmatched="ignore") == Ignored("unmatched")
    by = rules()
    with pytest.raises(Unmatched, match=r'expected CloudEvents type .*, got "org.example.shutter.opened"') as caught:
        decode_record(record(b"{}", headers=headers), by)
    assert (caught.value.code, caught.value.field) == ("unmatched", "ce_type")


@pytest.mark.parametrize("version", ["1", "1.7"])
def test_minor_versions_are_taken(version: str) -> None:
    """Only the major version changes what an event means."""
    assert decode(event(specVersion=version)).event.specVersion == version


@pytest.mark.parametrize("version", ["2", "0.9", "", "one", 2])
def test_another_major_version_is_refused_before_anything_else(version: object) -> None:
    """What is wrong by version 1 may be right by that version."""
    got = fault(UnsupportedVersion, {"specVersion": version, "acquisition": {}})
    assert (got.code, got.field) == ("unsupported_version", "specVersion")
    assert got.hint.startswith('this release reads specVersion "1"')


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"acquisitionId": 17}, "acquisitionId", "expected a valid string, got 17"),
        ({"acquisitionId": ""}, "acquisitionId", 'expected at least 1 character, got ""'),
        ({"acquisitionId": " "}, "acquisitionId", 'expected visible text without control characters, got " "'),
        ({"acquisitionId": "a\nb"}, "acquisitionId", "control characters"),
        ({"acquisitionId": "x" * 201}, "acquisitionId", "expected at most 200 characters"),
        ({"revision": -1}, "revision", "expected a number greater than or equal to 0, got -1"),
        ({"revision": 1.5}, "revision", "expected a valid integer, got 1.5"),
        ({"revision": True}, "revision", "expected a valid integer, got true"),
        ({"revision": 2**53}, "revision", "expected a number less than or equal to 9007199254740991"),
        ({"status": "done"}, "status", "expected 'completed', 'aborted', 'failed' or 'cancelled', got \"done\""),
        ({"type": "RAW"}, "type", "expected 'raw' or 'derived'"),
        ({"instrument": "ODIN"}, "instrument", 'expected an object, got "ODIN"'),
        ({"instrument": {"id": 5}}, "instrument.id", "expected a valid string, got 5"),
        ({"proposal": []}, "proposal", "expected an object, got an array"),
        ({"keywords": "tomography"}, "keywords", 'expected an array, got "tomography"'),
        ({"keywords": ["a", None]}, "keywords[1]", "expected a valid string, got null"),
        ({"metadata": [1]}, "metadata", "expected an object, got an array"),
        ({"endedAt": 1776848093}, "endedAt", "expected an RFC 3339 time as a string, got 1776848093"),
        ({"endedAt": "2026-02-30T00:00:00Z"}, "endedAt", "day is out of range for month"),
        ({"endedAt": "2026-04-22T10:54:53"}, "endedAt", "the time has no offset: send one, such as +02:00, or set"),
        ({"endedAt": "yesterday"}, "endedAt", "expected an RFC 3339 time with offset, such as 2026-04-22"),
        ({"files": {"path": "x"}}, "files", "expected an array, got an object"),
        ({"files": [{"size": 1}]}, "files[0].path", "is needed and missing"),
        ({"files": [{"path": "a", "size": 1}, {"path": "b"}]}, "files[1].size", "is needed and missing"),
        ({"files": [{"path": "a", "size": -1}]}, "files[0].size", "expected a number greater than or equal to 0"),
        ({"files": [{"path": "a", "size": "1"}]}, "files[0].size", 'expected a valid integer, got "1"'),
        ({"files": [{"path": "a", "size": 2**53}]}, "files[0].size", "9007199254740991"),
        ({"files": [{"path": "", "size": 1}]}, "files[0].path", "expected at least 1 character"),
        ({"files": [{"path": "a", "size": 1, "uid": 1.5}]}, "files[0].uid", "expected a string or an integer"),
        ({"runNumber": True}, "runNumber", "expected a string or an integer, got true"),
        ({"noFiles": 1, "files": None}, "noFiles", "expected a valid boolean, got 1"),
        ({"inputDatasets": [5]}, "inputDatasets[0]", "expected a pid as a string, or an object {instrument"),
        ({"inputDatasets": [{}]}, "inputDatasets[0].acquisitionId", "is needed and missing"),
        ({"techniques": [{"pid": "x"}]}, "techniques[0].name", "is needed and missing"),
        ({"attachments": [{"thumbnail": PNG}]}, "attachments[0].caption", "is needed and missing"),
        (
            {"attachments": [{"caption": "x", "relationships": [{"targetId": "a", "targetType": "job"}]}]},
            "attachments[0].relationships[0].targetType",
            "expected 'dataset', 'proposal', 'sample' or 'published_data'",
        ),
        ({"dataset": "x"}, "dataset", "expected an object"),
        ({"pid": "\x7f"}, "pid", "control characters"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(change: dict[str, Any], field: str, message: str) -> None:
    """Types are strict, and no message speaks Python."""
    by = rules()
    with pytest.raises((InvalidField, MissingField)) as caught:
        decode_record(record(event(**change)), by)
    assert caught.value.field == field
    assert message in caught.value.message
    assert "Input should" not in caught.value.message
    assert "dictionary" not in caught.value.message


def test_only_the_first_fault_is_told_in_full() -> None:
    """With the number of the others, so that nobody mends one at a time in hope."""
    got = fault(InvalidField, event(title=5, description=5, comment=5))
    assert got.field == "title"
    assert got.message.endswith("(and 2 more of the event's fields are wrong)")


def test_the_acquisition_id_is_needed() -> None:
    """It is the one field without which there is no pid."""
    got = fault(MissingField, event(acquisitionId=None))
    assert (got.code, got.field, got.message) == ("missing_field", "acquisitionId", "is needed and missing")


def test_a_shown_value_is_short() -> None:
    """A megabyte of text is not repeated in the message."""
    assert len(fault(InvalidField, event(status="x" * 10**6)).message) < 300


def test_a_naive_time_is_read_in_the_configured_zone() -> None:
    """10:54 in Berlin in April is 08:54 UTC."""
    got = decode(event(endedAt="2026-04-22T10:54:53"), timezone="Europe/Berlin").event
    assert got.endedAt is not None
    assert got.endedAt.isoformat() == "2026-04-22T08:54:53+00:00"


def test_integers_of_the_file_system_become_strings() -> None:
    """SciCat takes uid, gid and perm as strings only."""
    files = [{"path": "a", "size": 1, "uid": 1000, "gid": "p1001", "perm": 644}]
    got = decode(event(files=files, runNumber=42)).event
    assert got.files is not None
    assert (got.files[0].uid, got.files[0].gid, got.files[0].perm, got.runNumber) == ("1000", "p1001", "644", "42")


@pytest.mark.parametrize(
    ("given", "kind", "field"),
    [
        ({}, MissingField, "files"),
        ({"noFiles": False}, MissingField, "files"),
        ({"files": []}, InvalidField, "files"),
        ({"files": [{"path": "a", "size": 1}], "noFiles": True}, InvalidField, "noFiles"),
        ({"scan": {}, "fileManifest": {"uri": "file:///x"}}, InvalidField, "scan"),
    ],
)
def test_an_event_says_in_exactly_one_way_where_its_files_are(
    given: dict[str, Any], kind: type[InvalidEvent], field: str
) -> None:
    """Neither none, nor two; an empty list is a slip."""
    got = fault(kind, event(**({"files": None} | given)))
    assert got.field == field
    assert got.hint or "exactly one of" in got.message


def test_a_long_list_is_refused_before_it_is_validated() -> None:
    """The message has both numbers, and the hint the way out."""
    got = fault(TooManyFiles, event(files=[5] * 11), limits={"max_inline_files": 10})
    assert (got.code, got.field) == ("too_many_files", "files")
    assert got.message == "expected at most 10 files in an event, got 11"
    assert decode(event(files=[{"path": str(i), "size": 1} for i in range(10)]), limits={"max_inline_files": 10})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"attachments": [5] * 101}, "attachments"),
        ({"attachments": [{"caption": "a", "relationships": [5] * 1001}]}, "attachments[0].relationships"),
        ({"techniques": [5] * 1001}, "techniques"),
        ({"inputDatasets": [5] * 1001}, "inputDatasets"),
        ({"dataset": {"techniques": [5] * 1001}}, "dataset.techniques"),
    ],
)
def test_long_lists_of_objects_are_refused_before_they_are_looked_at(fields: dict[str, Any], field: str) -> None:
    """A record of 16 MB would take gigabytes, and end the process again and again."""
    got = fault(InvalidField, event(**fields))
    assert (got.field, "expected at most" in got.message) == (field, True)


@pytest.mark.parametrize("name", ["keywords", "attachments", "techniques", "inputDatasets"])
def test_a_million_wrong_items_give_one_fault(name: str) -> None:
    """A fault for each would take gigabytes."""
    value = json.dumps(event(**{name: 0})).replace(f'"{name}": 0', f'"{name}": [{"7," * 300_000} 7]')
    got = fault(InvalidField, value.encode())
    first = f"{name}[0]" if name == "keywords" else name
    assert (got.field, "more of the event" in got.message) == (first, False)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"thumbnail": PNG, "path": "a.png"}, "attachments[1].path"),
        ({"path": "a.png", "plot": {"file": "a.nxs"}}, "attachments[1].plot"),
    ],
)
def test_an_attachment_has_one_picture(given: dict[str, Any], field: str) -> None:
    """A thumbnail, a picture file or a plot: several would leave open which one counts."""
    attachments = [{"caption": "a"}, {"caption": "b", **given}]
    got = fault(InvalidField, event(attachments=attachments))
    assert got.field == field
    assert "at most one of thumbnail, path, plot" in got.message


def test_a_plot_names_its_file() -> None:
    """All else has defaults."""
    assert fault(MissingField, event(attachments=[{"caption": "a", "plot": {}}])).field == "attachments[0].plot.file"
    got = decode(event(attachments=[{"caption": "a", "plot": {"file": "a.nxs"}}])).event
    assert got.attachments is not None
    assert got.attachments[0].plot is not None
    assert got.attachments[0].plot.model_dump(exclude_none=True) == {"file": "a.nxs"}
