"""Bluesky's documents, as pairs of name and document: msgpack as bluesky-kafka writes it, or JSON."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit
from uuid import UUID

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Part
from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.decode.formats.allowance import Allowance
from scicat_ingest.decode.formats.cloud_event import event_source
from scicat_ingest.decode.formats.kept import kept_bytes
from scicat_ingest.decode.formats.msgpack_json import to_json, unpack
from scicat_ingest.decode.formats.signs import DOCUMENT_NAMES, shows
from scicat_ingest.decode.json_object import parse_json_array, parse_json_object
from scicat_ingest.faults import CorruptRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import FormatName, LimitsSettings

_LEVELS_ABOVE = 3
"""The deepest place of a document in the joined one: an entry of `descriptors`."""
_LONGEST_UID = 500
_DATA_KEY_FIELDS = ("units", "source", "dtype", "shape", "external")
_ROLES: dict[str, Literal["start", "end"]] = {"start": "start", "stop": "end"}


class Bluesky:
    """A run's start and stop whole; of the documents between them, what the joined document shows."""

    name: FormatName = "bluesky"

    def recognises(self, record: Record) -> bool:
        """Tell whether the value begins like a pair with the name of a document."""
        return shows(self.name, record)

    def read(self, record: Record, limits: LimitsSettings) -> Part | Ignored:
        """Give the part of the run.

        Events do not name their run: they count where the record key does (a UUID, as publishers that make one key a
        run send it), else they are noise: the run's stop has their number, too. So is a datum: its resource has the
        path.
        """
        allowance = Allowance(limits, levels_above=_LEVELS_ABOVE)
        name, document = _named_document(record.value or b"", limits)
        if name not in DOCUMENT_NAMES:
            raise CorruptRecord(f"bluesky has no document {excerpt(name)}")
        if not isinstance(document, dict):
            raise CorruptRecord(f"expected the document {name} to be an object")
        if name in _ROLES:
            content = to_json(document, allowance)
            run = _text(document, "uid" if name == "start" else "run_start")
            return _part(record, run, _ROLES[name], content, allowance)
        found = _middle(name, document, allowance)
        named = name == "descriptor" or "run_start" in document
        known = _text(document, "run_start") if named else _run_of_key(record.key)
        if found is None or known is None:
            return Ignored("noise")
        return _part(record, known, "middle", found, allowance)


def _part(
    record: Record, run: str, role: Literal["start", "middle", "end"], content: dict[str, Any], allowance: Allowance
) -> Part:
    return Part(
        "bluesky",
        run,
        role,
        content,
        kept_bytes(content),
        event_source=event_source(record),
        event_type=record.header("ce_type"),
        warnings=allowance.warnings,
    )


def _named_document(value: bytes, limits: LimitsSettings) -> tuple[Any, Any]:
    """Give name and document of any of the three ways to write them."""
    Allowance(limits).admit(len(value))
    first = value.lstrip()[:1]
    if first == b"{":
        pair = parse_json_object(value, max_bytes=limits.max_event_bytes, max_depth=limits.max_event_depth)
        return pair.get("name"), pair.get("doc")
    items = (
        parse_json_array(value, max_bytes=limits.max_event_bytes, max_depth=limits.max_event_depth)
        if first == b"["
        else unpack(value, limits)
    )
    if not isinstance(items, list) or len(items) != 2:
        raise CorruptRecord("expected a pair of a document's name and the document")
    name = items[0]
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name, items[1]


def _run_of_key(key: bytes | None) -> str | None:
    try:
        text = (key or b"").decode("ascii").strip('"')
        UUID(text)
    except ValueError:
        return None
    return text


def _text(document: Mapping[str, Any], field: str) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_UID:
        raise CorruptRecord(f"expected text of 1 to {_LONGEST_UID} characters", field=field)
    return value


def _middle(name: str, document: Mapping[str, Any], allowance: Allowance) -> dict[str, Any] | None:
    """Give what the run keeps of a document between start and stop; None if nothing."""
    match name:
        case "descriptor":
            return {"kind": "descriptor", "uid": _text(document, "uid"), **_descriptor(document, allowance)}
        case "resource" | "stream_resource":
            return {"kind": "resource", "uid": _text(document, "uid"), **_resource(document, allowance)}
        case "event" | "event_page" | "stream_datum":
            descriptor = document.get("descriptor")
            last = _last_event(name, document)
            if isinstance(descriptor, str) and last is not None:
                return {"kind": "events", "descriptor": descriptor, "last": last}
    return None


def _descriptor(document: Mapping[str, Any], allowance: Allowance) -> dict[str, Any]:
    configuration = {
        device: {"data": entry.get("data"), "data_keys": _data_keys(entry.get("data_keys"))}
        for device, entry in _object(document.get("configuration")).items()
        if isinstance(entry, dict)
    }
    found: dict[str, Any] = to_json(
        {
            "name": document.get("name"),
            "data_keys": _data_keys(document.get("data_keys")),
            "configuration": configuration,
        },
        allowance,
    )
    return found


def _data_keys(data_keys: Any) -> dict[Any, Any]:
    return {
        key: {field: entry.get(field) for field in _DATA_KEY_FIELDS}
        for key, entry in _object(data_keys).items()
        if isinstance(entry, dict)
    }


def _object(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _resource(document: Mapping[str, Any], allowance: Allowance) -> dict[str, Any]:
    found: dict[str, Any] = to_json(
        {field: document.get(field) for field in ("uri", "mimetype", "spec", "data_key")}, allowance
    )
    return {"path": _path(document), **found}


def _path(document: Mapping[str, Any]) -> str | None:
    """Give the path of a resource: of its file:// URI, or root and resource_path; None for what is no file."""
    uri = document.get("uri")
    if isinstance(uri, str):
        try:
            parts = urlsplit(uri)
            return unquote(parts.path, errors="strict") if parts.scheme == "file" else None
        except ValueError:
            raise CorruptRecord(f"expected a URI, got {excerpt(uri)}", field="uri") from None
    root, path = document.get("root"), document.get("resource_path")
    if not isinstance(path, str):
        return None
    return posixpath.join(root, path) if isinstance(root, str) else path


def _last_event(name: str, document: Mapping[str, Any]) -> int | None:
    """Give the number of the last event that a document tells of: they are counted from 1 in each stream.

    The highest one is the count, which stays right when documents come twice.
    """
    match name:
        case "event":
            numbers = [document.get("seq_num")]
        case "event_page":
            listed = document.get("seq_num")
            numbers = listed if isinstance(listed, list) else []
        case _:
            stop = _object(document.get("seq_nums")).get("stop")
            numbers = [stop - 1] if type(stop) is int else []
    return max((number for number in numbers if type(number) is int and number >= 0), default=None)
