"""Notifications of S3 and Ceph."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decode.formats.samples import S3_RECORD, document, read

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.faults import CorruptRecord, InvalidUtf8, UndecodableRecord


def notification(*changes: dict[str, Any]) -> bytes:
    """Give a notification with one record for each change of event, or of its object."""
    records = []
    for change in changes:
        record = deepcopy(S3_RECORD)
        record["eventName"] = change.pop("event", record["eventName"])
        record["s3"]["object"] |= change
        records.append(record)
    return json.dumps({"Records": records}).encode()


def test_an_object_is_read_with_bucket_key_size_and_checksum() -> None:
    """The key is URL-encoded on the wire, a space as a plus."""
    found = document(notification({}), "s3")
    assert (found.format, found.warnings) == ("s3", ())
    assert found.content == {
        "records": [
            {
                "bucket": "raw",
                "key": "p1/my scan+1.h5",
                "size": 12,
                "checksum": "d41d8cd98f00b204e9800998ecf8427e",
                "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                "time": "2026-04-22T08:54:53.642Z",
                "event": "ObjectCreated:Put",
            }
        ]
    }


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50))
def test_any_key_comes_through(key: str) -> None:
    """As S3 writes it."""
    assert document(notification({"key": quote_plus(key)}), "s3").content["records"][0]["key"] == key


@pytest.mark.parametrize(
    ("tag", "kept", "checksum"),
    [
        ("D41D8CD98F00B204E9800998ECF8427E", "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"),
        ('"d41d8cd98f00b204e9800998ecf8427e"',) + ("d41d8cd98f00b204e9800998ecf8427e",) * 2,
        ("d41d8cd98f00b204e9800998ecf8427e-7", "d41d8cd98f00b204e9800998ecf8427e-7", None),
        ("opaque", "opaque", None),
        (None, None, None),
        (5, None, None),
    ],
)
def test_an_etag_is_a_checksum_only_of_an_object_of_one_part(tag: Any, kept: Any, checksum: str | None) -> None:
    """That of several parts is no digest of the content."""
    record = document(notification({"eTag": tag}), "s3").content["records"][0]
    assert (record["eTag"], record["checksum"]) == (kept, checksum)


@pytest.mark.parametrize(
    "event", ["ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectLifecycle:Expiration:Current",
              "LifecycleExpiration:Delete"],
)  # fmt: skip
def test_deletions_are_ignored(event: str) -> None:
    """A catalogue does not forget; beside creations they are left out with a warning."""
    assert read(notification({"event": event}, {"event": event}), "s3") == Ignored("deletion")
    found = document(notification({"event": event}, {}), "s3")
    assert len(found.content["records"]) == 1
    assert found.warnings == ("1 deletions in this notification are left out",)


def test_the_test_message_is_noise() -> None:
    """S3 sends it when notifications are set up."""
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-04-22T08:54:53.642Z", "Bucket": "raw"}
    assert read(json.dumps(test).encode(), "s3") == Ignored("noise")


def test_minio_says_the_event_before_the_records() -> None:
    """Its notifications have two keys more."""
    whole = {
        "EventName": "s3:ObjectCreated:Put",
        "Key": "raw/a",
        **json.loads(notification({"event": "s3:ObjectCreated:Put"})),
    }
    found = document(json.dumps(whole).replace("ceph:s3", "minio:s3").encode(), "s3")
    assert found.content["records"][0]["event"] == "ObjectCreated:Put"


@pytest.mark.parametrize(
    ("change", "field", "fault"),
    [
        ({"key": None}, "Records[0].s3.object.key", CorruptRecord),
        ({"key": "%ff"}, "Records[0].s3.object.key", InvalidUtf8),
        ({"size": "12"}, "Records[0].s3.object.size", CorruptRecord),
        ({"size": -1}, "Records[0].s3.object.size", CorruptRecord),
        ({"size": True}, "Records[0].s3.object.size", CorruptRecord),
        ({"size": 1.5}, "Records[0].s3.object.size", CorruptRecord),
    ],
)
def test_a_malformed_object_is_refused_where_it_is_wrong(
    change: dict[str, Any], field: str, fault: type[UndecodableRecord]
) -> None:
    """The field is its path in the notification."""
    with pytest.raises(fault) as caught:
        read(notification(change), "s3")
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("records", "field"),
    [
        ([], "Records"),
        ({}, "Records"),
        ([5], "Records[0].s3"),
        ([{"s3": {}}], "Records[0].s3.bucket"),
        ([S3_RECORD, {"s3": {"bucket": {"name": "b"}, "object": []}}], "Records[1].s3.object"),
    ],
)
def test_a_malformed_notification_is_refused_where_it_is_wrong(records: Any, field: str) -> None:
    """Not one object of it is ingested."""
    value = json.dumps({"Records": records, "eventSource": "aws:s3"}).encode()
    with pytest.raises(CorruptRecord) as caught:
        read(value, "s3")
    assert caught.value.field == field


def test_a_size_may_be_missing() -> None:
    """The mapping file can look at the file instead."""
    value = json.loads(notification({}))
    del value["Records"][0]["s3"]["object"]["size"]
    assert document(json.dumps(value).encode(), "s3").content["records"][0]["size"] is None
