"""SciCat, Kafka or our own set-up are in trouble: nobody's record is to blame."""

from __future__ import annotations

from scicat_ingest.faults.base import IngestFault


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


class InputFault(IngestFault):
    """What a record refers to cannot be had now: wait and try again."""

    fault_class = "input"


class NotThereYet(InputFault):
    """A file is not there, incomplete or still changing: shared file systems lag behind."""

    code = "not_there_yet"


class RegistryUnavailable(InputFault):
    """The schema registry does not answer."""

    code = "registry_unavailable"


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


class TakenOver(StreamFault):
    """Somebody else has begun to replay or purge letters of the same dead-letter topic, which ended ours."""

    code = "taken_over"
    default_hint = "nothing is done twice or forgotten: wait for the other one, then start again"


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


class NoSpace(ConfigurationFault):
    """The disk for temporary files is full, or cannot be written to."""

    code = "no_space"


class InvalidMapping(ConfigurationFault):
    """A mapping file cannot work; the message names file, line and field."""

    code = "invalid_mapping"


class ExtraMissing(ConfigurationFault):
    """A format or preview is turned on whose packages are not installed."""

    code = "extra_missing"
