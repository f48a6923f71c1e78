"""`scicat-ingest stand-in`: the SciCat stand-in alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.cli.run import until_signal
from scicat_ingest.testing.stand_in import StandIn, StandInConfig, describe

if TYPE_CHECKING:
    import argparse

EXAMPLES = """\
examples:
  scicat-ingest stand-in --port 3000
  scicat-ingest stand-in --port 3000 --database scicat.sqlite

It answers as a real SciCat backend was measured to, on the routes that ingestors use. It is for tests and for trying
things out; it is no catalogue.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: 127.0.0.1")
    parser.add_argument("--port", type=int, default=3000, help="0 takes a free one; default: 3000")
    parser.add_argument("--database", type=Path, metavar="FILE", help="keep the data here; default: in memory")
    parser.add_argument("--token-life", type=int, default=3600, metavar="SECONDS", help="default: 3600")


def run(options: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    config = StandInConfig(
        host=options.host, port=options.port, database=options.database, token_life=options.token_life
    )
    try:
        anyio.run(_serve, config)
    except OSError as error:
        sys.stderr.write(f"scicat-ingest: cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    return 0


async def _serve(config: StandInConfig) -> None:
    async with StandIn(config) as stand_in:
        sys.stdout.write(describe(stand_in) + "\n")
        sys.stdout.flush()
        await until_signal()
