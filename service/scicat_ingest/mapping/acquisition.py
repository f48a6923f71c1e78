"""One acquisition event becomes one catalogue entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.entry import CatalogueEntry
from scicat_ingest.decode.decoded import Decoded, Ignored
from scicat_ingest.faults import AcquisitionFailed, ForbiddenBySource, InvalidField
from scicat_ingest.mapping.attachments import build_attachments
from scicat_ingest.mapping.dataset import (
    build_dataset,
    choose_host,
    creation_time,
    derive_fields,
    inherited_from,
    lint_fields,
    verbatim_fields,
)
from scicat_ingest.mapping.files import build_origdatablocks, list_inline_files
from scicat_ingest.mapping.groups import choose_groups
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP
from scicat_ingest.mapping.metadata import build_scientific_metadata
from scicat_ingest.mapping.people import choose_people
from scicat_ingest.mapping.pid import choose_pid, instrument_name
from scicat_ingest.mapping.source_folder import choose_source_folder

if TYPE_CHECKING:
    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.lookups import LookedUp
    from scicat_ingest.mapping.rules import MappingRules


def identify(event: AcquisitionCompleted, rules: MappingRules) -> str:
    """Give the pid. Raises ForbiddenBySource if it, or the instrument, is not the source's own; InvalidField."""
    _refuse_foreign_instrument(event, rules)
    return choose_pid(event, rules)


def map_acquisition(
    decoded: Decoded,
    rules: MappingRules,
    record_timestamp_ms: int,
    looked_up: LookedUp = NOTHING_LOOKED_UP,
    listed: FileList | None = None,
) -> CatalogueEntry | Ignored:
    """Map an event onto the documents that SciCat shall have.

    `record_timestamp_ms` is the record's Kafka timestamp (-1 for none), the last resort for creationTime. `looked_up`
    has the answers to `what_to_look_up`; without them nothing is known. `listed` are the files of an event that does
    not list them itself. Raises InvalidEvent or UnmappableEvent with the
    path of the field.
    """
    event = decoded.event
    policy = rules.policy_for(event.status)
    if policy == "ignore":
        return Ignored(event.status)
    if policy == "dead_letter":
        raise AcquisitionFailed(f"the acquisition ended as {event.status}", field="status")
    pid = identify(event, rules)
    groups = choose_groups(event, rules, looked_up)
    people = choose_people(event, rules, looked_up)
    folder = choose_source_folder(event, rules)
    verbatim = verbatim_fields(event, rules)
    created = creation_time(event, verbatim, record_timestamp_ms)
    files = list_inline_files(event, folder, created) if listed is None else listed
    host, host_warnings = choose_host(event, verbatim)
    metadata, metadata_warnings = build_scientific_metadata(decoded, rules)
    fields = derive_fields(event, rules, looked_up)
    fields |= {"size": files.size, "numberOfFiles": files.count}
    fields |= verbatim
    linted, lint_warnings = lint_fields(fields, verbatim, rules)
    fields |= linted
    fields |= {
        "pid": pid,
        "ownerGroup": groups.owner,
        "accessGroups": list(groups.access),
        "instrumentGroup": groups.instrument,
        "owner": people.owner,
        "ownerEmail": people.owner_email,
        "contactEmail": people.contact_email,
        "sourceFolder": folder,
        "sourceFolderHost": host,
        "creationTime": created,
        "scientificMetadata": metadata,
    }
    if event.status != "completed":
        fields["keywords"] = _with_keyword(fields["keywords"], event.status)
    dataset = build_dataset(fields, rules)
    inherited = inherited_from(dataset, pid)
    attachments, attachment_warnings = build_attachments(event, inherited, rules)
    return CatalogueEntry(
        pid=pid,
        acquisition_id=event.acquisitionId,
        instrument=instrument_name(event),
        revision=event.revision,
        dataset=dataset,
        files=files,
        origdatablocks=build_origdatablocks(files, event, inherited, rules),
        attachments=attachments,
        warnings=(
            *decoded.warnings,
            *looked_up.warnings,
            *groups.warnings,
            *people.warnings,
            *host_warnings,
            *metadata_warnings,
            *lint_warnings,
            *_doubts(event),
            *files.warnings,
            *attachment_warnings,
        ),
        mapping=decoded.mapped_by.name,
        mapping_digest=rules.digest_for(decoded),
        files_complete=event.filesMode == "complete",
    )


def _refuse_foreign_instrument(event: AcquisitionCompleted, rules: MappingRules) -> None:
    allowed = rules.source.instruments
    if allowed is None:
        return
    name = instrument_name(event)
    if name is None:
        raise ForbiddenBySource("this source takes only its own instruments; the event names none", field="instrument")
    if name not in allowed:
        raise ForbiddenBySource(f"this source does not take events of {name!r}", field="instrument")
    field, others = "dataset.instrumentIds", (event.dataset or {}).get("instrumentIds") or []
    if not isinstance(others, list) or not all(isinstance(other, str) for other in others):
        raise InvalidField("expected an array of strings", field=field)
    for other in others:
        if other not in allowed:
            raise ForbiddenBySource(f"this source does not take events of {other!r}", field=field)


def _with_keyword(keywords: Any, keyword: str) -> Any:
    """Add a keyword; what is no array is left for the dataset's validation to refuse."""
    if keywords is None:
        return [keyword]
    return [*keywords, keyword] if isinstance(keywords, list) and keyword not in keywords else keywords


def _doubts(event: AcquisitionCompleted) -> list[str]:
    """List what is taken as it is, but worth a look."""
    doubts = []
    if event.startedAt and event.endedAt and event.endedAt < event.startedAt:
        doubts.append("endedAt: it is before startedAt")
    if not event.checksumAlgorithm and not (event.origdatablock or {}).get("chkAlg"):
        unnamed = sum(1 for file in event.files or () if file.checksum)
        if unnamed:
            doubts.append(f"checksumAlgorithm: missing, so the checksums of {unnamed} files cannot be verified")
    return doubts
