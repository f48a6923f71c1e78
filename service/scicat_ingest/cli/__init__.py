"""The command line.

Each command is one module with `add_arguments` and `run`; only the one that is called is loaded.
"""

from __future__ import annotations

import argparse
import gc
import io
import logging
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from scicat_ingest import __version__
from scicat_ingest.faults import EXIT_CONFIG, ConfigurationFault, IngestFault, first_cause

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "run": "read events from Kafka and record them in SciCat, until SIGTERM",
    "demo": "try everything on this machine: real Kafka, a SciCat stand-in, the service and a producer",
    "map": "show what would be posted for an event, or why nothing would be; posts nothing",
    "check": "prove offline that settings, mapping files and their golden examples are right",
    "doctor": "prove with real calls that Kafka, SciCat and folders are ready, and say what to ask for where not",
    "emit": "put events on the input topic",
    "dlq": "dead letters: list, show, replay and purge them",
    "report": "what became of every acquisition of a time, and what is missing; from the topics, and SciCat if asked",
    "reprocess": "take up input records of the past again: compare with SciCat, then write if wanted",
    "stand-in": "run the SciCat stand-in alone",
    "schema": "print the formats of events, answers, dead letters and settings",
}

EPILOG = """\
exit codes:
  0   good
  1   failed; nothing is lost, starting again may help
  2   an event is wrong, or the command was
  78  the configuration is wrong; the message says what to change
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # events are UTF-8, whatever the locale says
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser(arguments)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except IngestFault as fault:
        return _end(fault)
    except BaseExceptionGroup as group:
        cause = first_cause(group.subgroup(IngestFault) or group)
        if not isinstance(cause, IngestFault):
            raise
        return _end(cause)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone away: `scicat-ingest map … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _end(fault: IngestFault) -> int:
    logging.getLogger(__name__).debug("stopped by a fault", exc_info=fault)
    sys.stderr.write(f"scicat-ingest: {fault.code}: {fault}\n")
    return EXIT_CONFIG if isinstance(fault, ConfigurationFault) else 1


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scicat-ingest",
        description="Reads acquisition-complete events from Kafka and records them in SciCat, losing nothing.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"scicat-ingest {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    called = next((argument for argument in arguments if argument in COMMANDS), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == called:
            gc.disable()  # what an import makes is no garbage, and looking for some takes as long as importing
            try:
                module = import_module(f"scicat_ingest.cli.{name.replace('-', '_')}")
            finally:
                gc.enable()
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
