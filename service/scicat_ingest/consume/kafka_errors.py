"""What an error of the Kafka client means for us."""

from __future__ import annotations

from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from scicat_ingest.faults import KafkaForbidden, KafkaUnavailable

_FORBIDDEN = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    AuthenticationFailedError,
    SaslAuthenticationFailed,
)


def classify_kafka_error(error: KafkaError, doing: str) -> KafkaForbidden | KafkaUnavailable:
    """Give the fault to raise for an error while `doing` something, such as "reading from t"."""
    if isinstance(error, _FORBIDDEN):
        return KafkaForbidden(f"{doing}: Kafka says {type(error).__name__}{_named(error)}")
    if "AuthorizationFailed" in str(error):  # aiokafka's coordinator wraps a topic's as KafkaError(repr(error))
        return KafkaForbidden(f"{doing}: {error}")
    return KafkaUnavailable(f"{doing} failed: {error}")


def _named(error: KafkaError) -> str:
    """Give what the error is about: aiokafka's first argument is a topic, a set of topics, or a group, if any."""
    about = error.args[0] if error.args else ""
    text = ", ".join(sorted(str(name) for name in about)) if isinstance(about, set | frozenset) else str(about)
    return f" ({text})" if text else ""
