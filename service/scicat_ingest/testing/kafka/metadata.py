"""Ask a broker which cluster it belongs to and which brokers it knows: only a ready one answers rightly.

A Metadata request of version 2 (KIP-78), written by hand, so that readiness needs neither an event loop nor a client's
start-up with its retries. The layout is in Kafka's protocol guide.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from scicat_ingest.testing.kafka.ports import HOST

METADATA, VERSION, CORRELATION, NO_TOPICS = 3, 2, 1, 0
CLIENT = b"scicat-ingest"
REQUEST = struct.pack(">hhih", METADATA, VERSION, CORRELATION, len(CLIENT)) + CLIENT + struct.pack(">i", NO_TOPICS)


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What one broker says: the id of its cluster, and the node ids of the brokers that it holds for alive."""

    cluster_id: str
    brokers: frozenset[int]


def ask_metadata(port: int, timeout: float = 2.0) -> ClusterView | None:
    """Return the view of the broker at `port`, or None if it gives no answer. Each wait takes `timeout` s at most."""
    try:
        with socket.create_connection((HOST, port), timeout=timeout) as connection:
            connection.sendall(struct.pack(">i", len(REQUEST)) + REQUEST)
            with connection.makefile("rb") as stream:
                (size,) = struct.unpack(">i", stream.read(4))
                return parse_metadata(stream.read(size))
    except (OSError, struct.error):
        return None


def parse_metadata(answer: bytes) -> ClusterView:
    """Read the start of a Metadata v2 answer.

    It is the correlation id, an array of brokers (id, host, port, nullable rack) and the nullable cluster id. Strings
    have a 16-bit length, -1 for null. Raises struct.error if the answer is cut short.
    """
    brokers = set()
    (count,) = struct.unpack_from(">i", answer, 4)
    at = 8
    for _ in range(count):
        (node,) = struct.unpack_from(">i", answer, at)
        _, at = _string(answer, at + 4)
        _, at = _string(answer, at + 4)
        brokers.add(node)
    cluster_id, at = _string(answer, at)
    return ClusterView(cluster_id, frozenset(brokers))


def _string(answer: bytes, at: int) -> tuple[str, int]:
    """Return the nullable string at `at`, empty for null, and where the next field begins."""
    (length,) = struct.unpack_from(">h", answer, at)
    (text,) = struct.unpack_from(f">{max(length, 0)}s", answer, at + 2)
    return text.decode("utf-8"), at + 2 + len(text)
