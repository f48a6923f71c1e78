"""The native format: a JSON object in the record's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from scicat_ingest.decode.decoded import Decoded, Ignored
from scicat_ingest.decode.event import CLOUD_EVENT_TYPE, AcquisitionCompleted
from scicat_ingest.decode.first_fault import excerpt, first_fault
from scicat_ingest.decode.json_object import parse_json_object
from scicat_ingest.decode.unknown_fields import find_unknown_names
from scicat_ingest.faults import (
    InvalidField,
    MissingField,
    NotSupported,
    TooManyFiles,
    UnknownField,
    Unmatched,
    UnsupportedVersion,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.consume.record import Record
    from scicat_ingest.settings import LimitsSettings, MappingSettings, SourceSettings

_FILE_LISTS = ("files", "fileManifest", "scan", "noFiles")


def decode_native(
    record: Record, source: SourceSettings, mapping: MappingSettings, limits: LimitsSettings
) -> Decoded | Ignored:
    """Read a record as an acquisition event.

    An empty value (a tombstone) is ignored, as is a CloudEvent of another type where the source says so. Raises
    UndecodableRecord or InvalidEvent with the path of the field and what was expected.
    """
    if not record.value:
        return Ignored("tombstone")
    event_type = record.header("ce_type")
    if event_type not in (None, CLOUD_EVENT_TYPE):
        if source.unmatched == "ignore":
            return Ignored("unmatched")
        raise Unmatched(f"expected CloudEvents type {CLOUD_EVENT_TYPE}, got {excerpt(event_type)}", field="ce_type")
    document = parse_json_object(record.value, max_bytes=limits.max_event_bytes, max_depth=limits.max_event_depth)
    _refuse_other_version(document)
    _refuse_long_list(document, limits.max_inline_files)
    event = _validate(document, mapping)
    warnings = _judge_unknown_names(event, mapping)
    _require_one_file_list(event)
    _refuse_what_is_not_supported(event)
    return Decoded(event, event_source=record.header("ce_source") or record.topic, warnings=warnings)


def _refuse_other_version(document: Mapping[str, Any]) -> None:
    version = document.get("specVersion")
    if isinstance(version, (str, int)) and not isinstance(version, bool):
        major = str(version).partition(".")[0]
        if major != "1":
            raise UnsupportedVersion(f'expected major version "1", got {excerpt(version)}', field="specVersion")


def _refuse_long_list(document: Mapping[str, Any], most: int) -> None:
    files = document.get("files")
    if isinstance(files, list) and len(files) > most:
        raise TooManyFiles(f"expected at most {most} files in an event, got {len(files)}", field="files")


def _validate(document: dict[str, Any], mapping: MappingSettings) -> AcquisitionCompleted:
    try:
        return AcquisitionCompleted.model_validate(document, context={"zone": mapping.zone})
    except ValidationError as error:
        raise first_fault(error.errors(include_url=False), document) from None


def _judge_unknown_names(event: AcquisitionCompleted, mapping: MappingSettings) -> tuple[str, ...]:
    warnings = []
    for unknown in find_unknown_names(event):
        if unknown.probably:
            hint = f"is {unknown.probably!r} meant? Anything that is not for SciCat goes into `extensions`"
            raise UnknownField("this field is not known", field=unknown.path, hint=hint)
        if mapping.unknown_fields == "reject":
            hint = "mapping.unknown_fields is `reject`; anything that is not for SciCat goes into `extensions`"
            raise UnknownField("this field is not known", field=unknown.path, hint=hint)
        warnings.append(f"{unknown.path}: this field is not known and was left out")
    return tuple(warnings)


def _require_one_file_list(event: AcquisitionCompleted) -> None:
    given = [name for name in _FILE_LISTS if getattr(event, name) not in (None, False)]
    if not given:
        raise MissingField(
            "an event says where its files are",
            field="files",
            hint="give exactly one of files, fileManifest, scan, or noFiles: true",
        )
    if len(given) > 1:
        raise InvalidField(
            f"expected exactly one of {', '.join(_FILE_LISTS)}, got {' and '.join(given)}", field=given[1]
        )
    if given == ["files"] and not event.files:
        raise InvalidField(
            "expected at least one file", field="files", hint="a dataset without files says noFiles: true"
        )


def _refuse_what_is_not_supported(event: AcquisitionCompleted) -> None:
    for name in ("fileManifest", "scan"):
        if getattr(event, name) is not None:
            raise NotSupported(
                "this release takes inline file lists only", field=name, hint="list the files in `files`"
            )
    for index, attachment in enumerate(event.attachments or ()):
        if attachment.path is not None:
            raise NotSupported(
                "this release takes inline thumbnails only",
                field=f"attachments[{index}].path",
                hint="send the picture as a data URL in `thumbnail`",
            )
