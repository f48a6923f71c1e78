"""Every expected fault, by who must act.

::

    IngestFault
    ├── RecordFault                 the record is wrong: dead letter now, never retried
    │   ├── UndecodableRecord       its bytes are no JSON object that we can read
    │   │   ├── TooLarge            too_large
    │   │   ├── InvalidUtf8         invalid_utf8
    │   │   ├── InvalidJson         invalid_json
    │   │   ├── DuplicateKey        duplicate_key
    │   │   ├── NonFiniteNumber     non_finite_number
    │   │   ├── TooDeep             too_deep
    │   │   └── NotAnObject         not_an_object
    │   ├── InvalidEvent            it is JSON, but no valid acquisition event
    │   │   ├── Unmatched           unmatched
    │   │   ├── UnsupportedVersion  unsupported_version
    │   │   ├── MissingField        missing_field
    │   │   ├── InvalidField        invalid_field
    │   │   ├── UnknownField        unknown_field
    │   │   ├── TooManyFiles        too_many_files
    │   │   └── NotSupported        not_supported
    │   ├── UnmappableEvent         it is a valid event that may not become a dataset
    │   │   ├── AcquisitionFailed   acquisition_failed
    │   │   ├── ForbiddenBySource   forbidden_by_source
    │   │   ├── PathOutsideSource   path_outside_source
    │   │   └── DuplicatePath       duplicate_path
    │   ├── InternalError           internal_error
    │   └── RefusedByCatalogue      SciCat will never take it
    │       ├── RejectedByCatalogue rejected_by_catalogue
    │       ├── ForbiddenGroup      forbidden_group
    │       ├── PidTaken            pid_taken
    │       ├── StaleRevision       stale
    │       ├── DependencyMissing   dependency_missing
    │       ├── DiffersFromCatalogue  differs
    │       ├── KillsCatalogue      kills_catalogue
    │       └── TooLargeForCatalogue  too_large_for_catalogue
    ├── CatalogueFault              SciCat or the way to it is in trouble: wait and try again
    │   ├── CatalogueUnavailable    catalogue_unavailable
    │   └── AmbiguousAnswer         ambiguous_answer
    ├── StreamFault                 Kafka is in trouble while we run: stop, lose nothing, start again
    │   ├── KafkaUnavailable        kafka_unavailable
    │   ├── CommitRefused           commit_refused
    │   ├── ClientBroken            client_broken
    │   └── Stalled                 stalled
    └── ConfigurationFault          our own set-up is wrong: halt, exit 78, lose nothing
        ├── InvalidSettings         invalid_settings
        ├── CredentialsRejected     credentials_rejected
        ├── WrongEndpoint           wrong_endpoint
        ├── MayNotCreate            may_not_create
        ├── CannotReadBack          cannot_read_back
        ├── KafkaUnreachable        kafka_unreachable
        ├── KafkaForbidden          kafka_forbidden
        ├── MissingTopic            missing_topic
        └── HistoryLost             history_lost

`code` is stable: the same word stands in dead-letter headers, logs and the documentation.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_CONFIG = 78
"""sysexits.h EX_CONFIG: the set-up is wrong, starting again will not help."""


class IngestFault(Exception):
    """An expected fault.

    `message` says what is wrong in one sentence, `field` where in the event (a path such as `files[3].size`, or None),
    `hint` how to mend it.
    """

    code: ClassVar[str] = "fault"
    fault_class: ClassVar[str] = "fault"
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = self.default_hint if hint is None else hint

    def __str__(self) -> str:
        """`field: message (hint)`, as far as they are known."""
        where = f"{self.field}: " if self.field else ""
        how = f" ({self.hint})" if self.hint else ""
        return f"{where}{self.message}{how}"


class RecordFault(IngestFault):
    """The record is wrong: it becomes a dead letter at once and never blocks its partition."""

    fault_class = "record"


class UndecodableRecord(RecordFault):
    """The record's bytes are not a JSON object that we can read."""


class TooLarge(UndecodableRecord):
    """The record's value is larger than `limits.max_event_bytes`."""

    code = "too_large"
    default_hint = "send long file lists as a manifest, or raise limits.max_event_bytes"


class InvalidUtf8(UndecodableRecord):
    """The value is not UTF-8, or a string in it holds half of a surrogate pair."""

    code = "invalid_utf8"
    default_hint = "encode the event as UTF-8"


class InvalidJson(UndecodableRecord):
    """The value is not JSON."""

    code = "invalid_json"
    default_hint = "send one JSON object a record"


class DuplicateKey(UndecodableRecord):
    """An object has the same key twice, so one of its values would be lost."""

    code = "duplicate_key"
    default_hint = "send each key once"


class NonFiniteNumber(UndecodableRecord):
    """NaN, Infinity, or a number too large for a double."""

    code = "non_finite_number"
    default_hint = "JSON has no NaN or infinity: leave the value out, or send it as a string"


class TooDeep(UndecodableRecord):
    """Objects and arrays are nested deeper than `limits.max_event_depth`."""

    code = "too_deep"
    default_hint = "flatten the event, or raise limits.max_event_depth"


class NotAnObject(UndecodableRecord):
    """The value is JSON, but not an object."""

    code = "not_an_object"
    default_hint = "send one JSON object a record"


class InvalidEvent(RecordFault):
    """The record is JSON, but not a valid acquisition event."""


class Unmatched(InvalidEvent):
    """The record says by its CloudEvents type that it is something else."""

    code = "unmatched"
    default_hint = "send such events to another topic, or set unmatched: ignore for this source"


class UnsupportedVersion(InvalidEvent):
    """`specVersion` has a major version that this release does not know."""

    code = "unsupported_version"
    default_hint = 'this release reads specVersion "1"'


class MissingField(InvalidEvent):
    """A field that is needed is missing, and no default is configured."""

    code = "missing_field"


class InvalidField(InvalidEvent):
    """A field has the wrong type or a value out of its range."""

    code = "invalid_field"


class UnknownField(InvalidEvent):
    """A field is not known, and so close to a known one that it is probably meant."""

    code = "unknown_field"


class TooManyFiles(InvalidEvent):
    """The event lists more files than `limits.max_inline_files`."""

    code = "too_many_files"
    default_hint = "send long file lists as a manifest"


class NotSupported(InvalidEvent):
    """The event asks for something that this release cannot do yet."""

    code = "not_supported"


class UnmappableEvent(RecordFault):
    """The event is valid, but may not become a dataset."""


class AcquisitionFailed(UnmappableEvent):
    """The event's status says that there is nothing to ingest, and the policy for it is `dead_letter`."""

    code = "acquisition_failed"
    default_hint = "mapping.on_status says what becomes of each status"


class ForbiddenBySource(UnmappableEvent):
    """The event sets something, or names a folder, that its topic was not given."""

    code = "forbidden_by_source"
    default_hint = "only what `sources` allows for this topic may be set by its events"


class PathOutsideSource(UnmappableEvent):
    """A file's path leaves the source folder."""

    code = "path_outside_source"
    default_hint = "list paths below source.folder, without `..`"


class DuplicatePath(UnmappableEvent):
    """Two files have the same path: readers of the dataset could not tell them apart."""

    code = "duplicate_path"
    default_hint = "list each file once"


class InternalError(RecordFault):
    """A fault of this service, brought out by this record; the log has the traceback."""

    code = "internal_error"
    default_hint = "report it with the dead letter; replay the record after an upgrade"


class RefusedByCatalogue(RecordFault):
    """SciCat refuses the record for good."""


class RejectedByCatalogue(RefusedByCatalogue):
    """SciCat answered that the document is not valid."""

    code = "rejected_by_catalogue"


class ForbiddenGroup(RefusedByCatalogue):
    """Our account may not write for the dataset's ownerGroup."""

    code = "forbidden_group"
    default_hint = "let the SciCat administrator add the account to CREATE_DATASET_PRIVILEGED_GROUPS or to the group"


class PidTaken(RefusedByCatalogue):
    """A dataset with this pid exists and is not this acquisition's."""

    code = "pid_taken"
    default_hint = "compare the two datasets; send a new acquisitionId or pid"


class StaleRevision(RefusedByCatalogue):
    """The catalogue already has a higher revision of this acquisition."""

    code = "stale"
    default_hint = "send a higher revision to change the dataset"


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
    default_hint = "shorten metadata, or raise scicat.max_body_bytes together with the server's MAX_FILE_UPLOAD_SIZE"


class CatalogueFault(IngestFault):
    """SciCat, or the way to it, is in trouble; nobody's record is to blame."""

    fault_class = "catalogue"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """Of SciCat's answer; None if there was none."""


class CatalogueUnavailable(CatalogueFault):
    """No answer, or one that says "not now": the request may be sent again as it is."""

    code = "catalogue_unavailable"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        certain: bool = True,
    ) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after
        """Seconds that the server asked us to wait, if it did."""
        self.certain = certain
        """Whether it said so itself, or nobody listens there; else there was no answer, which may be the network's."""


class AmbiguousAnswer(CatalogueFault):
    """A write may or may not have been stored: read before it is repeated."""

    code = "ambiguous_answer"


class StreamFault(IngestFault):
    """Kafka is in trouble while the service runs; whatever is not acknowledged comes again."""

    fault_class = "stream"


class KafkaUnavailable(StreamFault):
    """Kafka did not acknowledge in time."""

    code = "kafka_unavailable"
    default_hint = "nothing is lost: unfinished records come again when the service starts again"


class CommitRefused(StreamFault):
    """The partitions have moved on to another member of the group; it reads on from the last commit."""

    code = "commit_refused"


class ClientBroken(StreamFault):
    """A background task of the Kafka client has died: this process will never hear of Kafka again."""

    code = "client_broken"
    default_hint = "nothing is lost: unfinished records come again when the service starts again"


class Stalled(StreamFault):
    """The watchdog saw no progress where there should be some."""

    code = "stalled"
    default_hint = "nothing is lost: unfinished records come again when the service starts again"


class ConfigurationFault(IngestFault):
    """Our own set-up is wrong: the service halts, exits with 78, and loses nothing."""

    fault_class = "configuration"


class InvalidSettings(ConfigurationFault):
    """A setting is missing, misspelt or out of range."""

    code = "invalid_settings"


class CredentialsRejected(ConfigurationFault):
    """SciCat refuses our user name, password or token."""

    code = "credentials_rejected"
    default_hint = "check scicat.username with scicat.password_file, or scicat.token_file"


class WrongEndpoint(ConfigurationFault):
    """What answers at scicat.url is not a SciCat backend."""

    code = "wrong_endpoint"
    default_hint = "scicat.url is the backend's address without /api, such as https://scicat.example.org"


class MayNotCreate(ConfigurationFault):
    """Our account may not create datasets at all, whatever the record says."""

    code = "may_not_create"
    default_hint = "let the SciCat administrator add the account to CREATE_DATASET_PRIVILEGED_GROUPS"


class CannotReadBack(ConfigurationFault):
    """Our account cannot read datasets that it writes, so their completeness cannot be checked."""

    code = "cannot_read_back"
    default_hint = "set scicat.read_back_group to one of the account's own groups"


class KafkaUnreachable(ConfigurationFault):
    """No connection to Kafka could be made."""

    code = "kafka_unreachable"
    default_hint = "check kafka.bootstrap_servers, kafka.security_protocol and its credentials"


class KafkaForbidden(ConfigurationFault):
    """Kafka does not let our user do this to a topic or a group."""

    code = "kafka_forbidden"
    default_hint = "grant Read on input topics and the group, Write on outcome topics, IdempotentWrite on the cluster"


class MissingTopic(ConfigurationFault):
    """A topic does not exist."""

    code = "missing_topic"
    default_hint = "create it, let our user Describe it, or start with `scicat-ingest run --create-topics`"


class HistoryLost(ConfigurationFault):
    """Records after the committed offset are gone from Kafka: they were never ingested."""

    code = "history_lost"
    default_hint = "find out what was lost, then start once with `scicat-ingest run --accept-loss`"
