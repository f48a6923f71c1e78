"""The record is wrong: it becomes a dead letter at once."""

from __future__ import annotations

from scicat_ingest.faults.base import IngestFault


class RecordFault(IngestFault):
    """The record is wrong: it becomes a dead letter at once and never blocks its partition."""

    fault_class = "record"


class UndecodableRecord(RecordFault):
    """The record's bytes are not a JSON object that we can read."""


class TooLarge(UndecodableRecord):
    """The record's value is larger than `limits.max_event_bytes`."""

    code = "too_large"
    default_hint = "send long file lists as a manifest; or raise limits.max_event_bytes, then replay the record"


class InvalidUtf8(UndecodableRecord):
    """The value is not UTF-8, or a string in it holds half of a surrogate pair."""

    code = "invalid_utf8"
    default_hint = "the producer must encode the event as UTF-8 and send it anew; then purge this letter"


class InvalidJson(UndecodableRecord):
    """The value is not JSON."""

    code = "invalid_json"
    default_hint = "the producer must mend its JSON and send the event anew; then purge this letter"


class DuplicateKey(UndecodableRecord):
    """An object has the same key twice, so one of its values would be lost."""

    code = "duplicate_key"
    default_hint = "the producer must send each key once, in a new event; then purge this letter"


class NonFiniteNumber(UndecodableRecord):
    """NaN, Infinity, or a number too large for a double."""

    code = "non_finite_number"
    default_hint = (
        "JSON has no NaN or infinity: send the event anew without the value, or with a string; then purge this letter"
    )


class TooDeep(UndecodableRecord):
    """Objects and arrays are nested deeper than `limits.max_event_depth`."""

    code = "too_deep"
    default_hint = "flatten the event; or raise limits.max_event_depth, then replay the record"


class NotAnObject(UndecodableRecord):
    """The value is JSON, but not an object."""

    code = "not_an_object"
    default_hint = "the producer must send one JSON object a record, anew; then purge this letter"


class CorruptRecord(UndecodableRecord):
    """The bytes are not what their format says: a broken FlatBuffer, msgpack, XML or Avro."""

    code = "corrupt_record"
    default_hint = "the producer must send it anew; then purge this letter"


class UnknownFormat(UndecodableRecord):
    """The record is in a format that its source does not take, or that nobody here can read."""

    code = "unknown_format"
    default_hint = (
        "docs/formats.md lists what can be read; `sources[].formats` says what this topic takes: then replay the record"
    )


class InvalidEvent(RecordFault):
    """The record is JSON, but not a valid acquisition event."""


class Unmatched(InvalidEvent):
    """The record says by its CloudEvents type that it is something else."""

    code = "unmatched"
    default_hint = "send such events to another topic, or set unmatched: ignore for this source; then purge this letter"


class UnsupportedVersion(InvalidEvent):
    """`specVersion` has a major version that this release does not know."""

    code = "unsupported_version"
    default_hint = 'this release reads specVersion "1": send it as that, or replay the record after an upgrade'


class MissingField(InvalidEvent):
    """A field that is needed is missing, and no default is configured."""

    code = "missing_field"
    default_hint = "send the event again with it, under the same acquisitionId"


class InvalidField(InvalidEvent):
    """A field has the wrong type or a value out of its range."""

    code = "invalid_field"
    default_hint = "send a corrected event under the same acquisitionId"


class UnknownField(InvalidEvent):
    """A field is not known, and so close to a known one that it is probably meant."""

    code = "unknown_field"
    default_hint = "send it under the name that is meant, or below `extensions`"


class MappingFailed(InvalidEvent):
    """A mapping file cannot make an acquisition of this event."""

    code = "mapping_failed"
    default_hint = "mend the mapping file (`scicat-ingest map --explain` tries it), then replay the record"


class InvalidMetadata(InvalidEvent):
    """The metadata break a rule of `lint`, or the mapping's JSON Schema, whose policy is `reject`."""

    code = "invalid_metadata"
    default_hint = (
        "send the event again with better metadata; or let `lint` in the settings pass it, then replay the record"
    )


class InvalidManifest(InvalidEvent):
    """The file manifest is not what the event says, or no manifest at all."""

    code = "invalid_manifest"
    default_hint = "mend the manifest, then replay the record; or send the event again with what it has now"


class TooManyFiles(InvalidEvent):
    """More files than `limits.max_inline_files` in an event, or than `files.max_files` in a manifest or scan."""

    code = "too_many_files"
    default_hint = "send long file lists as a manifest; or raise the limit, then replay the record"


class UnmappableEvent(RecordFault):
    """The event is valid, but may not become a dataset."""


class AcquisitionFailed(UnmappableEvent):
    """The event's status says that there is nothing to ingest, and the policy for it is `dead_letter`."""

    code = "acquisition_failed"
    default_hint = "purge it if nothing is to be kept; or set mapping.on_status to ingest, then replay the record"


class ForbiddenBySource(UnmappableEvent):
    """The event sets something, or names a folder, that its topic was not given."""

    code = "forbidden_by_source"
    default_hint = (
        "if it is to be allowed, add it to this topic's `sources` and replay the record; else send a corrected event"
    )


class PathOutsideSource(UnmappableEvent):
    """A file's path leaves the source folder."""

    code = "path_outside_source"
    default_hint = "send the event again with paths below source.folder, without `..`"


class DuplicatePath(UnmappableEvent):
    """Two files have the same path: readers of the dataset could not tell them apart."""

    code = "duplicate_path"
    default_hint = "send the event again with each file once"


class FileNotThere(UnmappableEvent):
    """A file or folder that the event names is not there, also after `files.wait_seconds`."""

    code = "file_not_there"
    default_hint = "replay the record when it is there"


class FileUnreadable(UnmappableEvent):
    """A file that the event names cannot be read: truncated, locked, changing or forbidden, also after waiting."""

    code = "file_unreadable"
    default_hint = "replay the record when it can be read"


class ChecksumMismatch(UnmappableEvent):
    """A file is not the one that the event describes: its checksum or size is another."""

    code = "checksum_mismatch"
    default_hint = "find out whether the file or the event is right; then replay the record, or send a corrected event"


class RunIncomplete(UnmappableEvent):
    """The records of a run did not all come within `joins.ttl_seconds`."""

    code = "run_incomplete"
    default_hint = "replay the run's records, all of them"


class EarlierFailed(UnmappableEvent):
    """An earlier record of the acquisition is a dead letter, and the source says `on_lane_failure: dead_letter`."""

    code = "earlier_failed"
    default_hint = "mend and replay the earlier one, then this one: `dlq replay` keeps their order"


class InternalError(RecordFault):
    """A fault of this service, brought out by this record; the log has the traceback."""

    code = "internal_error"
    default_hint = "report it with the dead letter; replay the record after an upgrade"


class RefusedByCatalogue(RecordFault):
    """SciCat refuses the record for good."""

    def __init__(
        self, message: str, *, field: str | None = None, hint: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.status = status
        """Of SciCat's answer; None if no single answer says it."""


class RejectedByCatalogue(RefusedByCatalogue):
    """SciCat answered that the document is not valid."""

    code = "rejected_by_catalogue"
    default_hint = "the message has SciCat's answer: correct the event or the mapping, then replay the record"


class ForbiddenGroup(RefusedByCatalogue):
    """Our account may not write for the dataset's ownerGroup."""

    code = "forbidden_group"
    default_hint = (
        "let the SciCat administrator add the account to CREATE_DATASET_PRIVILEGED_GROUPS or to the group; then replay"
    )


class PidTaken(RefusedByCatalogue):
    """A dataset with this pid exists and is not this acquisition's."""

    code = "pid_taken"
    default_hint = (
        "compare the two datasets; if ours is right, let theirs be removed and replay; "
        "else send a new acquisitionId or pid"
    )


class StaleRevision(RefusedByCatalogue):
    """The catalogue already has a higher revision of this acquisition."""

    code = "stale"
    default_hint = "purge it if what SciCat has is right; else send a still higher revision"


class DependencyMissing(RefusedByCatalogue):
    """What the event names is not in SciCat, and `lookups.on_missing` is `dead_letter`."""

    code = "dependency_missing"
    default_hint = "register it in SciCat, then replay the record"


class DiffersFromCatalogue(RefusedByCatalogue):
    """The dataset is there and ours, but not as the event says, and `scicat.on_conflict` is `dead_letter`."""

    code = "differs"
    default_hint = "put the dataset right and replay, or set scicat.on_conflict to keep or update"


class KillsCatalogue(RefusedByCatalogue):
    """SciCat went down twice in a row while nothing but this record was under way."""

    code = "kills_catalogue"
    default_hint = "report it to the SciCat administrator with the backend's log; replay after it is mended"


class TooLargeForCatalogue(RefusedByCatalogue):
    """One document is larger than SciCat takes, even alone."""

    code = "too_large_for_catalogue"
    default_hint = (
        "shorten metadata; or raise scicat.max_body_bytes and the server's MAX_FILE_UPLOAD_SIZE, then replay the record"
    )
