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

from scicat_ingest.faults.base import EXIT_CONFIG, IngestFault
from scicat_ingest.faults.record import (
    AcquisitionFailed,
    DependencyMissing,
    DiffersFromCatalogue,
    DuplicateKey,
    DuplicatePath,
    ForbiddenBySource,
    ForbiddenGroup,
    InternalError,
    InvalidEvent,
    InvalidField,
    InvalidJson,
    InvalidUtf8,
    KillsCatalogue,
    MissingField,
    NonFiniteNumber,
    NotAnObject,
    NotSupported,
    PathOutsideSource,
    PidTaken,
    RecordFault,
    RefusedByCatalogue,
    RejectedByCatalogue,
    StaleRevision,
    TooDeep,
    TooLarge,
    TooLargeForCatalogue,
    TooManyFiles,
    UndecodableRecord,
    UnknownField,
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
    HistoryLost,
    InvalidSettings,
    KafkaForbidden,
    KafkaUnavailable,
    KafkaUnreachable,
    MayNotCreate,
    MissingTopic,
    Stalled,
    StreamFault,
    WrongEndpoint,
)

__all__ = [
    "EXIT_CONFIG",
    "AcquisitionFailed",
    "AmbiguousAnswer",
    "CannotReadBack",
    "CatalogueFault",
    "CatalogueUnavailable",
    "ClientBroken",
    "CommitRefused",
    "ConfigurationFault",
    "CredentialsRejected",
    "DependencyMissing",
    "DiffersFromCatalogue",
    "DuplicateKey",
    "DuplicatePath",
    "ForbiddenBySource",
    "ForbiddenGroup",
    "HistoryLost",
    "IngestFault",
    "InternalError",
    "InvalidEvent",
    "InvalidField",
    "InvalidJson",
    "InvalidSettings",
    "InvalidUtf8",
    "KafkaForbidden",
    "KafkaUnavailable",
    "KafkaUnreachable",
    "KillsCatalogue",
    "MayNotCreate",
    "MissingField",
    "MissingTopic",
    "NonFiniteNumber",
    "NotAnObject",
    "NotSupported",
    "PathOutsideSource",
    "PidTaken",
    "RecordFault",
    "RefusedByCatalogue",
    "RejectedByCatalogue",
    "StaleRevision",
    "Stalled",
    "StreamFault",
    "TooDeep",
    "TooLarge",
    "TooLargeForCatalogue",
    "TooManyFiles",
    "UndecodableRecord",
    "UnknownField",
    "UnmappableEvent",
    "Unmatched",
    "UnsupportedVersion",
    "WrongEndpoint",
]
