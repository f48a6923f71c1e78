"""How to reach Kafka: the arguments that aiokafka's clients share."""

from __future__ import annotations

import asyncio
import logging
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from scicat_ingest.faults import InvalidSettings, KafkaForbidden, KafkaUnreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from scicat_ingest.settings import KafkaSettings

_LOG = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 0.2

Answer = TypeVar("Answer")


def connection_arguments(settings: KafkaSettings) -> dict[str, Any]:
    """Give the arguments for AIOKafkaConsumer, -Producer and -AdminClient. Raises InvalidSettings."""
    if settings.bootstrap_servers is None:
        raise InvalidSettings(
            "kafka.bootstrap_servers is not set", hint="such as kafka-1:9092,kafka-2:9092 in the YAML file"
        )
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol in ("SSL", "SASL_SSL"):
        arguments["ssl_context"] = _ssl_context(settings)
    if settings.security_protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": _password(settings),
        }
    return arguments


@contextmanager
def one_clear_error(settings: KafkaSettings) -> Iterator[None]:
    """Turn a failed start of a Kafka client into KafkaUnreachable with the cause, or KafkaForbidden.

    aiokafka says "Unable to bootstrap" to a wrong password, an untrusted certificate and a closed port alike, and the
    cause only in its log.
    """
    said = _Said()
    logger = logging.getLogger("aiokafka")
    logger.addHandler(said)
    try:
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        if "AuthorizationFailed" in str(error):  # we are known, and may not do it
            raise KafkaForbidden(f"{settings.bootstrap_servers}: {error}") from None
        cause = f": {said.last}" if said.last else ""
        what = str(error) or f"no answer within {settings.connect_timeout_seconds:.0f} s"
        raise KafkaUnreachable(f"{settings.bootstrap_servers}: {what}{cause}") from None
    finally:
        logger.removeHandler(said)


async def ask(request: Callable[[], Awaitable[Answer]]) -> Answer:
    """Give the answer to a request that may be repeated, from whichever broker: aiokafka picks one by chance.

    That one may be away, or not ready yet. Asks until the caller's deadline; raises KafkaError for what asking again
    does not mend.
    """
    while True:
        try:
            return await request()
        except KafkaError as error:
            if not error.retriable:
                raise
            _LOG.debug("a broker did not answer, another one may: %s", error)
            await anyio.sleep(ASK_AGAIN_SECONDS)


async def stop_client(client: Any, within_seconds: float = 10.0) -> None:
    """Stop an aiokafka consumer or producer, within a deadline, also when it is we who are being cancelled.

    aiokafka 0.14 lets the cancellation of its own inner tasks escape from `stop()` while a broker is away
    (`Fetcher.close` awaits a task that it has cancelled within a back-off sleep), and leaves its connections open then.
    """
    with anyio.move_on_after(within_seconds, shield=True):
        try:
            await client.stop()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # this one is ours: the deadline
            _LOG.debug("aiokafka's own cancellation escaped from stop()", exc_info=True)
            connections = client._client if isinstance(client, AIOKafkaConsumer) else client.client  # noqa: SLF001
            await connections.close()


class _Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def _ssl_context(settings: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=_text(settings.ca_file))
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, _text(settings.key_file))
    except (OSError, ssl.SSLError) as error:
        raise InvalidSettings(f"kafka.ca_file, cert_file or key_file cannot be used: {error}") from None
    return context


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _password(settings: KafkaSettings) -> str:
    if settings.sasl_password is not None:
        return settings.sasl_password.get_secret_value()
    if settings.sasl_password_file is None:
        raise InvalidSettings("kafka.sasl_password_file is not set, but kafka.security_protocol needs a password")
    try:
        return settings.sasl_password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"kafka.sasl_password_file cannot be read: {error}") from None
