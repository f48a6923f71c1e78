"""From a record to its job and its lane: read, joined with others of its run, understood, planned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.document import Document, NeedsSchema, Part
from scicat_ingest.decode.runs import NEEDS_START
from scicat_ingest.engine.joins import Joins, RunKey, key_of
from scicat_ingest.engine.lane_failures import LaneFailures
from scicat_ingest.engine.ports import Absorbed, Keep, Prepared
from scicat_ingest.engine.reading import Accepted, faults_as_values, plan_accepted, read, understand
from scicat_ingest.engine.way import Circumstances, Known, Way, begin, begin_with_schema, deliver
from scicat_ingest.faults import RecordFault, RunIncomplete
from scicat_ingest.mapping.lookups import NOTHING_LOOKED_UP
from scicat_ingest.report.outcome import DeadLettered, Ingested
from scicat_ingest.storage.needs_file import NeedsFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from scicat_ingest.consume.record import Record
    from scicat_ingest.deliver.delivered import TryAgain
    from scicat_ingest.engine.ports import Aside, Job, Key, Lane
    from scicat_ingest.engine.way import Catalogue, Facility, Plans, Stage
    from scicat_ingest.mapping.rules import MappingRules
    from scicat_ingest.report.outcome import Outcome
    from scicat_ingest.settings import JoinsSettings


class Pipeline:
    """Prepares records of the topics in `rules`."""

    def __init__(
        self,
        rules: Mapping[str, MappingRules],
        catalogue: Catalogue,
        facility: Facility,
        joins: JoinsSettings,
        now: Callable[[], datetime],
        *,
        plans: Plans = plan_accepted,
    ) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._facility = facility
        self._joins = joins
        self._now = now
        self._plans = plans
        self._failures = LaneFailures()

    def use(self, rules: Mapping[str, MappingRules]) -> None:
        """Map the records that come from now on by other rules, of the same topics."""
        self._rules = rules

    def begin_joins(self, previous: object = None) -> Joins:
        """Give what is kept of unfinished runs: nothing yet."""
        return Joins.after(self._joins, previous)

    def prepare(self, record: Record, joins: object) -> Prepared | Absorbed:
        """Find out what a record asks for, or what must be known first; nothing is requested yet."""
        rules = self._rules[record.topic]
        given = Circumstances(record, rules, self._catalogue, self._facility, self._now(), self._now, self._plans)
        prepared = self._prepare(given, joins)
        if isinstance(prepared, Absorbed) or rules.source.on_lane_failure == "continue":
            return prepared
        return replace(prepared, job=self._failures.guard(given, prepared.lane, prepared.job))

    def _prepare(self, given: Circumstances, joins: object) -> Prepared | Absorbed:
        record = given.record
        match read(record, given.rules):
            case Part() as part if isinstance(joins, Joins):
                return _join(given, part, joins)
            case Document() as document:
                return _prepared(given, document)
            case NeedsSchema() as needs:
                return Prepared(_lane_of_key(record), Way(begin_with_schema(given, needs)))
            case (Ignored() | RecordFault()) as end:
                return Prepared(_lane_of_key(record), Way(given.over(end, None)))
            case other:
                raise TypeError(f"{other!r} is nothing that can be prepared")

    def abort_started(self) -> None:
        """Give up the requests that are under way."""
        self._catalogue.abort_started()


def _prepared(given: Circumstances, document: Document) -> Prepared:
    """Plan at once what can be planned at once: then the lane is known for sure."""
    record = given.record
    understood = understand(document, record, given.rules)
    stage = _begin_at_once(given, understood, document)
    pid = understood.pid if isinstance(understood, Accepted | NeedsFile) else _pid_of_letter(stage)
    return Prepared(pid or _lane_of_key(record), Way(stage))


def _begin_at_once(
    given: Circumstances, understood: Accepted | NeedsFile | Ignored | RecordFault, document: Document
) -> Stage:
    if isinstance(understood, Accepted) and understood.is_complete:
        return deliver(given, given.plans(given.record, understood, NOTHING_LOOKED_UP, None), understood.pid)
    return begin(given, understood, document)


def _pid_of_letter(stage: Stage) -> str | None:
    """Tell the acquisition of a record that is refused: its dead letter is in order with its other records."""
    match stage:
        case Known(outcome=DeadLettered(pid=pid)):
            return pid
        case _:
            return None


def _lane_of_key(record: Record) -> Lane:
    if record.key is not None:
        return ("key", record.key)
    return ("record", record.topic, record.partition, record.offset)


# Runs that are told in several records


def _join(given: Circumstances, part: Part, joins: Joins) -> Prepared | Absorbed:
    if joins.repeats(part, given.record):
        return Absorbed()
    run, ttl = key_of(part), joins.settings.ttl_seconds
    wakes = tuple(joins.take(part, given.record, given.received_at.timestamp()))
    if part.role == "end" and joins.is_complete(run):
        kept = joins.kept(run)
        return _end(given, joins, run, replace(_prepared_run(given, joins, run), completes=kept, wakes=wakes))
    name = joins.keep(part, given.record)
    if name is None:
        return Absorbed(wakes)
    if part.role == "end":
        job = Way(_WaitingForStart(given, joins, run))
        kept = joins.kept(run)
        return _end(given, joins, run, Prepared(("run", run), job, Keep(_end_of(run), ttl), kept, wakes))
    woken = (*wakes, _end_of(run)) if part.role == "start" else wakes
    return Prepared(name, Way(_Unfinished(given, joins, part)), Keep(name, ttl), wakes=woken)


def _end(given: Circumstances, joins: Joins, run: RunKey, prepared: Prepared) -> Prepared:
    """Let the run be over when its end's outcome is acknowledged."""
    job = _Noted(prepared.job)
    return replace(prepared, job=job, on_done=lambda: joins.done(run, given.record, ingested=job.ingested))


@dataclass(slots=True)
class _Noted:
    """A job that remembers how it ended."""

    job: Job
    ingested: bool = False

    async def attempt(self) -> Outcome | TryAgain | Aside:
        result = await self.job.attempt()
        self.ingested = isinstance(result, Ingested)
        return result


def _end_of(run: RunKey) -> Key:
    return ("end", run)


def _prepared_run(given: Circumstances, joins: Joins, run: RunKey) -> Prepared:
    document = faults_as_values(given.record, lambda: joins.close(run))
    if isinstance(document, RecordFault):
        return Prepared(_lane_of_key(given.record), Way(given.over(document, None)))
    return _prepared(given, document)


@dataclass(frozen=True, slots=True)
class _Unfinished:
    """A part of a run whose end has not come."""

    circumstances: Circumstances
    joins: Joins
    part: Part

    async def attempt(self) -> Outcome:
        given, part = self.circumstances, self.part
        self.joins.forget(key_of(part))
        if part.role == "start" and NEEDS_START[part.format]:
            return given.end(RunIncomplete(f"the run {part.run!r} has not ended"), None)
        return given.end(Ignored("unfinished_run"), None)


@dataclass(frozen=True, slots=True)
class _WaitingForStart:
    """The end of a run whose start has not come, or has come now."""

    circumstances: Circumstances
    joins: Joins
    run: RunKey

    async def attempt(self) -> Stage:
        given = self.circumstances
        if not self.joins.is_complete(self.run):
            self.joins.forget(self.run)
            return given.over(RunIncomplete(f"the start of the run {self.run[1]!r} has not come"), None)
        document = faults_as_values(given.record, lambda: self.joins.close(self.run))
        if isinstance(document, RecordFault):
            return given.over(document, None)
        understood = await given.compute(lambda: understand(document, given.record, given.rules))
        return begin(given, understood, document)
