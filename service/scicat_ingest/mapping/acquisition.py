"""One acquisition event becomes one catalogue entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scicat_ingest.catalogue.entry import CatalogueEntry
from scicat_ingest.decode.decoded import Decoded, Ignored
from scicat_ingest.faults import AcquisitionFailed, ForbiddenBySource
from scicat_ingest.mapping.attachments import build_attachments
from scicat_ingest.mapping.dataset import build_dataset, choose_host, creation_time, derive_fields, verbatim_fields
from scicat_ingest.mapping.files import BlockOwner, build_origdatablocks, list_files
from scicat_ingest.mapping.groups import choose_groups
from scicat_ingest.mapping.metadata import build_scientific_metadata
from scicat_ingest.mapping.people import choose_people
from scicat_ingest.mapping.pid import choose_pid
from scicat_ingest.mapping.source_folder import choose_source_folder

if TYPE_CHECKING:
    from scicat_ingest.catalogue.dataset import Dataset
    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.rules import MappingRules


def map_acquisition(decoded: Decoded, rules: MappingRules, record_timestamp_ms: int) -> CatalogueEntry | Ignored:
    """Map an event onto the documents that SciCat shall have.

    `record_timestamp_ms` is the record's Kafka timestamp (-1 for none), the last resort for creationTime. Raises
    InvalidEvent or UnmappableEvent with the path of the field.
    """
    event = decoded.event
    policy = "ingest" if event.status == "completed" else getattr(rules.mapping.on_status, event.status)
    if policy == "ignore":
        return Ignored(event.status)
    if policy == "dead_letter":
        raise AcquisitionFailed(f"the acquisition ended as {event.status}", field="status")
    _refuse_foreign_instrument(event, rules)
    pid = choose_pid(event, rules)
    groups = choose_groups(event, rules)
    people = choose_people(event, rules)
    folder = choose_source_folder(event, rules)
    verbatim = verbatim_fields(event, rules)
    created = creation_time(event, verbatim, record_timestamp_ms)
    files = list_files(event, folder, created)
    host, host_warnings = choose_host(event, verbatim)
    metadata, metadata_warnings = build_scientific_metadata(decoded, rules)
    fields = derive_fields(event, rules)
    fields |= {"size": sum(file.size for file in files), "numberOfFiles": len(files)}
    fields |= verbatim
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
        fields["keywords"] = [*(fields["keywords"] or ()), event.status]
    dataset = build_dataset(fields)
    owner = _block_owner(dataset, pid)
    attachments, attachment_warnings = build_attachments(event, owner, rules)
    return CatalogueEntry(
        pid=pid,
        acquisition_id=event.acquisitionId,
        revision=event.revision,
        dataset=dataset,
        origdatablocks=build_origdatablocks(files, event, owner, rules),
        attachments=attachments,
        warnings=(
            *decoded.warnings,
            *groups.warnings,
            *people.warnings,
            *host_warnings,
            *metadata_warnings,
            *_doubts(event),
            *attachment_warnings,
        ),
    )


def _refuse_foreign_instrument(event: AcquisitionCompleted, rules: MappingRules) -> None:
    allowed = rules.source.instruments
    if allowed is None:
        return
    named = [] if event.instrument is None else [event.instrument.id, event.instrument.name]
    named += (event.dataset or {}).get("instrumentIds") or []
    known = [name for name in named if name is not None]
    if not known:
        raise ForbiddenBySource("this source takes only its own instruments; the event names none", field="instrument")
    if known[0] not in allowed or any(name not in allowed for name in known[2:]):
        raise ForbiddenBySource(f"this source does not take events of {known[0]!r}", field="instrument")


def _block_owner(dataset: Dataset, pid: str) -> BlockOwner:
    return BlockOwner(
        pid=pid,
        owner_group=dataset.ownerGroup,
        access_groups=dataset.accessGroups or [],
        instrument_group=dataset.instrumentGroup,
        is_published=bool(dataset.isPublished),
    )


def _doubts(event: AcquisitionCompleted) -> list[str]:
    """What is taken as it is, but worth a look."""
    doubts = []
    if event.startedAt and event.endedAt and event.endedAt < event.startedAt:
        doubts.append("endedAt: it is before startedAt")
    if not event.checksumAlgorithm and not (event.origdatablock or {}).get("chkAlg"):
        unnamed = sum(1 for file in event.files or () if file.checksum)
        if unnamed:
            doubts.append(f"checksumAlgorithm: missing, so the checksums of {unnamed} files cannot be verified")
    return doubts
