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
    │   │   ├── NotAnObject         not_an_object
    │   │   ├── CorruptRecord       corrupt_record
    │   │   └── UnknownFormat       unknown_format
    │   ├── InvalidEvent            it is JSON, but no valid acquisition event
    │   │   ├── Unmatched           unmatched
    │   │   ├── UnsupportedVersion  unsupported_version
    │   │   ├── MissingField        missing_field
    │   │   ├── InvalidField        invalid_field
    │   │   ├── UnknownField        unknown_field
    │   │   ├── MappingFailed       mapping_failed
    │   │   ├── InvalidMetadata     invalid_metadata
    │   │   ├── InvalidManifest     invalid_manifest
    │   │   └── TooManyFiles        too_many_files
    │   ├── UnmappableEvent         it is a valid event that may not become a dataset
    │   │   ├── AcquisitionFailed   acquisition_failed
    │   │   ├── ForbiddenBySource   forbidden_by_source
    │   │   ├── PathOutsideSource   path_outside_source
    │   │   ├── DuplicatePath       duplicate_path
    │   │   ├── FileNotThere        file_not_there
    │   │   ├── FileUnreadable      file_unreadable
    │   │   ├── ChecksumMismatch    checksum_mismatch
    │   │   ├── RunIncomplete       run_incomplete
    │   │   └── EarlierFailed       earlier_failed
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
    ├── InputFault                  what a record refers to is not there yet: wait and try again
    │   ├── NotThereYet             not_there_yet
    │   └── RegistryUnavailable     registry_unavailable
    ├── StreamFault                 Kafka is in trouble while we run: stop, lose nothing, start again
    │   ├── KafkaUnavailable        kafka_unavailable
    │   ├── CommitRefused           commit_refused
    │   ├── ClientBroken            client_broken
    │   ├── TakenOver               taken_over
    │   └── Stalled                 stalled
    └── ConfigurationFault          our own set-up is wrong: halt, exit 78, lose nothing
        ├── InvalidSettings         invalid_settings
        ├── NoSpace                 no_space
        ├── InvalidMapping          invalid_mapping
        ├── ExtraMissing            extra_missing
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

from scicat_ingest.faults.base import EXIT_CONFIG, IngestFault, first_cause
from scicat_ingest.faults.record import (
    AcquisitionFailed,
    ChecksumMismatch,
    CorruptRecord,
    DependencyMissing,
    DiffersFromCatalogue,
    DuplicateKey,
    DuplicatePath,
    EarlierFailed,
    FileNotThere,
    FileUnreadable,
    ForbiddenBySource,
    ForbiddenGroup,
    InternalError,
    InvalidEvent,
    InvalidField,
    InvalidJson,
    InvalidManifest,
    InvalidMetadata,
    InvalidUtf8,
    KillsCatalogue,
    MappingFailed,
    MissingField,
    NonFiniteNumber,
    NotAnObject,
    PathOutsideSource,
    PidTaken,
    RecordFault,
    RefusedByCatalogue,
    RejectedByCatalogue,
    RunIncomplete,
    StaleRevision,
    TooDeep,
    TooLarge,
    TooLargeForCatalogue,
    TooManyFiles,
    UndecodableRecord,
    UnknownField,
    UnknownFormat,
    UnmappableEvent,
    Unmatched,
    UnsupportedVersion,
)
from scicat_ingest.faults.surroundings import (
    AmbiguousAnswer,
    CannotReadBack,
    CatalogueFault,
    CatalogueUnavailable,
    ClientBroken,
    CommitRefused,
    ConfigurationFault,
    CredentialsRejected,
    ExtraMissing,
    HistoryLost,
    InputFault,
    InvalidMapping,
    InvalidSettings,
    KafkaForbidden,
    KafkaUnavailable,
    KafkaUnreachable,
    MayNotCreate,
    MissingTopic,
    NoSpace,
    NotThereYet,
    RegistryUnavailable,
    Stalled,
    StreamFault,
    TakenOver,
    WrongEndpoint,
)

__all__ = [
    "EXIT_CONFIG",
    "AcquisitionFailed",
    "AmbiguousAnswer",
    "CannotReadBack",
    "CatalogueFault",
    "CatalogueUnavailable",
    "ChecksumMismatch",
    "ClientBroken",
    "CommitRefused",
    "ConfigurationFault",
    "CorruptRecord",
    "CredentialsRejected",
    "DependencyMissing",
    "DiffersFromCatalogue",
    "DuplicateKey",
    "DuplicatePath",
    "EarlierFailed",
    "ExtraMissing",
    "FileNotThere",
    "FileUnreadable",
    "ForbiddenBySource",
    "ForbiddenGroup",
    "HistoryLost",
    "IngestFault",
    "InputFault",
    "InternalError",
    "InvalidEvent",
    "InvalidField",
    "InvalidJson",
    "InvalidManifest",
    "InvalidMapping",
    "InvalidMetadata",
    "InvalidSettings",
    "InvalidUtf8",
    "KafkaForbidden",
    "KafkaUnavailable",
    "KafkaUnreachable",
    "KillsCatalogue",
    "MappingFailed",
    "MayNotCreate",
    "MissingField",
    "MissingTopic",
    "NoSpace",
    "NonFiniteNumber",
    "NotAnObject",
    "NotThereYet",
    "PathOutsideSource",
    "PidTaken",
    "RecordFault",
    "RefusedByCatalogue",
    "RegistryUnavailable",
    "RejectedByCatalogue",
    "RunIncomplete",
    "StaleRevision",
    "Stalled",
    "StreamFault",
    "TakenOver",
    "TooDeep",
    "TooLarge",
    "TooLargeForCatalogue",
    "TooManyFiles",
    "UndecodableRecord",
    "UnknownField",
    "UnknownFormat",
    "UnmappableEvent",
    "Unmatched",
    "UnsupportedVersion",
    "WrongEndpoint",
    "first_cause",
]
