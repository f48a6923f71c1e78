"""From a document to an acquisition event: the native one, or what a mapping file made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from scicat_ingest.decode.decoded import NATIVE, Decoded, Ignored, MappedBy
from scicat_ingest.decode.event import CLOUD_EVENT_TYPE, AcquisitionCompleted
from scicat_ingest.decode.first_fault import excerpt, first_fault
from scicat_ingest.decode.unknown_fields import find_unknown_names
from scicat_ingest.faults import (
    InvalidField,
    MissingField,
    TooManyFiles,
    UnknownField,
    Unmatched,
    UnsupportedVersion,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scicat_ingest.decode.document import Document
    from scicat_ingest.settings import LimitsSettings, MappingSettings, SourceSettings

_FILE_LISTS = ("files", "fileManifest", "scan", "noFiles")
_MOST_ITEMS = 1000
"""Techniques, input datasets, relationships of one attachment."""
_MOST_SHOWN = 20
_PICTURES = ("thumbnail", "path", "plot")


def accept_native(
    document: Document, source: SourceSettings, mapping: MappingSettings, limits: LimitsSettings
) -> Decoded | Ignored:
    """Take a document as an acquisition event.

    A CloudEvent of another type, or a document in a foreign format, is ignored where the source says so. Raises
    InvalidEvent with the path of the field and what was expected.
    """
    if document.event_type not in (None, CLOUD_EVENT_TYPE):
        return refuse_unmatched(document.event_type, source)
    if document.format != "json":
        return _refuse_foreign(document, source)
    _refuse_unmarked_cloud_event(document.content)
    return _accept(document.content, document, NATIVE, mapping, limits)


def _refuse_unmarked_cloud_event(content: Mapping[str, Any]) -> None:
    """Say what is wrong with it: an event without an acquisitionId would not tell its producer much."""
    if "acquisitionId" not in content and "specversion" in content and ("data" in content or "data_base64" in content):
        message = "is needed and missing: this is a CloudEvent, and its record does not say so"
        hint = "send it again with the header content-type: application/cloudevents+json; then purge this letter"
        raise MissingField(message, field="acquisitionId", hint=hint)


def accept_mapped(
    content: Mapping[str, Any], document: Document, by: MappedBy, mapping: MappingSettings, limits: LimitsSettings
) -> Decoded:
    """Take what a mapping file made of a document. Raises InvalidEvent."""
    return _accept(content, document, by, mapping, limits)


def refuse_unmatched(event_type: str | None, source: SourceSettings) -> Ignored:
    """Ignore a CloudEvent of another type, if the source says so. Raises Unmatched."""
    if source.unmatched == "ignore":
        return Ignored("unmatched")
    raise Unmatched(f"expected CloudEvents type {CLOUD_EVENT_TYPE}, got {excerpt(event_type)}", field="ce_type")


def _refuse_foreign(document: Document, source: SourceSettings) -> Ignored:
    if source.unmatched == "ignore":
        return Ignored("unmatched")
    hint = "turn on a mapping file for it: mapping.shipped, mapping.folder (docs/mapping-files.md)"
    raise Unmatched(f"no mapping file matches this record, which is in the format {document.format}", hint=hint)


def _accept(
    content: Mapping[str, Any], document: Document, by: MappedBy, mapping: MappingSettings, limits: LimitsSettings
) -> Decoded:
    _refuse_other_version(content)
    _refuse_long_lists(content, limits)
    event = _validate(content, mapping)
    warnings = _judge_unknown_names(event, mapping)
    _require_one_file_list(event)
    _require_one_picture(event)
    return Decoded(event, document.event_source, (*document.warnings, *warnings), by)


def _refuse_other_version(document: Mapping[str, Any]) -> None:
    version = document.get("specVersion")
    if isinstance(version, (str, int)) and not isinstance(version, bool):
        major = str(version).partition(".")[0]
        if major != "1":
            raise UnsupportedVersion(f'expected major version "1", got {excerpt(version)}', field="specVersion")


def _refuse_long_lists(document: Mapping[str, Any], limits: LimitsSettings) -> None:
    """Refuse them before they are validated: each object of a list takes a hundred times its bytes then."""
    files = document.get("files")
    if isinstance(files, list) and len(files) > limits.max_inline_files:
        message = f"expected at most {limits.max_inline_files} files in an event, got {len(files)}"
        raise TooManyFiles(message, field="files")
    attachments = document.get("attachments")
    _refuse_long(attachments, limits.max_attachments, "attachments")
    for index, attachment in enumerate(attachments if isinstance(attachments, list) else ()):
        if isinstance(attachment, dict):
            _refuse_long(attachment.get("relationships"), _MOST_ITEMS, f"attachments[{index}].relationships")
    for name in ("techniques", "inputDatasets"):
        _refuse_long(document.get(name), _MOST_ITEMS, name)
    dataset = document.get("dataset")
    _refuse_long(dataset.get("techniques") if isinstance(dataset, dict) else None, _MOST_ITEMS, "dataset.techniques")


def _refuse_long(items: Any, most: int, field: str) -> None:
    if isinstance(items, list) and len(items) > most:
        raise InvalidField(f"expected at most {most} items, got {len(items)}", field=field)


def _validate(document: Mapping[str, Any], mapping: MappingSettings) -> AcquisitionCompleted:
    try:
        return AcquisitionCompleted.model_validate(document, context={"zone": mapping.zone})
    except ValidationError as error:
        raise first_fault(error.errors(include_url=False), document) from None


def _judge_unknown_names(event: AcquisitionCompleted, mapping: MappingSettings) -> tuple[str, ...]:
    warnings, count = [], 0
    for unknown in find_unknown_names(event):
        if unknown.probably:
            hint = f"is {unknown.probably!r} meant? Anything that is not for SciCat goes into `extensions`"
            raise UnknownField("this field is not known", field=unknown.path, hint=hint)
        if mapping.unknown_fields == "reject":
            hint = "mapping.unknown_fields is `reject`; anything that is not for SciCat goes into `extensions`"
            raise UnknownField("this field is not known", field=unknown.path, hint=hint)
        count += 1
        if count <= _MOST_SHOWN:
            warnings.append(f"{unknown.path}: this field is not known and was left out")
    if count > _MOST_SHOWN:
        warnings.append(f"{count - _MOST_SHOWN} more fields are not known and were left out")
    return tuple(warnings)


def _require_one_picture(event: AcquisitionCompleted) -> None:
    for index, attachment in enumerate(event.attachments or ()):
        given = [name for name in _PICTURES if getattr(attachment, name) is not None]
        if len(given) > 1:
            message = f"expected at most one of {', '.join(_PICTURES)}, got {' and '.join(given)}"
            raise InvalidField(message, field=f"attachments[{index}].{given[1]}")


def _require_one_file_list(event: AcquisitionCompleted) -> None:
    given = [name for name in _FILE_LISTS if getattr(event, name) not in (None, False)]
    if not given:
        raise MissingField(
            "is missing, and so is all else that says where the files are",
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
