"""`scicat-ingest stand-in`: the SciCat stand-in alone, or a proxy that lets requests to another one fail."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from scicat_ingest.cli.run import until_signal
from scicat_ingest.testing.failures import InvalidScript, read_script
from scicat_ingest.testing.failures.proxy import FaultProxy
from scicat_ingest.testing.stand_in import StandIn, StandInConfig, describe

if TYPE_CHECKING:
    from scicat_ingest.testing.failures import FailureScript

EXAMPLES = """\
examples:
  scicat-ingest stand-in --port 3000
  scicat-ingest stand-in --port 3000 --database scicat.sqlite
  scicat-ingest stand-in --failures failures.json --control-port 3001
  scicat-ingest stand-in --proxy https://scicat.example.org --failures failures.json

It answers as a real SciCat backend was measured to, on the routes that ingestors use. It is for tests and for trying
things out; it is no catalogue. How to let requests fail on purpose: docs/stand-in.md.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=3000, help="0 takes a free one; default: 3000")
    parser.add_argument("--database", type=Path, metavar="FILE", help="keep the data here; default: in memory")
    parser.add_argument("--token-life", type=int, default=3600, metavar="SECONDS", help="default: 3600")

    parser.add_argument("--failures", type=Path, metavar="FILE", help="let requests fail as this script says (JSON)")
    parser.add_argument(
        "--control-port", type=int, metavar="PORT", help="take scripts and show counts over HTTP here; default: nowhere"
    )
    parser.add_argument(
        "--proxy",
        type=_address,
        metavar="URL",
        help="be no stand-in: pass requests on to this backend, or let them fail",
    )


def run(options: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    try:
        failures = read_script(options.failures) if options.failures else None
    except (InvalidScript, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        sys.stderr.write(f"scicat-ingest: {options.failures} is no failure script: {reason}\n")
        return 2
    try:
        anyio.run(_serve_proxy if options.proxy else _serve, options, failures)
    except OSError as error:
        sys.stderr.write(f"scicat-ingest: cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    return 0


def _address(text: str) -> str:
    if urlsplit(text).scheme not in {"http", "https"}:
        raise argparse.ArgumentTypeError(f"expected an address such as http://127.0.0.1:3000, not {text!r}")
    return text


async def _serve(options: argparse.Namespace, failures: FailureScript | None) -> None:
    config = StandInConfig(
        host=options.host,
        port=options.port,
        database=options.database,
        token_life=options.token_life,
        failures=failures,
        control_port=options.control_port,
    )
    async with StandIn(config) as stand_in:
        _say(describe(stand_in), stand_in.control_url)
        await until_signal()


async def _serve_proxy(options: argparse.Namespace, failures: FailureScript | None) -> None:
    places = {"host": options.host, "port": options.port, "control_port": options.control_port}
    async with FaultProxy(options.proxy, failures, **places) as proxy:
        _say(f"Proxy at {proxy.url}, in front of {options.proxy}", proxy.control_url)
        await until_signal()


def _say(text: str, control_url: str | None) -> None:
    control = f"\nFailures are told at {control_url}/_failures, counts shown at {control_url}/_counts"
    sys.stdout.write(text + (control if control_url else "") + "\n")
    sys.stdout.flush()
