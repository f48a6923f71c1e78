"""`scicat-ingest dlq`: dead letters that people work with."""

from __future__ import annotations

import argparse
from importlib import import_module

EXAMPLES = """\
examples:
  scicat-ingest dlq list --config ingest.yaml
  scicat-ingest dlq list --by reason
  scicat-ingest dlq show 3f2a9c1e
  scicat-ingest dlq replay --reason missing_field --dry-run
  scicat-ingest dlq purge --instrument TEST --why "commissioning, never to be kept"

All are safe while the service runs. Nothing is ever deleted: what has been replayed or purged is marked by a record on
the dead-letter topic itself, and is listed no more. docs/dead-letters.md tells how to work with it.
"""

ACTIONS = {
    "list": "show the letters that are open, or count them by what they have in common",
    "show": "show a letter with its event, what is wrong, what would be posted now, and what SciCat has",
    "replay": "publish the original records of letters again, and mark the letters as replayed",
    "purge": "mark letters as done without a replay",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, summary in ACTIONS.items():
        action = actions.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module = import_module(f"scicat_ingest.cli.dlq_{name}")
        module.add_arguments(action)
        action.set_defaults(act=module.run)


def run(options: argparse.Namespace) -> int:
    """Do it: 0 good; 1 if something could not be done."""
    return int(options.act(options))
