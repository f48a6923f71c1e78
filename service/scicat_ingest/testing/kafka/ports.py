"""Ports on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from scicat_ingest.testing.kafka.faults import PortTaken

if TYPE_CHECKING:
    from collections.abc import Iterable

HOST = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that were free a moment ago. Nothing keeps them free until they are bound."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind((HOST, 0))
        return [int(opened.getsockname()[1]) for opened in sockets]


def check_ports_free(ports: Iterable[int]) -> None:
    """Raise PortTaken for the first port that cannot be bound."""
    for port in ports:
        with socket.socket() as probe:
            # As Java does on POSIX: ports of connections that closed lately may be bound.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError) as error:
                why = error.strerror if isinstance(error, OSError) else "ports end at 65535"
                raise PortTaken(f"port {HOST}:{port} cannot be used: {why}") from None
