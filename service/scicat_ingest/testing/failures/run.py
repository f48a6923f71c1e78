"""A script under way: which of its rules fires for the next request. Time is passed in, chance is seeded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random
from typing import TYPE_CHECKING

from pydantic import BaseModel

from scicat_ingest.testing.failures.actions import CARRIED_OUT, Action, Delay, Outage
from scicat_ingest.testing.failures.script import FailureScript, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request. `route` is its name in the table of routes; `path` is as sent, with the query; `body` is unpacked."""

    route: str
    method: str
    path: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a request. Without an action it is answered as usual, after the delay."""

    action: Action | None = None
    delay_seconds: float = 0.0

    @property
    def carries_out(self) -> bool:
        """Whether the backend gets to see the request."""
        return self.action is None or self.action.do in CARRIED_OUT


class RuleReport(BaseModel):
    """How many requests matched a rule, and how many requests its action was done to."""

    rule: int
    note: str
    matched: int
    done: dict[str, int]


class FailureReport(BaseModel):
    """A script and what it has done, by rule (counted from 1) and by action."""

    script: FailureScript
    rules: tuple[RuleReport, ...]
    done: dict[str, int]


class ScriptRun:
    """Decides for one request after the other. The same requests at the same times have the same decisions."""

    def __init__(self, script: FailureScript, started: float) -> None:
        self.script = script
        self._started = started
        self._rules = [_RuleRun(rule, Random(f"{script.seed}/{at}")) for at, rule in enumerate(script.rules)]  # noqa: S311
        self._outage: tuple[_RuleRun, float] | None = None

    def decide(self, request: Arrived, now: float) -> Decision:
        """Return what becomes of a request that has arrived `now`, on the clock that `started` was read from."""
        elapsed = now - self._started
        text = request.body.decode(errors="replace") if any(rule.reads_body for rule in self._rules) else ""
        chosen = [rule for rule in self._rules if rule.chooses(request, text, elapsed)]
        if self._outage is not None and elapsed < self._outage[1]:
            outage = self._outage[0]
            outage.count()
            return Decision(outage.action, outage.lateness)
        delay = 0.0
        for rule in chosen:
            rule.fire()
            delay += rule.lateness
            if isinstance(rule.action, Outage) and rule.action.seconds is not None:
                self._outage = (rule, elapsed + rule.action.seconds)
            if not isinstance(rule.action, Delay):
                return Decision(rule.action, delay)
        return Decision(None, delay)

    def report(self) -> FailureReport:
        """Return the script and what it has done so far."""
        rules = tuple(rule.report(number) for number, rule in enumerate(self._rules, 1))
        done: Counter[str] = Counter()
        for rule in rules:
            done.update(rule.done)
        return FailureReport(script=self.script, rules=rules, done=dict(done))


class _RuleRun:
    """One rule: how many requests matched, how often it fired, and its own chance."""

    def __init__(self, rule: Rule, random: Random) -> None:
        self.action = rule.action
        self.reads_body = rule.body_contains is not None
        self._rule = rule
        self._random = random
        self._matched = 0
        self._fired = 0
        self._done = 0

    @property
    def lateness(self) -> float:
        """How many seconds the action waits."""
        return self.action.seconds if isinstance(self.action, Delay) else self.action.delay_seconds

    def chooses(self, request: Arrived, text: str, elapsed: float) -> bool:
        """Say whether the rule may fire for a request, and count it if it matches."""
        if not all(self._matches(request, text, elapsed)):
            return False
        self._matched += 1
        selects = list(self._selects())  # all of them, so that each matching request takes its draw
        return all(selects) and self._fired != self._rule.times

    def fire(self) -> None:
        """Count that the rule decided about a request."""
        self._fired += 1
        self.count()

    def count(self) -> None:
        """Count that the action is done to a request."""
        self._done += 1

    def report(self, number: int) -> RuleReport:
        """Return the counts."""
        done = {self.action.do: self._done} if self._done else {}
        return RuleReport(rule=number, note=self._rule.note, matched=self._matched, done=done)

    def _matches(self, request: Arrived, text: str, elapsed: float) -> Iterator[bool]:
        rule = self._rule
        yield fnmatchcase(request.route, rule.route)
        yield elapsed >= rule.from_seconds
        yield rule.until_seconds is None or elapsed < rule.until_seconds
        yield rule.path_contains is None or rule.path_contains in request.path
        yield rule.body_contains is None or rule.body_contains in text

    def _selects(self) -> Iterator[bool]:
        rule = self._rule
        yield rule.nth is None or self._matched in rule.nth
        yield rule.every is None or self._matched % rule.every == 0
        yield rule.probability is None or self._random.random() < rule.probability
