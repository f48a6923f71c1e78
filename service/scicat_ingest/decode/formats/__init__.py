"""The formats that records come in, and how the one of a record is found.

1. An empty value is a tombstone: ignored.
2. A CloudEvent is opened: its data are looked at as if they were the record, with `ce_*` headers.
3. Its content type, if it stands for a format that the source takes (`signs.py` lists them).
4. Headers and first bytes, in the order of `signs.SIGNS`, of the formats that the source takes; JSON always is.
5. What begins like a format that the source does not take is refused, with the setting that would take it.
6. Anything else is read as JSON, whose faults say what is wrong with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.first_fault import excerpt
from scicat_ingest.decode.formats.cloud_event import open_cloud_event
from scicat_ingest.decode.formats.signs import SIGNS, format_of_media_type, is_json_media_type, media_type
from scicat_ingest.faults import ExtraMissing, TooDeep, UnknownFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scicat_ingest.consume.record import Record
    from scicat_ingest.decode.document import Document, Format, NeedsSchema, Part
    from scicat_ingest.settings import FormatName, LimitsSettings, SourceSettings


class _Place(NamedTuple):
    module: str
    reader: str
    extra: str | None = None


_PLACES: dict[FormatName, _Place] = {
    "json": _Place("plain_json", "PlainJson"),
    "ess": _Place("ess", "Ess", "ess"),
    "bluesky": _Place("bluesky", "Bluesky", "bluesky"),
    "schema_registry": _Place("schema_registry", "SchemaRegistryFraming", "schema-registry"),
    "icat": _Place("icat", "Icat"),
    "s3": _Place("s3", "S3Notification"),
}
_ANY_MEDIA_TYPE = (None, "", "application/octet-stream", "binary/octet-stream", "text/plain")


class _Formats(dict["FormatName", "Format"]):
    """Every format by its name; a format's packages are imported when it is first asked for."""

    def __missing__(self, name: FormatName) -> Format:
        place = _PLACES[name]
        try:
            module = import_module(f"{__name__}.{place.module}")
        except ModuleNotFoundError as error:
            if place.extra is None or (error.name or "").startswith("scicat_ingest"):
                raise
            message = f"sources[].formats: {name} needs scicat-ingest[{place.extra}] ({error.name} is not installed)"
            raise ExtraMissing(message, hint=f"pip install 'scicat-ingest[{place.extra}]'") from None
        reader: Format = getattr(module, place.reader)()
        self[name] = reader
        return reader


FORMATS: dict[FormatName, Format] = _Formats()
"""By name, loaded at the first look-up, which raises ExtraMissing."""


class Installed(NamedTuple):
    """Whether a format can be read here."""

    name: FormatName
    extra: str | None
    """What it needs: `scicat-ingest[extra]`; None for what is always there."""
    missing: str | None
    """Why it cannot be read; None if it can."""


def installed_formats() -> tuple[Installed, ...]:
    """Tell of each format whether it can be read here."""
    return tuple(Installed(name, place.extra, _missing(name)) for name, place in _PLACES.items())


def _missing(name: FormatName) -> str | None:
    try:
        _ = FORMATS[name]
    except ExtraMissing as fault:
        return fault.message
    return None


def formats_for(source: SourceSettings) -> tuple[Format, ...]:
    """Give the formats that a source takes, JSON among them. Raises ExtraMissing."""
    wanted = {*source.formats, "json"}
    return tuple(FORMATS[name] for name in _PLACES if name in wanted)


def read_record(
    record: Record, formats: Sequence[Format], limits: LimitsSettings
) -> Document | Part | NeedsSchema | Ignored:
    """Read a record in whichever of the formats it is. Raises UndecodableRecord, and nothing else."""
    if not record.value:
        return Ignored("tombstone")
    opened = open_cloud_event(record, limits)
    if not opened.value:
        return Ignored("tombstone")
    try:
        return _choose(opened, formats).read(opened, limits)
    except (
        RecursionError
    ):  # a deep document, where `limits.max_event_depth` allows nearly as many levels as Python does
        raise TooDeep(f"expected at most {limits.max_event_depth} levels of objects and arrays") from None


def _choose(record: Record, formats: Sequence[Format]) -> Format:
    taken = {reader.name: reader for reader in formats}
    media = media_type(record)
    told = format_of_media_type(media)
    if told is not None and told in taken:
        return taken[told]
    for name, sign in SIGNS:
        if name in taken and sign(record):
            return taken[name]
    other = told or next((name for name, sign in SIGNS if sign(record)), None)
    if other is not None:
        raise UnknownFormat(
            f"the record looks like the format {other}, which {record.topic} does not take",
            hint=f"add `{other}` to sources[].formats for this topic",
        )
    if media not in _ANY_MEDIA_TYPE and not is_json_media_type(media):
        raise UnknownFormat(f"the content type {excerpt(media)} is none that can be read", field="content-type")
    return taken["json"]
