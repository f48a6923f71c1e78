"""What a failed request has done, and httpx's error for each of aiohttp's: the one place that knows their traps.

`transport` raises them; whoever has to decide about a failure asks `classify_exception`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

import aiohttp
import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator


class Sent(Enum):
    """Whether the server may have received a request that failed."""

    NO = "proven: nothing was sent"
    MAYBE = "it may have been received and carried out"


class Reason(StrEnum):
    """Why a request failed; stable, for logs and metric labels."""

    CONNECT_REFUSED = "connect_refused"
    """Nobody listens there."""
    CONNECT_FAILED = "connect_failed"
    """No connection for another reason: no route, or closed in the TLS handshake."""
    NAME_RESOLUTION = "name_resolution"
    TLS = "tls"
    """The peer's certificate is not trusted, or it does not speak TLS."""
    TIMEOUT_CONNECT = "timeout_connect"
    """No connection in time: name resolution, TCP, TLS, or waiting for a free one."""
    BAD_REQUEST = "bad_request"
    """Not a request that can be sent."""
    TIMEOUT_READ = "timeout_read"
    """No answer in time: the server was silent, or did not take the whole request."""
    TIMEOUT_TOTAL = "timeout_total"
    """The answer's head came in time, the whole answer did not."""
    DISCONNECTED = "disconnected"
    """Closed or reset before the answer's headers."""
    INCOMPLETE_ANSWER = "incomplete_answer"
    """Closed or reset within the answer's body."""
    BAD_ANSWER = "bad_answer"
    """Not HTTP, or not compressed as it says."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TransportFailure:
    """What is known about a request that got no answer."""

    sent: Sent
    reason: Reason

    @property
    def blames_configuration(self) -> bool:
        """Whether the settings may be wrong (when it was never seen to work): the host's name, or TLS."""
        return self.reason in (Reason.NAME_RESOLUTION, Reason.TLS)

    @property
    def is_timeout(self) -> bool:
        """Whether the server, or the way to it, was too slow."""
        return self.reason in (Reason.TIMEOUT_CONNECT, Reason.TIMEOUT_READ, Reason.TIMEOUT_TOTAL)


def classify_exception(error: BaseException) -> TransportFailure:
    """Decide what a failed request has done, from the error or its causes.

    Right also for errors of a bare httpx-aiohttp or httpx transport. What is not known may have been sent.
    """
    if source := find_source(error):
        return _classify_aiohttp(source)[1]
    for cause in _causes(error):
        for kind, failure in _HTTPX:
            if isinstance(cause, kind):
                return failure
    return TransportFailure(Sent.MAYBE, Reason.UNKNOWN)


def _failed(reason: Reason) -> TransportFailure:
    sent = Sent.NO if reason in _NOTHING_SENT else Sent.MAYBE
    return TransportFailure(sent, reason)


_NOTHING_SENT = frozenset(
    {
        Reason.CONNECT_REFUSED,
        Reason.CONNECT_FAILED,
        Reason.NAME_RESOLUTION,
        Reason.TLS,
        Reason.TIMEOUT_CONNECT,
        Reason.BAD_REQUEST,
    }
)

_AIOHTTP: tuple[tuple[type[aiohttp.ClientError], type[httpx.TransportError], Reason], ...] = (
    (aiohttp.ClientConnectorDNSError, httpx.ConnectError, Reason.NAME_RESOLUTION),
    (aiohttp.ClientSSLError, httpx.ConnectError, Reason.TLS),
    (aiohttp.ClientConnectorError, httpx.ConnectError, Reason.CONNECT_FAILED),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout, Reason.TIMEOUT_CONNECT),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout, Reason.TIMEOUT_READ),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError, Reason.DISCONNECTED),
    (aiohttp.ClientConnectionError, httpx.ReadError, Reason.DISCONNECTED),
    (aiohttp.ClientPayloadError, httpx.ReadError, Reason.INCOMPLETE_ANSWER),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError, Reason.BAD_ANSWER),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol, Reason.BAD_REQUEST),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol, Reason.BAD_REQUEST),
)
"""The first that fits. Only these are raised before aiohttp has a connection: ClientConnectorError and all below it,
ConnectionTimeoutError, and the two about URLs (aiohttp 3.14, `ClientSession._request`)."""

_HTTPX: tuple[tuple[type[Exception], TransportFailure], ...] = (
    (httpx.ConnectError, _failed(Reason.CONNECT_FAILED)),
    (httpx.ConnectTimeout, _failed(Reason.TIMEOUT_CONNECT)),
    (httpx.PoolTimeout, _failed(Reason.TIMEOUT_CONNECT)),
    (httpx.UnsupportedProtocol, _failed(Reason.BAD_REQUEST)),
    (httpx.LocalProtocolError, _failed(Reason.BAD_REQUEST)),
    (httpx.InvalidURL, _failed(Reason.BAD_REQUEST)),
    (httpx.TimeoutException, _failed(Reason.TIMEOUT_TOTAL)),
    (httpx.NetworkError, _failed(Reason.DISCONNECTED)),
    (httpx.RemoteProtocolError, _failed(Reason.BAD_ANSWER)),
    (httpx.DecodingError, _failed(Reason.BAD_ANSWER)),
)
"""For an error that no aiohttp error caused: our own deadline, the decoder, or another transport."""


def _classify_aiohttp(error: aiohttp.ClientError) -> tuple[type[httpx.TransportError], TransportFailure]:
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return httpx.ConnectError, _failed(Reason.CONNECT_REFUSED)
    for kind, becomes, reason in _AIOHTTP:
        if isinstance(error, kind):
            return becomes, _failed(reason)
    return httpx.ReadError, _failed(Reason.UNKNOWN)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def find_source(error: BaseException) -> aiohttp.ClientError | None:
    """Give the innermost of aiohttp's errors that led to this one."""
    found = None
    for cause in _causes(error):
        if isinstance(cause, aiohttp.ClientError):
            found = cause
    return found


def translate(source: aiohttp.ClientError) -> httpx.TransportError:
    """Give httpx's error for what really happened.

    Its text has no part of the answer in it, which could be a token; the cause has.
    """
    becomes, failure = _classify_aiohttp(source)
    detail = source if isinstance(source, aiohttp.ClientConnectorError) else type(source).__name__
    return becomes(f"{failure.reason}: {detail}")
