"""What people read: a table, line by line while the steps are done (pure)."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from scicat_ingest.doctor.step import Status

if TYPE_CHECKING:
    from scicat_ingest.doctor.step import Examination, Step

NAME_WIDTH = 22
STATUS_WIDTH = 8
NARROWEST = 40
"""Characters of the text column; a narrower terminal breaks the lines itself."""

_WORDS = {Status.OK: "ok", Status.WARNING: "with a warning", Status.FAILED: "failed", Status.SKIPPED: "skipped"}


def heading() -> str:
    """Give the first line."""
    return f"{'step':{NAME_WIDTH}} {'result':{STATUS_WIDTH}} seen"


def step_lines(step: Step, width: int) -> str:
    """Give a step's lines, for a terminal of `width` characters: what was seen, and below it what to do."""
    indent = " " * (NAME_WIDTH + STATUS_WIDTH + 2)
    room = max(NARROWEST, width - len(indent))
    lines = _wrap(step.seen, room)
    lines += [f"{'> ' if number == 0 else '  '}{line}" for number, line in enumerate(_wrap(step.ask, room - 2))]
    first, *rest = lines or [""]
    return "\n".join(
        [f"{step.name:{NAME_WIDTH}} {step.status:{STATUS_WIDTH}} {first}", *[indent + line for line in rest]]
    )


def closing_lines(examination: Examination) -> str:
    """Give the sum, and what an administrator should remove."""
    counts = {status: sum(step.status is status for step in examination.steps) for status in Status}
    sums = ", ".join(f"{count} {_WORDS[status]}" for status, count in counts.items() if count)
    verdict = "this set-up can ingest" if examination.ok else "this set-up cannot ingest yet"
    lines = ["", f"{verdict}: {sums}"]
    if examination.left_behind:
        lines.append("left behind, for the SciCat administrator to delete in this order:")
        lines += [f"  {left.kind} {left.id}" for left in examination.left_behind]
    return "\n".join(lines)


def _wrap(text: str, room: int) -> list[str]:
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
