"""Measure what an HTTP client costs: CPU time a POST and POSTs a second, at several numbers of requests in flight.

The server is a process of its own that answers every request at once with the same bytes, so that the client is what
is measured. Each cell of the table is the median of several rounds, and the clients take turns within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import statistics
import time
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from rich.console import Console
from rich.table import Table

from scicat_ingest.deliver.transport import open_connections
from scicat_ingest.deliver.wire import WireRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from multiprocessing.connection import Connection

    Post = Callable[[], Awaitable[int]]
    """Sends one POST, reads the answer, gives its status."""
    OpenClient = Callable[[str, int], AbstractAsyncContextManager[Post]]

BODY = json.dumps({"datasetName": "x" * 100, "scientificMetadata": {f"motor_{i}": i / 7 for i in range(60)}}).encode()
"""About the size of a dataset without files: 1.7 kB."""
HEADERS = {"content-type": "application/json", "authorization": "Bearer " + "t" * 300}
ANSWER_BODY = json.dumps({"pid": "20.500.12345/abc", "history": ["x" * 900]}).encode()
ANSWER = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json; charset=utf-8\r\nConnection: keep-alive\r\n"
    b"Keep-Alive: timeout=5\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER_BODY), ANSWER_BODY)
)
PATH = "/api/v4/datasets"
TIMEOUT = httpx.Timeout(50, connect=5)


class Responder(asyncio.Protocol):
    """Answers whenever a request's last byte has come; knows just enough HTTP for that."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Count to the end of the body, which every client here sends with its length known."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= len(BODY):
            assert head.startswith(b"POST ")
            self._received = b""
            self._transport.write(ANSWER)


def serve(port_to: Connection) -> None:
    """Run the server in this process until it is ended."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Responder, "127.0.0.1", 0, backlog=1024)
        port_to.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def posting(client: httpx.AsyncClient) -> Post:
    """Give what one request is with any httpx client."""

    async def post() -> int:
        response = await client.post(PATH, content=BODY, headers=HEADERS, timeout=TIMEOUT)
        return response.status_code

    return post


@asynccontextmanager
async def open_httpx(url: str, connections: int) -> AsyncIterator[Post]:
    """Give httpx with its own connection pool."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=4)
    async with httpx.AsyncClient(base_url=url, limits=limits, trust_env=False) as client:
        yield posting(client)


@asynccontextmanager
async def open_httpx_aiohttp(url: str, connections: int) -> AsyncIterator[Post]:
    """Give httpx over the bare httpx-aiohttp transport."""
    transport = AiohttpTransport(limits=httpx.Limits(max_connections=connections, keepalive_expiry=4))
    async with httpx.AsyncClient(base_url=url, transport=transport, trust_env=False) as client:
        yield posting(client)


@asynccontextmanager
async def open_ours(url: str, connections: int) -> AsyncIterator[Post]:
    """Give the service's connections, as its client uses them."""
    request = WireRequest("POST", url + PATH, HEADERS, BODY, 5.0, 50.0)
    async with open_connections(max_connections=connections) as wire:

        async def post() -> int:
            return (await wire.send(request)).status_code

        yield post


@asynccontextmanager
async def open_aiohttp(url: str, connections: int) -> AsyncIterator[Post]:
    """Give aiohttp alone."""
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=4)
    timeout = aiohttp.ClientTimeout(sock_connect=5, sock_read=50)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def post() -> int:
            async with session.post(url + PATH, data=BODY, headers=HEADERS) as response:
                await response.read()
                return response.status

        yield post


CLIENTS: dict[str, OpenClient] = {
    "httpx, its own pool": open_httpx,
    "httpx over httpx-aiohttp": open_httpx_aiohttp,
    "the service's connections": open_ours,
    "aiohttp": open_aiohttp,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One client at one number of requests in flight."""

    client: str
    in_flight: int
    cpu_ms_per_post: float
    """The client process's CPU time (user and system), median of the rounds."""
    posts_per_second: float
    """Median of the rounds."""


async def measure(open_client: OpenClient, url: str, in_flight: int, seconds: float) -> tuple[float, float]:
    """Post for `seconds`, and until each of the senders has had an answer; give CPU ms a POST, and POSTs a second."""
    async with open_client(url, in_flight) as post:
        await asyncio.gather(*(post() for _ in range(in_flight)))  # opens the connections, outside the measurement
        count = 0
        began, cpu_before = time.perf_counter(), time.process_time()

        async def work() -> None:
            nonlocal count
            while True:
                assert await post() == 201
                count += 1
                if time.perf_counter() - began >= seconds:
                    return

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(work())
        elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu_before
    return cpu / count * 1000, count / elapsed


def measure_all(levels: list[int], rounds: int, seconds: float) -> list[Cell]:
    """Start the server, measure each client at each level, and end the server."""
    context = multiprocessing.get_context("spawn")
    port_here, port_there = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(port_there,), daemon=True)
    server.start()
    try:
        if not port_here.poll(timeout=30):
            raise TimeoutError("the server did not start within 30 s")
        url = f"http://127.0.0.1:{port_here.recv()}"
        cells = []
        for in_flight in levels:
            seen: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
            for _ in range(rounds):
                for name, open_client in CLIENTS.items():
                    seen[name].append(asyncio.run(measure(open_client, url, in_flight, seconds)))
            for name, pairs in seen.items():
                cpu, rate = (statistics.median(values) for values in zip(*pairs, strict=True))
                cells.append(Cell(name, in_flight, round(cpu, 3), round(rate)))
        return cells
    finally:
        server.terminate()
        server.join()


def table_of(cells: list[Cell], levels: list[int]) -> Table:
    """Draw a row a client: CPU milliseconds a POST, and POSTs a second, at each level."""
    table = Table("client", *(f"{level} in flight" for level in levels), title="CPU ms a POST (POSTs a second)")
    for name in CLIENTS:
        row = [f"{cell.cpu_ms_per_post:.2f} ({cell.posts_per_second:,.0f})" for cell in cells if cell.client == name]
        table.add_row(name, *row)
    return table


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--in-flight", type=int, nargs="+", default=[1, 8, 64, 256], metavar="N", help="requests at once"
    )
    parser.add_argument("--rounds", type=int, default=3, help="repeats, of which the median counts (default 3)")
    parser.add_argument("--seconds", type=float, default=0.4, help="time of one measurement (default 0.4)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    arguments = parser.parse_args()
    cells = measure_all(arguments.in_flight, arguments.rounds, arguments.seconds)
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        **{package: version(package) for package in ("httpx", "httpx-aiohttp", "aiohttp")},
    }
    if arguments.json:
        print(json.dumps({"machine": machine, "cells": [asdict(cell) for cell in cells]}, indent=2))
        return
    console = Console()
    console.print(table_of(cells, arguments.in_flight))
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))


if __name__ == "__main__":
    main()
