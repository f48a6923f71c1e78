"""JSON objects, plain or as the data of a CloudEvent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Document
from scicat_ingest.decode.formats.cloud_event import event_source, open_cloud_event
from scicat_ingest.decode.formats.signs import shows
from scicat_ingest.decode.json_object import parse_json_object

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import FormatName, LimitsSettings


class PlainJson:
    """The event is the object."""

    name: FormatName = "json"

    def recognises(self, record: Record) -> bool:
        """Tell whether the value begins like an object."""
        return shows(self.name, record)

    def read(self, record: Record, limits: LimitsSettings) -> Document | Ignored:
        """Parse strictly: `parse_json_object` tells what is refused."""
        if not record.value:
            return Ignored("tombstone")
        opened = open_cloud_event(record, limits)
        content = parse_json_object(
            opened.value or b"", max_bytes=limits.max_event_bytes, max_depth=limits.max_event_depth
        )
        return Document("json", content, event_source(opened), opened.header("ce_type"))
