"""Notifications of S3 and Ceph: objects were created in a bucket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Document
from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.decode.formats.cloud_event import event_source
from scicat_ingest.decode.formats.signs import shows
from scicat_ingest.decode.json_object import parse_json_object
from scicat_ingest.faults import CorruptRecord, InvalidUtf8

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import FormatName, LimitsSettings

_DELETIONS = ("ObjectRemoved", "LifecycleExpiration", "ObjectLifecycle:Expiration")
_MD5 = re.compile("[0-9a-fA-F]{32}")


class S3Notification:
    """The event is what a mapping needs of `Records`; deletions are left out."""

    name: FormatName = "s3"

    def recognises(self, record: Record) -> bool:
        """Tell whether the value is JSON with the marks of a notification."""
        return shows(self.name, record)

    def read(self, record: Record, limits: LimitsSettings) -> Document | Ignored:
        """Give the objects that were created; a test message is noise, and deletions alone are ignored."""
        notification = parse_json_object(
            record.value or b"", max_bytes=limits.max_event_bytes, max_depth=limits.max_event_depth
        )
        if notification.get("Event") == "s3:TestEvent":
            return Ignored("noise")
        listed = notification.get("Records")
        if not isinstance(listed, list) or not listed:
            raise CorruptRecord("expected an array with at least one notification", field="Records")
        created = [
            _object(entry, f"Records[{place}]")
            for place, entry in enumerate(listed)
            if not _event(entry).startswith(_DELETIONS)
        ]
        if not created:
            return Ignored("deletion")
        deleted = len(listed) - len(created)
        warnings = (f"{deleted} deletions in this notification are left out",) if deleted else ()
        return Document("s3", {"records": created}, event_source(record), record.header("ce_type"), warnings)


def _event(entry: Any) -> str:
    """Give the event's name as AWS writes it; others put s3: in front."""
    name = entry.get("eventName") if isinstance(entry, dict) else None
    return name.removeprefix("s3:") if isinstance(name, str) else ""


def _object(entry: Any, where: str) -> dict[str, Any]:
    s3 = _member(entry, "s3", where)
    bucket = _member(_member(s3, "bucket", f"{where}.s3"), "name", f"{where}.s3.bucket", str)
    thing = _member(s3, "object", f"{where}.s3")
    key = _member(thing, "key", f"{where}.s3.object", str)
    try:
        key = unquote_plus(key, errors="strict")
    except UnicodeDecodeError:
        raise InvalidUtf8("the URL-encoded key is no UTF-8", field=f"{where}.s3.object.key") from None
    tag = thing.get("eTag", thing.get("etag"))
    tag = tag.strip('"') if isinstance(tag, str) else None
    size = thing.get("size")
    if size is not None and (type(size) is not int or size < 0):
        raise CorruptRecord(f"expected a number of bytes, got {excerpt(size)}", field=f"{where}.s3.object.size")
    return {
        "bucket": bucket,
        "key": key,
        "size": size,
        "checksum": tag.lower() if tag and _MD5.fullmatch(tag) else None,
        "eTag": tag,
        "time": entry.get("eventTime"),
        "event": _event(entry) or None,
    }


def _member(value: Mapping[str, Any] | Any, name: str, where: str, kind: type = dict) -> Any:
    member = value.get(name) if isinstance(value, dict) else None
    if not isinstance(member, kind):
        expected = "an object" if kind is dict else "text"
        raise CorruptRecord(f"expected {expected}, got {excerpt(member)}", field=f"{where}.{name}")
    return member
