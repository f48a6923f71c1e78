"""`scicat-ingest doctor`: whether this set-up can ingest."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.doctor.examine import examine
from scicat_ingest.doctor.report import closing_lines, heading, step_lines
from scicat_ingest.doctor.step import Examination
from scicat_ingest.settings import Settings, load_settings

if TYPE_CHECKING:
    from scicat_ingest.doctor.step import Step

EXAMPLES = """\
examples:
  scicat-ingest doctor --config ingest.yaml
  scicat-ingest doctor --config ingest.yaml --replicas 4
  scicat-ingest doctor --config ingest.yaml --json | jq '.steps[] | select(.status == "failed")'

Makes real calls: one dataset with a block and an attachment is created in SciCat, read back and, if the account may,
removed; what stays is named. On Kafka nothing is written, and the consumer group is not joined.
With --json, one object {"ok", "steps": [{"name", "status", "seen", "ask"}], "left_behind": [{"kind", "id"}]}; the table
then goes to standard error. Exit code 1 if a step failed; warnings are allowed.
"""

TABLE_WIDTH = 120
"""Characters, where the output is no terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML settings; default: $SCICAT_INGEST_CONFIG")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument(
        "--replicas",
        type=_count,
        metavar="N",
        help="copies of the service that shall run: are there partitions enough?",
    )


def run(options: argparse.Namespace) -> int:
    """Do all steps; 1 if one failed."""
    settings = load_settings(Settings, options.config)
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # what it says stands in the findings
    table = sys.stderr if options.json else sys.stdout
    width = shutil.get_terminal_size((TABLE_WIDTH, 24)).columns

    def show(step: Step) -> None:
        if not examination.steps[1:]:
            table.write(f"{heading()}\n")
        table.write(f"{step_lines(step, width)}\n")
        table.flush()

    examination = Examination(show)
    anyio.run(_examine, settings, examination, options.replicas)
    table.write(f"{closing_lines(examination)}\n")
    if options.json:
        sys.stdout.write(f"{json.dumps(examination.as_json(), ensure_ascii=False)}\n")
    return 0 if examination.ok else 1


async def _examine(settings: Settings, examination: Examination, replicas: int | None) -> None:
    await examine(settings, examination, replicas=replicas)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a number from 1")
    return int(text)
