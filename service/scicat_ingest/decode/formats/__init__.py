"""STUB"""

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Document
from scicat_ingest.decode.json_object import parse_json_object


def formats_for(source):
    return ()


def read_record(record, formats, limits):
    if not record.value:
        return Ignored("tombstone")
    return Document(
        "json",
        parse_json_object(record.value, max_bytes=limits.max_event_bytes, max_depth=limits.max_event_depth),
        record.header("ce_source") or record.topic,
        record.header("ce_type"),
    )
