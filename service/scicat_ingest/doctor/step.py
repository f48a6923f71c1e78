"""A step: one question, its answer, and what to do about a bad one. The examination asks them in order."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio

from scicat_ingest.faults import IngestFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

STEP_SECONDS = 180.0
"""For one step; each of its requests has a shorter deadline of its own, from the settings."""


class Status(StrEnum):
    """How a step ended."""

    OK = "ok"
    WARNING = "warning"
    """It works, or may work, with a consequence that is named."""
    FAILED = "failed"
    """The service would not start, or could not ingest."""
    SKIPPED = "skipped"
    """It needs something that failed, or there is nothing to look at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step found."""

    status: Status
    seen: str
    ask: str = ""
    """Whom to ask for what, or which setting to change; empty if nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is done."""

    name: str
    status: Status
    seen: str
    ask: str


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A document that we created and could not remove."""

    kind: str
    """dataset, origdatablock or attachment."""
    id: str


def ok(seen: str) -> Finding:
    """Give the finding that all is well."""
    return Finding(Status.OK, seen)


def warning(seen: str, ask: str = "") -> Finding:
    """Give the finding that it works, but."""
    return Finding(Status.WARNING, seen, ask)


def failed(seen: str, ask: str = "") -> Finding:
    """Give the finding that it does not work."""
    return Finding(Status.FAILED, seen, ask)


def skipped(seen: str) -> Finding:
    """Give the finding that there is nothing to look at."""
    return Finding(Status.SKIPPED, seen)


class StepFailed(Exception):  # noqa: N818 (it ends a step, and becomes its finding)
    """A step cannot go on."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.seen)
        self.finding = finding


class Secrets:
    """What must never be shown, in whatever spelling an answer may echo it."""

    def __init__(self) -> None:
        self._spellings: set[str] = set()

    def add(self, secret: str) -> None:
        """Remember one."""
        self._spellings |= {secret, json.dumps(secret)[1:-1], quote(secret, safe="")} - {""}

    def hide(self, text: str) -> str:
        """Give the text with every known secret blotted out."""
        for spelling in sorted(self._spellings, key=len, reverse=True):
            text = text.replace(spelling, "***")
        return text

    def hide_cut(self, text: str) -> str:
        """Hide also what is left of a secret at the end of an excerpt."""
        text = self.hide(text)
        lengths = (
            length
            for spelling in self._spellings
            for length in range(1, len(spelling))
            if text.endswith(spelling[:length])
        )
        cut = max(lengths, default=0)
        return f"{text[:-cut]}***" if cut else text


class Examination:
    """The steps that were done, in order.

    A step is skipped if one that it needs failed or was skipped. `done` hears of each as soon as it is done.
    """

    def __init__(self, done: Callable[[Step], None]) -> None:
        self.steps: list[Step] = []
        self.left_behind: list[LeftBehind] = []
        self.secrets = Secrets()
        self._done = done
        self._broken: set[str] = set()

    @property
    def ok(self) -> bool:
        """Whether nothing failed; warnings are allowed."""
        return all(step.status is not Status.FAILED for step in self.steps)

    async def step(self, name: str, look: Callable[[], Awaitable[Finding]], *, needs: Iterable[str] = ()) -> bool:
        """Do a step and tell whether what needs it may go on. Faults become its finding; a deadline holds."""
        broken = [need for need in needs if need in self._broken]
        if broken:
            finding = skipped(f"needs: {', '.join(broken)}")
        else:
            finding = await self._look(look)
        if broken or finding.status is Status.FAILED:
            self._broken.add(name)
        hide = self.secrets.hide
        step = Step(name, finding.status, hide(finding.seen), hide(finding.ask))
        self.steps.append(step)
        self._done(step)
        return name not in self._broken

    def as_json(self) -> dict[str, Any]:
        """Give everything as one JSON object."""
        return {
            "ok": self.ok,
            "steps": [asdict(step) for step in self.steps],
            "left_behind": [asdict(left) for left in self.left_behind],
        }

    async def _look(self, look: Callable[[], Awaitable[Finding]]) -> Finding:
        try:
            with anyio.fail_after(STEP_SECONDS):
                return await look()
        except StepFailed as end:
            return end.finding
        except IngestFault as fault:
            return failed(fault.message, fault.hint)
        except TimeoutError:
            return failed(f"no end within {STEP_SECONDS:.0f} s")
