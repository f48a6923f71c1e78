"""By what a record's format is known: its headers and its first bytes. Needs none of the optional packages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import FormatName

SCHEMA_ID_HEADER = "__value_schema_id"
ESS_USED = frozenset({b"wrdn", b"pl72", b"6s4t"})
ESS_NOISE = frozenset(
    b"ADAr NDAr ad00 al00 amo0 an44 answ ba57 da00 dtdb ep00 ep01 ev42 ev43 ev44 f140 f141 f142 f143 f144 fc00 fwdi "
    b"hs00 hs01 is84 json mo01 ns10 rf5k se00 senv tdct x5f2".split()
)
"""Schema identifiers of measured values, alarms, statuses, commands and their answers."""
DOCUMENT_NAMES = (
    *("start", "stop", "descriptor", "resource", "stream_resource", "event", "event_page", "bulk_events"),
    *("datum", "datum_page", "bulk_datum", "stream_datum"),
)
"""Bluesky's documents."""
_HEAD = 4096
_NAMES = "|".join(DOCUMENT_NAMES)
_MSGPACK_PAIR = re.compile(rb"\x92(?:[\xa0-\xbf]|[\xd9\xc4].)(?:%b)" % _NAMES.encode(), re.DOTALL)
_JSON_PAIR = re.compile(rb'\s*\[\s*"(?:%b)"\s*,' % _NAMES.encode())
_JSON_NAMED = re.compile(rb'\s*\{\s*"name"\s*:\s*"(?:%b)"\s*,\s*"doc"\s*:' % _NAMES.encode())
_S3_SOURCE = re.compile(rb'"(?:eventSource|EventSource)"\s*:\s*"[a-z]+:s3"')


def media_type(record: Record) -> str | None:
    """Give the content type in lower case, without its parameters."""
    header = record.header("content-type")
    return None if header is None else header.partition(";")[0].strip().lower()


def format_of_media_type(media: str | None) -> FormatName | None:
    """Give the format that a content type stands for; None for JSON and for what says nothing."""
    if media is None:
        return None
    known = _MEDIA_TYPES.get(media)
    return "icat" if known is None and media.endswith("+xml") else known


_MEDIA_TYPES: dict[str, FormatName] = {
    "application/xml": "icat",
    "text/xml": "icat",
    "application/msgpack": "bluesky",
    "application/x-msgpack": "bluesky",
    "application/vnd.msgpack": "bluesky",
    "application/flatbuffers": "ess",
    "application/x-flatbuffers": "ess",
    "application/vnd.apache.flatbuffers": "ess",
    "application/avro": "schema_registry",
    "avro/binary": "schema_registry",
    "application/x-avro": "schema_registry",
    "application/vnd.apache.avro": "schema_registry",
    "application/protobuf": "schema_registry",
    "application/x-protobuf": "schema_registry",
    "application/vnd.google.protobuf": "schema_registry",
}


def is_json_media_type(media: str | None) -> bool:
    """Tell whether a content type says JSON."""
    return media in ("application/json", "text/json") or (media is not None and media.endswith("+json"))


def looks_like_json(record: Record) -> bool:
    """Tell whether the value may be a JSON object."""
    return _head(record).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def has_schema_header(record: Record) -> bool:
    """Tell whether a header names the value's schema."""
    return record.header(SCHEMA_ID_HEADER) is not None


def looks_framed(record: Record) -> bool:
    """Tell whether the value begins with the magic byte 0 and a schema id."""
    value = record.value or b""
    return len(value) >= 5 and value[0] == 0


def looks_like_ess(record: Record) -> bool:
    """Tell whether the value is a FlatBuffer with an identifier of the ESS, whose root is within the buffer."""
    value = record.value or b""
    identifier = bytes(value[4:8])
    return identifier in ESS_USED | ESS_NOISE and 8 <= int.from_bytes(value[:4], "little") < len(value)


def looks_like_bluesky(record: Record) -> bool:
    """Tell whether the value is a pair of a document's name and the document, in msgpack or in JSON."""
    head = _head(record)
    return any(sign.match(head) is not None for sign in (_MSGPACK_PAIR, _JSON_PAIR, _JSON_NAMED))


def looks_like_xml(record: Record) -> bool:
    """Tell whether the value begins with a tag."""
    return _head(record).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def looks_like_s3(record: Record) -> bool:
    """Tell whether the value is JSON with the marks of an S3 notification."""
    head = _head(record)
    if not looks_like_json(record):
        return False
    return b's3:TestEvent"' in head or (b'"Records"' in head and _S3_SOURCE.search(head) is not None)


def _head(record: Record) -> bytes:
    return (record.value or b"")[:_HEAD]


SIGNS: tuple[tuple[FormatName, Callable[[Record], bool]], ...] = (
    ("schema_registry", has_schema_header),
    ("ess", looks_like_ess),
    ("bluesky", looks_like_bluesky),
    ("schema_registry", looks_framed),
    ("icat", looks_like_xml),
    ("s3", looks_like_s3),
    ("json", looks_like_json),
)
"""The order in which they are asked; the first that a source takes is it."""


def shows(name: FormatName, record: Record) -> bool:
    """Tell whether a record has the signs of a format."""
    return any(sign(record) for named, sign in SIGNS if named == name)
