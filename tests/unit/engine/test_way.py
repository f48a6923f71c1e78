"""What a record waits for on its way: schemas, files, pictures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.unit.acquisition_events import event, record, rules

from scicat_ingest.catalogue.file_list import FewFiles
from scicat_ingest.catalogue.origdatablock import DataFile
from scicat_ingest.decode.document import Document, NeedsSchema
from scicat_ingest.deliver.delivered import Delivered, SoFar, TryAgain
from scicat_ingest.engine import pipeline as pipeline_module
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.ports import Aside, Prepared
from scicat_ingest.faults import (
    ConfigurationFault,
    CorruptRecord,
    FileUnreadable,
    ForbiddenGroup,
    InvalidSettings,
    NotThereYet,
    RegistryUnavailable,
)
from scicat_ingest.report.outcome import DeadLettered, Ingested, Outcome
from scicat_ingest.settings import JoinsSettings
from scicat_ingest.testing.facility import EmptyFacility

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.decode.decoded import Decoded
    from scicat_ingest.mapping.lookups import Wanted
    from scicat_ingest.plan.steps import Plan

NOW = datetime(2026, 4, 22, tzinfo=UTC)
LISTED = FewFiles((DataFile(path="a.nxs", size=5, time=NOW), DataFile(path="b.nxs", size=6, time=NOW)))
SCAN = event(files=None, scan={"include": ["*.nxs"]})
PICTURE = event(attachments=[{"caption": "sum", "path": "sum.png"}])
PNG = "data:image/png;base64,AAAA"


class Catalogue:
    """Takes every plan at the first attempt."""

    so_far = SoFar(1, dataset_created=False, block_ids=(), attachment_ids=())

    def begin(self, plan: Plan) -> Catalogue:
        assert plan.pid
        return self

    def look_up(self, pid: str, wanted: tuple[Wanted, ...]) -> Any:
        raise AssertionError(f"{wanted} is not to be looked up for {pid}")

    async def attempt(self) -> Delivered:
        await anyio.lowlevel.checkpoint()
        return Delivered("created", 1, 0, 0, 0, ("b1",), (), 1, ())

    def abort_started(self) -> None:
        raise AssertionError("nothing is aborted here")


@dataclass
class Facility(EmptyFacility):
    """Answers from a list, one after another; an exception is raised."""

    answers: list[Any]
    asked: int = 0

    async def _answer(self) -> Any:
        await anyio.lowlevel.checkpoint()
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def read_schema(self, reference: int | str) -> Any:
        assert reference == 17
        return await self._answer()

    async def list_files(self, *_: Any) -> Any:
        return await self._answer()

    async def make_pictures(self, decoded: Decoded, *_: Any, waited: bool = False) -> Any:
        make = await self._answer()
        return make(decoded, waited)


@dataclass
class Clock:
    """Goes on by what is waited."""

    now: datetime = NOW
    waits: list[TryAgain] = field(default_factory=list)


def run(value: Any, facility: Facility, clock: Clock | None = None, **files: Any) -> Outcome:
    """Go the way of a record, as the engine would; a wait takes no time but the clock's."""
    clock = clock or Clock()
    given = {"scicat.acquisitions": rules(files=files)}
    way = Pipeline(given, Catalogue(), facility, JoinsSettings(), lambda: clock.now)
    prepared = way.prepare(record(value), way.begin_joins())
    assert isinstance(prepared, Prepared)

    async def go() -> Outcome:
        while True:
            result = await prepared.job.attempt()
            match result:
                case Aside():
                    await result.work()
                case TryAgain():
                    clock.waits.append(result)
                    clock.now += timedelta(seconds=result.seconds)
                case _:
                    return result

    return anyio.run(go)


def with_thumbnail(decoded: Decoded, waited: bool) -> Decoded:  # noqa: FBT001 (as it is called)
    drawn = {"thumbnail": PNG, "path": None}
    attachments = [each.model_copy(update=drawn) for each in decoded.event.attachments or ()]
    event_with = decoded.event.model_copy(update={"attachments": attachments})
    return replace(decoded, event=event_with, warnings=(*decoded.warnings, "scaled down"))


def test_files_that_are_listed_elsewhere_are_those_of_the_dataset() -> None:
    """Asked for aside, where no place at the catalogue is held."""
    outcome = run(SCAN, Facility([LISTED]))
    assert isinstance(outcome, Ingested)
    assert (outcome.plan.number_of_files, outcome.plan.size) == (2, 11)
    assert [file["path"] for block in outcome.plan.blocks for file in block.payload["dataFileList"]] == [
        "a.nxs",
        "b.nxs",
    ]


def test_what_is_not_there_yet_is_waited_for_and_looked_for_again() -> None:
    """Shared file systems lag behind: 1 s, 2 s, 4 s … between two looks, at most 30 s."""
    clock = Clock()
    facility = Facility([*[NotThereYet("no such folder")] * 7, LISTED])
    assert isinstance(run(SCAN, facility, clock), Ingested)
    assert [wait.seconds for wait in clock.waits] == [1, 2, 4, 8, 16, 30, 30]
    assert facility.asked == 8


def test_what_does_not_come_becomes_a_dead_letter_with_its_pid() -> None:
    """After files.wait_seconds, 5 minutes."""
    clock = Clock()
    outcome = run(SCAN, Facility([NotThereYet("'/data/x' is not there", field="source.folder")] * 100), clock)
    assert isinstance(outcome, DeadLettered)
    assert (outcome.fault.code, outcome.fault.field) == ("file_not_there", "source.folder")
    assert "'/data/x' is not there" in outcome.fault.message
    assert outcome.pid is not None
    assert 300 <= (clock.now - NOW).total_seconds() <= 330


def test_what_cannot_be_read_is_a_dead_letter_at_once() -> None:
    """With the pid, as far as it is known."""
    outcome = run(SCAN, Facility([FileUnreadable("it is a fifo")]))
    assert isinstance(outcome, DeadLettered)
    assert (outcome.fault.code, outcome.pid is None) == ("file_unreadable", False)


def test_pictures_are_made_before_the_plan() -> None:
    """And what is said about them goes into the outcome."""
    outcome = run(PICTURE, Facility([with_thumbnail]))
    assert isinstance(outcome, Ingested)
    assert [step.payload["thumbnail"] for step in outcome.plan.attachments] == [PNG]
    assert "scaled down" in outcome.plan.warnings


def without_attachments(decoded: Decoded, waited: bool) -> Decoded:  # noqa: FBT001 (as it is called)
    assert waited
    return replace(decoded, event=decoded.event.model_copy(update={"attachments": []}), warnings=("left out",))


def test_a_picture_that_never_comes_does_not_stop_its_dataset() -> None:
    """It is waited for as any file, then asked for a last time: what can be drawn is drawn."""
    clock = Clock()
    facility = Facility([*[NotThereYet("sum.png is not there")] * 20, without_attachments])
    outcome = run(PICTURE, facility, clock)
    assert isinstance(outcome, Ingested)
    assert (outcome.plan.attachments, outcome.plan.warnings) == ((), ("left out",))
    assert 300 <= sum(wait.seconds for wait in clock.waits) <= 330


def test_a_listed_file_is_looked_at_where_the_settings_say_so() -> None:
    """A list that an event gives is compared with the files."""
    facility = Facility([LISTED])
    outcome = run(event(), facility, verify="size")
    assert isinstance(outcome, Ingested)
    assert (facility.asked, outcome.plan.number_of_files) == (1, LISTED.count)


def test_a_dead_letter_tells_what_its_delivery_had_come_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """And when that was begun."""

    async def refuse(_: Catalogue) -> Delivered:
        await anyio.lowlevel.checkpoint()
        raise ForbiddenGroup("403", status=403)

    monkeypatch.setattr(Catalogue, "attempt", refuse)
    outcome = run(event(), Facility([]))
    assert isinstance(outcome, DeadLettered)
    assert (outcome.so_far, outcome.first_attempt_at) == (Catalogue.so_far, NOW)


def test_a_bug_while_fetching_costs_one_record_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The others go on."""
    outcome = run(SCAN, Facility([ZeroDivisionError("oops")]))
    assert isinstance(outcome, DeadLettered)
    assert outcome.fault.code == "internal_error"
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("value", [event(), event(status="cancelled", files=None, scan={})])
def test_nothing_is_fetched_for_what_needs_it_not(value: Any) -> None:
    """Nor for an acquisition that is not ingested."""
    facility = Facility([])
    run(value, facility)
    assert facility.asked == 0


@pytest.fixture
def framed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], Any]], None]:
    """Let every record need the schema 17."""

    def frame(read: Callable[[Any], Any]) -> None:
        monkeypatch.setattr(pipeline_module, "read", lambda *_: NeedsSchema(17, read))

    return frame


def test_a_schema_is_waited_for_as_long_as_the_registry_is_away(framed: Callable[..., None]) -> None:
    """An outage of the registry is no record's fault; then the record goes its way."""
    framed(lambda schema: Document("json", schema["default"], "daq"))
    clock = Clock()
    away: list[Any] = [RegistryUnavailable("503")] * 100
    outcome = run(b"\0\0\0\0\x11", Facility([*away, {"default": event()}]), clock)
    assert isinstance(outcome, Ingested)
    assert len(clock.waits) == 100


def test_a_record_that_is_not_what_its_schema_says_is_a_dead_letter(framed: Callable[..., None]) -> None:
    """As is one whose schema the registry does not know."""

    def read(_: Any) -> Document:
        raise CorruptRecord("4 bytes are missing")

    framed(read)
    answers: list[Any] = [{}, CorruptRecord("schema 17 is not in the registry")]
    for answer in answers:
        outcome = run(b"\0\0\0\0\x11", Facility([answer]))
        assert isinstance(outcome, DeadLettered)
        assert outcome.fault.code == "corrupt_record"


def test_a_wrong_set_up_halts_and_the_way_goes_on_afterwards(framed: Callable[..., None]) -> None:
    """The registry refuses our credentials: nobody's record is to blame."""
    framed(lambda schema: Document("json", schema["default"], "daq"))
    facility = Facility([InvalidSettings("registry.password is refused"), {"default": event()}])
    way = Pipeline({"scicat.acquisitions": rules()}, Catalogue(), facility, JoinsSettings(), lambda: NOW)
    prepared = way.prepare(record(b"\0"), way.begin_joins())
    assert isinstance(prepared, Prepared)

    async def aside() -> None:
        result = await prepared.job.attempt()
        assert isinstance(result, Aside)
        await result.work()

    async def go() -> Any:
        await aside()
        with pytest.raises(ConfigurationFault):
            await prepared.job.attempt()
        await aside()
        return await prepared.job.attempt()

    assert isinstance(anyio.run(go), Ingested)
