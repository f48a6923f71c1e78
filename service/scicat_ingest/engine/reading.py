"""What a record asks for, as far as nothing must be waited for (pure): bytes to a document, to an event, to a plan."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from scicat_ingest.catalogue.times import from_epoch_ms, write_time
from scicat_ingest.decode.decoded import NATIVE, Decoded, Ignored, MappedBy
from scicat_ingest.decode.event import CLOUD_EVENT_TYPE
from scicat_ingest.decode.formats import read_record
from scicat_ingest.decode.native import accept_mapped, accept_native, refuse_unmatched
from scicat_ingest.faults import ForbiddenBySource, InternalError, RecordFault
from scicat_ingest.mapping.acquisition import identify, map_acquisition
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP, LookedUp, what_to_look_up
from scicat_ingest.mapping.pid import choose_pid
from scicat_ingest.mapping.source_folder import is_inside, roots_of
from scicat_ingest.plan.steps import Plan, plan_steps
from scicat_ingest.storage.needs_file import NeedsFile
from scicat_ingest.storage.roots import Roots
from scicat_ingest.translate.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scicat_ingest.catalogue.file_list import FileList
    from scicat_ingest.consume.record import Record
    from scicat_ingest.decode.document import Document, NeedsSchema, Part
    from scicat_ingest.decode.event import AcquisitionCompleted
    from scicat_ingest.mapping.lookups import Wanted
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.translate.mapping_file import Acquisition, MappingFile

_LOG = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that is to be mapped, and what must be known first."""

    decoded: Decoded
    rules: MappingRules
    pid: str
    wanted: tuple[Wanted, ...]

    @property
    def is_complete(self) -> bool:
        """Whether nothing must be known that the event does not say."""
        skipped = self.rules.policy_for(self.decoded.event.status) != "ingest"
        return skipped or not (self.wanted or self.lists_files_elsewhere or self.needs_pictures)

    @property
    def lists_files_elsewhere(self) -> bool:
        """Whether files must be looked for or at: a manifest, a scan, or a list that is to be compared."""
        event = self.decoded.event
        if event.fileManifest is not None or event.scan is not None:
            return True
        return bool(event.files) and self.rules.files.looks_at_listed_files

    @property
    def needs_pictures(self) -> bool:
        """Whether an attachment must be made from a file."""
        given = self.decoded.event.attachments or ()
        return any(attachment.path is not None or attachment.plot is not None for attachment in given)


def read(record: Record, rules: MappingRules) -> Document | Part | NeedsSchema | Ignored | RecordFault:
    """Say what a record is.

    A CloudEvent that can only be of no use is not even read: it may be in any format.
    """
    event_type = record.header("ce_type")
    if record.value and not rules.mappings and event_type not in (None, CLOUD_EVENT_TYPE):
        return faults_as_values(record, lambda: refuse_unmatched(event_type, rules.source))
    return faults_as_values(record, lambda: read_record(record, rules.formats, rules.limits))


def understand(document: Document, record: Record, rules: MappingRules) -> Accepted | NeedsFile | Ignored | RecordFault:
    """Say what a document asks for, by the first mapping file that matches, else as a native event."""

    def work() -> Accepted | NeedsFile | Ignored:
        mapping = None
        if rules.mappings:
            context = _context(document, record, rules)
            mapping = rules.mappings.choose(context)
        if mapping is None:
            native = accept_native(document, rules.source, rules.mapping, rules.limits)
            return native if isinstance(native, Ignored) else _accepted(native, rules)
        path = mapping.source(context, "nexus")
        if path is None:
            return _translated(mapping.acquisition(context, None), document, mapping, rules)
        return _needs_file(document, mapping, context, path, rules)

    return faults_as_values(record, work)


def understand_with_file(
    needs: NeedsFile, acquisition: Acquisition, record: Record, rules: MappingRules
) -> Accepted | RecordFault:
    """Say what a document asks for, now that its file was read."""

    def work() -> Accepted:
        accepted = _translated(acquisition, needs.document, needs.mapping, rules)
        if not any(is_inside(needs.path, root) for root in roots_of(accepted.decoded.event, rules)):
            message = f"{needs.path!r} is not a file of the instrument and proposal that it names"
            raise ForbiddenBySource(message, field="sources.nexus")
        return accepted

    return faults_as_values(record, work)


def plan_accepted(
    record: Record,
    accepted: Accepted,
    looked_up: LookedUp = NOTHING_LOOKED_UP,
    listed: FileList | None = None,
) -> Plan | Ignored | RecordFault:
    """Say what an event asks for, with all that had to be known."""

    def work() -> Plan | Ignored:
        entry = map_acquisition(accepted.decoded, accepted.rules, record.timestamp_ms, looked_up, listed)
        return entry if isinstance(entry, Ignored) else plan_steps(entry, len(record.value or b""), record.timestamp_ms)

    return faults_as_values(record, work)


def guess_pid(document: Document, record: Record, rules: MappingRules) -> str | None:
    """Give the pid of an event that is refused, if what its pid is made of is good; None if that cannot be told."""

    def work() -> str | None:
        context = _context(document, record, rules)
        mapping = rules.mappings.choose(context)
        if mapping is None:
            return _pid_of(_names_of(document), document, rules)
        known, tells_pid = mapping.early(context)
        return _pid_of(known, document, rules.trusting) if tells_pid else None

    found = faults_as_values(record, work)
    return found if isinstance(found, str) else None


def faults_as_values(record: Record, work: Callable[[], Result]) -> Result | RecordFault:
    """Do the work; a fault of the record is a result. Raises ConfigurationFault, and what is waited for."""
    try:
        return work()
    except RecordFault as fault:
        return fault
    except Exception as error:  # noqa: BLE001 (logged with its traceback; one record must not stop the others)
        _LOG.exception("%s cannot be mapped because of a fault in this service, please report it", record)
        return InternalError(f"{type(error).__name__}: {error}")


def _context(document: Document, record: Record, rules: MappingRules) -> Context:
    return Context(
        event=document.content,
        headers={name.lower(): text.decode("utf-8", "replace") for name, text in record.headers},
        record={
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": _timestamp(record),
            "key": None if record.key is None else record.key.decode("utf-8", "replace"),
            "format": document.format,
            "type": document.event_type,
        },
        source={"pid_prefix": rules.pid_prefix},
    )


def _timestamp(record: Record) -> str | None:
    try:
        return write_time(from_epoch_ms(record.timestamp_ms)) if record.timestamp_ms >= 0 else None
    except ValueError:
        return None


def _translated(acquisition: Acquisition, document: Document, mapping: MappingFile, rules: MappingRules) -> Accepted:
    by = MappedBy(mapping.name, mapping.digest, mapping.metadata_schema, acquisition.defaulted)
    decoded = accept_mapped(acquisition.fields, document, by, rules.mapping, rules.limits)
    return _accepted(decoded, rules.trusting)


def _accepted(decoded: Decoded, rules: MappingRules) -> Accepted:
    wanted = what_to_look_up(decoded.event, rules)
    return Accepted(decoded, rules, identify(decoded.event, rules), wanted)


def _names_of(document: Document) -> dict[str, Any]:
    """Give what the pid of a native event is made of; each as it is, if it is of the wrong type."""
    known = {name: document.content[name] for name in ("acquisitionId", "pid") if name in document.content}
    for name, parts in (("instrument", ("id", "name")), ("dataset", ("pid",))):
        given = document.content.get(name)
        known[name] = {part: given.get(part) for part in parts} if isinstance(given, dict) else given
    return known


def _pid_of(known: Mapping[str, Any], document: Document, rules: MappingRules) -> str:
    """Give the pid of an event of which no more than this is known. Raises RecordFault."""
    event = accept_mapped({**known, "noFiles": True}, document, NATIVE, rules.mapping, rules.limits).event
    return choose_pid(event, rules)


def _needs_file(
    document: Document, mapping: MappingFile, context: Context, path: str, rules: MappingRules
) -> NeedsFile:
    """Collect what must be known before the file is opened: the pid for the order, the folders that it may be in."""
    known, tells_pid = mapping.early(context)
    by = MappedBy(mapping.name, mapping.digest)
    early = {"acquisitionId": "not known yet", **known, "noFiles": True}
    event: AcquisitionCompleted = accept_mapped(early, document, by, rules.mapping, rules.limits).event
    pid = identify(event, rules.trusting) if tells_pid else None
    roots = Roots(roots_of(event, rules), rules.files.mounts)
    return NeedsFile(document, mapping, context, path, roots, pid)
