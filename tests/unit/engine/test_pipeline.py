"""From bytes to a plan: nothing but a plan, a reason to ignore, or a record fault comes out, whatever goes in."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.acquisition_events import PNG, decode_record, event, payloads, plan_record, record, rules

from scicat_ingest.catalogue.dataset import Dataset
from scicat_ingest.decode.decoded import Decoded, Ignored
from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.deliver.delivered import Delivered, SoFar, TryAgain
from scicat_ingest.engine.pipeline import Pipeline
from scicat_ingest.engine.ports import Prepared
from scicat_ingest.faults import InternalError, MayNotCreate, PidTaken, RecordFault
from scicat_ingest.plan.steps import Plan
from scicat_ingest.report.outcome import DeadLettered, Ingested, Outcome, Skipped
from scicat_ingest.settings import JoinsSettings
from scicat_ingest.testing.facility import EmptyFacility
from scicat_ingest.testing.sample_events import sample_events

if TYPE_CHECKING:
    from scicat_ingest.consume.record import Record
    from scicat_ingest.engine.way import LooksUp
    from scicat_ingest.mapping.lookups import Wanted

NOW = datetime(2026, 4, 22, tzinfo=UTC)
DELIVERED = Delivered("created", 1, 0, 0, 0, ("b1",), (), 1, ())

STRICT = rules(source={"instruments": ["ODIN"], "roots": ["/data/{instrument.id}", "C:/"]}, unknown_fields="reject")
OPEN = rules(
    source={
        "may_set": [
            "pid",
            "ownerGroup",
            "accessGroups",
            "instrumentGroup",
            "sharedWith",
            "isPublished",
            "datasetlifecycle",
        ]
    },
    owner="x",
    contact_email="x@example.org",
    timezone="Europe/Berlin",
    on_status={"failed": "ingest", "cancelled": "ingest"},
    access_groups=["{instrument.name}", "{metadata.a.b}"],
    scicat={"read_back_group": "ingestor", "max_body_bytes": 2000},
)

FULL = event(
    title="t",
    keywords=["k"],
    sample={"id": "s", "name": "n"},
    groups={"owner": "p1001", "access": ["p1001"]},
    checksumAlgorithm="sha256",
    attachments=[{"caption": "c", "thumbnail": PNG, "relationships": [{"targetId": "a", "targetType": "sample"}]}],
    metadata={"t": {"value": 1, "unit": "K"}},
    techniques=[{"pid": "a", "name": "b"}],
    inputDatasets=["10.1/x", {"instrument": "ODIN", "acquisitionId": "y"}],
    usedSoftware=["s"],
    jobParameters={"a": 1},
    dataset={"keywords": ["k"], "instrumentIds": ["ODIN"], "techniques": [{"pid": "a", "name": "b"}]},
    origdatablock={"chkAlg": "md5"},
    extensions={},
)

ODD_TEXTS = [
    "",
    " ",
    ".",
    "..",
    "/",
    "//x",
    "../x",
    "\\",
    "C:\\x",
    "\x00",
    "\n",
    "{a}",
    "😀",
    "NaN",
    "data:,",
    "a@b",
    ";",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 2**31, 2**53, 10**200, -(10**200), 0.5, 1e300])
    | st.sampled_from(
        [*ODD_TEXTS, "2026-04-22T10:00:00", "9999-12-31T23:59:59-12:00", "raw", "derived", "aborted", "1"]
    )
    | st.text(max_size=8)
)
NAMES = st.sampled_from(
    [
        *AcquisitionCompleted.model_fields,
        *Dataset.model_fields,
        "id",
        "name",
        "path",
        "size",
        "caption",
        "__class__",
        "",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)
TIMESTAMPS = st.sampled_from([-1, 0, 1_776_848_093_642, 2**62, 2**63 - 1])


def judge(value: bytes, timestamp_ms: int = 0) -> None:
    for by in (STRICT, OPEN):
        given_record = record(value, timestamp_ms=timestamp_ms)
        with suppress(RecordFault):
            assert isinstance(decode_record(given_record, by), (Decoded, Ignored))
        planned = plan_record(given_record, by)
        assert not isinstance(planned, InternalError), str(planned)
        if isinstance(planned, Plan):
            assert json.dumps(payloads(planned), ensure_ascii=False, allow_nan=False).encode()
            assert planned.number_of_files == sum(len(block.payload["dataFileList"]) for block in planned.blocks)
        elif isinstance(planned, RecordFault):
            assert planned.message
            assert len(str(planned)) < 5000
            assert str(planned).encode()


@given(st.binary() | st.text().map(str.encode) | st.text(st.sampled_from('{}[]":,01eE.-\\ud80"a ')).map(str.encode))
def test_arbitrary_bytes_are_a_fault_and_no_crash(value: bytes) -> None:
    """Nothing but a RecordFault."""
    judge(value)


@given(VALUES, TIMESTAMPS)
def test_arbitrary_json_is_a_fault_and_no_crash(value: Any, timestamp_ms: int) -> None:
    """Of any shape, with the event's own names at any place."""
    judge(json.dumps(value).encode(), timestamp_ms)


@given(st.dictionaries(NAMES, VALUES, max_size=6), TIMESTAMPS)
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@example({"dataset": {"keywords": 5}, "status": "aborted"}, 0)
@example({"dataset": {"instrumentIds": [["ODIN"]]}}, 0)
@example({"dataset": {"owner": {"a": 1}, "contactEmail": [], "sourceFolderHost": 5}}, 0)
@example({"endedAt": None, "dataset": None}, 2**63 - 1)
@example({"dataset": {"datasetlifecycle": {"publishedOn": "2026-04-22T10:00:00"}}}, 0)
def test_a_mutated_event_is_a_plan_or_a_fault(changes: dict[str, Any], timestamp_ms: int) -> None:
    """Fields at the top replaced by anything."""
    judge(json.dumps(FULL | changes).encode(), timestamp_ms)


@given(st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_a_mutation_anywhere_is_a_plan_or_a_fault(data: st.DataObject) -> None:
    """One value at any depth replaced, or one name added."""
    mutated = copy.deepcopy(FULL)
    here: Any = mutated
    while True:
        step: Any = data.draw(st.sampled_from(list(here) if isinstance(here, dict) else range(len(here))))
        if not isinstance(here[step], (dict, list)) or not here[step] or data.draw(st.booleans()):
            break
        here = here[step]
    if isinstance(here, dict) and data.draw(st.booleans()):
        step = data.draw(NAMES)
    here[step] = data.draw(VALUES)
    judge(json.dumps(mutated).encode())


@pytest.mark.parametrize("by", [STRICT, OPEN])
def test_the_full_event_is_a_plan_where_it_may_be(by: Any) -> None:
    """So that its mutations reach all of the mapping."""
    assert isinstance(plan_record(record(FULL | {"source": {"folder": "/data/ODIN/x"}}), by), Plan)


def test_sample_events_come_to_the_end_that_they_say() -> None:
    """Those of the demo, with its settings."""
    for sample in sample_events(20):
        planned = plan_record(record(sample.value), rules())
        if sample.ending == "dead_lettered":
            assert isinstance(planned, RecordFault)
            assert planned.code == sample.reason
        else:
            assert isinstance(planned, Plan)


class Catalogue:
    """Takes every plan at the first attempt, or raises."""

    so_far = SoFar(1, dataset_created=False, block_ids=(), attachment_ids=())

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.aborted = False

    def begin(self, plan: Plan) -> Catalogue:
        assert plan.pid
        return self

    def look_up(self, pid: str, wanted: tuple[Wanted, ...]) -> LooksUp:
        raise AssertionError(f"{wanted} is not to be looked up for {pid}")

    async def attempt(self) -> Delivered:
        await anyio.lowlevel.checkpoint()
        if self.fault is not None:
            raise self.fault
        return DELIVERED

    def abort_started(self) -> None:
        self.aborted = True


def pipeline(catalogue: Catalogue) -> Pipeline:
    return Pipeline({"scicat.acquisitions": rules()}, catalogue, EmptyFacility(), JoinsSettings(), lambda: NOW)


def prepare(given: Record, catalogue: Catalogue) -> Prepared:
    way = pipeline(catalogue)
    prepared = way.prepare(given, way.begin_joins())
    assert isinstance(prepared, Prepared)
    return prepared


def run(value: Any, fault: Exception | None = None) -> Outcome:
    outcome = anyio.run(prepare(record(value), Catalogue(fault)).job.attempt)
    assert isinstance(outcome, Outcome)
    return outcome


def test_each_end_is_an_outcome() -> None:
    """Ingested, skipped, or a dead letter with the pid as far as it is known."""
    ingested = run(event())
    assert isinstance(ingested, Ingested)
    assert (ingested.delivered, ingested.plan.mapping_digest, ingested.done_at) == (DELIVERED, rules().digest, NOW)
    assert isinstance(run(None), Skipped)
    for value, fault, pid in ((b"{", None, None), (event(), PidTaken("no"), ingested.plan.pid)):
        outcome = run(value, fault)
        assert isinstance(outcome, DeadLettered)
        assert outcome.pid == pid


def test_a_delivery_that_is_not_finished_is_no_outcome() -> None:
    """The engine comes back to it."""

    class Busy(Catalogue):
        async def attempt(self) -> Any:
            await anyio.lowlevel.checkpoint()
            return TryAgain(3.0, "busy")

    assert anyio.run(prepare(record(event()), Busy()).job.attempt) == TryAgain(3.0, "busy")


def test_a_fault_of_the_set_up_is_no_dead_letter() -> None:
    """It halts the service."""
    with pytest.raises(MayNotCreate):
        run(event(), MayNotCreate("no"))


def test_a_bug_in_the_delivery_costs_one_record_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The others go on."""
    outcome = run(event(), ZeroDivisionError("oops"))
    assert isinstance(outcome, DeadLettered)
    assert outcome.fault.code == "internal_error"
    assert "Traceback" in caplog.text


def test_the_lane_is_the_pid_else_the_key_else_the_record() -> None:
    """Records of one lane are delivered one after another."""
    ingested = run(event())
    assert isinstance(ingested, Ingested)
    assert prepare(record(event()), Catalogue()).lane == ingested.plan.pid
    assert prepare(record(b"{"), Catalogue()).lane == ("key", b"odin-000042")
    unkeyed = record(b"{")
    bare = type(unkeyed)(unkeyed.topic, 3, 9, 0, None, b"{")
    assert prepare(bare, Catalogue()).lane == ("record", "scicat.acquisitions", 3, 9)


def test_a_hard_stop_reaches_the_catalogue() -> None:
    """The requests under way are given up."""
    catalogue = Catalogue()
    pipeline(catalogue).abort_started()
    assert catalogue.aborted


def test_a_bug_of_ours_costs_one_record_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It becomes a dead letter with the code internal_error; the log has the traceback."""

    def broken(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("scicat_ingest.engine.reading.map_acquisition", broken)
    planned = plan_record(record(event()), rules())
    assert isinstance(planned, InternalError)
    assert planned.message == "KeyError: 'x'"
    assert "scicat.acquisitions[0]@7" in caplog.text
    assert "Traceback" in caplog.text
