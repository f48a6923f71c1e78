"""What goes to Kafka: CloudEvents in binary mode, and dead letters that keep the original."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.acquisition_events import event, plan, record, rules

from scicat_ingest.consume.record import Record
from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.deliver.delivered import Delivered, SoFar
from scicat_ingest.faults import ForbiddenGroup, InvalidField, PidTaken, RecordFault
from scicat_ingest.mapping.rules import PRODUCED_BY
from scicat_ingest.report.message import Message, fit_message, outcome_id, write_message
from scicat_ingest.report.outcome import DeadLettered, Ingested, Outcome, Skipped

if TYPE_CHECKING:
    from scicat_ingest.plan.steps import Plan

RECEIVED = datetime(2026, 4, 22, 9, 0, tzinfo=UTC)
DONE = datetime(2026, 4, 22, 9, 0, 1, 500_000, tzinfo=UTC)


def write(outcome: Outcome) -> Message:
    message = write_message(outcome, ingested_topic="good", dead_letter_topic="bad")
    assert message is not None
    return message


def ingested(what: Plan, of: Record, **delivered: Any) -> Ingested:
    facts: dict[str, Any] = {
        "verdict": "completed",
        "blocks_created": 1,
        "blocks_found": 2,
        "attachments_created": 0,
        "attachments_found": 1,
        "block_ids": ("b1",),
        "attachment_ids": (),
        "attempts": 3,
        "warnings": (),
    }
    return Ingested(of, what, Delivered(**(facts | delivered)), RECEIVED, DONE)


def dead(fault: RecordFault, of: Record, pid: str | None = None) -> DeadLettered:
    return DeadLettered(of, fault, pid, RECEIVED, DONE)


def headers(message: Message) -> dict[str, str]:
    return {name: value.decode() for name, value in message.headers}


def test_an_ingested_event_says_everything_about_the_dataset() -> None:
    """Keyed by pid; ids, counts, warnings, timings, and the coordinates of the source."""
    planned = plan(event(revision=2))
    message = write(ingested(planned, record(event()), warnings=("late",)))
    assert (message.topic, message.key, message.timestamp_ms) == ("good", planned.pid.encode(), None)
    assert message.value is not None
    assert json.loads(message.value) == {
        "pid": planned.pid,
        "acquisitionId": "odin-000042",
        "instrument": "ODIN",
        "revision": 2,
        "verdict": "completed",
        "origdatablocks": {"created": 1, "found": 2, "ids": ["b1"]},
        "attachments": {"created": 0, "found": 1, "ids": []},
        "files": 1,
        "bytes": 1048576,
        "drift": [],
        "warnings": ["late"],
        "attempts": 3,
        "timings": {
            "eventAt": "2026-04-22T08:54:53.642Z",
            "recordAt": "2026-04-22T08:54:53.642Z",
            "receivedAt": "2026-04-22T09:00:00.000Z",
            "doneAt": "2026-04-22T09:00:01.500Z",
        },
        "mapping": {"name": "native", "digest": rules().digest},
        "producedBy": PRODUCED_BY,
        "source": {"topic": "scicat.acquisitions", "partition": 0, "offset": 7, "timestamp": 1776848093642},
    }
    assert headers(message) == {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": outcome_id(record(event())),
        "ce_source": "/scicat-ingest",
        "ce_type": "scicat.dataset.ingested.v1",
        "ce_time": "2026-04-22T09:00:01.500Z",
        "ce_subject": planned.pid,
    }


def test_a_replayed_record_says_where_it_was_first() -> None:
    """So that a consumer finds the answer to what it has sent; odd headers of that name are nobody's."""
    first = {"count": "2", "topic": "scicat.acquisitions", "partition": "3", "offset": "99", "timestamp": "-1"}
    replayed = record(event(), headers=tuple((f"ingest.replay.{name}", text.encode()) for name, text in first.items()))
    source = write(ingested(plan(event()), replayed)).json()["source"]
    assert (source["offset"], source["replays"]) == (7, 2)
    assert source["first"] == {"topic": "scicat.acquisitions", "partition": 3, "offset": 99, "timestamp": -1}
    negative = tuple((f"ingest.replay.{name}", text.encode()) for name, text in {**first, "partition": "-3"}.items())
    for odd in ((("ingest.replay.count", b"x"),), (("ingest.replay.topic", b"\xff"),), negative):
        assert "first" not in write(ingested(plan(event()), record(event(), headers=odd))).json()["source"]


def test_a_reprocessed_record_has_an_outcome_of_its_own_that_names_the_run() -> None:
    """Consumers that drop repeats must not drop it; each run of `reprocess` is another one."""
    names = {outcome_id(record(event()))}
    for run in (b"one", b"two"):
        again = record(event(), headers=(("ingest.reprocess", run),))
        names.add(outcome_id(again))
        assert write(ingested(plan(event()), again)).json()["source"]["reprocess"] == run.decode()
    assert len(names) == 3


def test_trace_context_is_carried_on() -> None:
    """W3C's headers, and no others."""
    traced = record(event(), headers=(("traceparent", b"00-1-2-01"), ("other", b"x")))
    assert headers(write(ingested(plan(event()), traced)))["traceparent"] == "00-1-2-01"
    assert "other" not in headers(write(ingested(plan(event()), traced)))


def test_the_datasets_page_is_linked() -> None:
    """With the slash of the pid encoded; by default there is no link."""
    outcome = ingested(plan(event()), record(event()))
    page = "https://scicat.example.org/datasets/{pid}"
    message = write_message(outcome, ingested_topic="good", dead_letter_topic="bad", dataset_page=page)
    assert message is not None
    assert message.json()["datasetUrl"] == page.replace("{pid}", outcome.plan.pid.replace("/", "%2F"))
    assert "datasetUrl" not in write(outcome).json()


def test_a_dead_letter_says_what_was_done_before() -> None:
    """A curator has to know what is left in SciCat; many ids are counted."""
    so_far = SoFar(3, dataset_created=True, block_ids=tuple(map(str, range(25))), attachment_ids=())
    outcome = DeadLettered(record(event()), ForbiddenGroup("no", status=403), "p", RECEIVED, DONE, RECEIVED, so_far)
    said = headers(write(outcome))
    assert said["ingest.dlq.status"] == "403"
    assert said["ingest.dlq.attempts"] == "3"
    assert said["ingest.dlq.dataset_created"] == "true"
    assert said["ingest.dlq.block_ids"].endswith(",18,19,and 5 more")
    assert said["ingest.dlq.first_attempt_at"] == "2026-04-22T09:00:00.000Z"
    assert "ingest.dlq.attachment_ids" not in said


def test_warnings_are_bounded_and_stand_once() -> None:
    """A dataset with a million odd things still gives a message that Kafka takes."""
    planned = plan(event(odd=1))
    given = ("x" * 5000, planned.warnings[0], *(f"warning {number}" for number in range(149)))
    message = write(ingested(planned, record(event()), warnings=given))
    warnings = json.loads(message.value or b"")["warnings"]
    assert len(warnings) == 101
    assert warnings[-1] == "and 51 more warnings"
    assert max(map(len, warnings)) <= 1000


@pytest.mark.parametrize("timestamp_ms", [-1, 2**62, 2**63 - 1])
def test_a_timestamp_that_is_no_time_is_left_out(timestamp_ms: int) -> None:
    """Producers set it to anything; a message is written nevertheless."""
    odd = record(event(), timestamp_ms=timestamp_ms)
    body = json.loads(write(ingested(plan(event()), odd)).value or b"")
    assert ("recordAt" in body["timings"], body["source"]["timestamp"]) == (False, timestamp_ms)
    assert write(dead(InvalidField("no"), odd)).timestamp_ms == (None if timestamp_ms < 0 else timestamp_ms)


def test_a_dead_letter_keeps_the_original_untouched() -> None:
    """Key, value, headers and timestamp; ours come after the first `original_headers`."""
    original = Record("t", 2, 9, 17, b"\xff", b"\x00\xfe", (("a", b"\xff"), ("a", b""), ("ingest.dlq.reason", b"old")))
    message = write(dead(InvalidField("expected x", field="files[3].size", hint="send x"), original, "10.1/x"))
    assert (message.topic, message.key, message.value, message.timestamp_ms) == ("bad", b"\xff", b"\x00\xfe", 17)
    assert message.headers[:3] == original.headers
    ours = {name: value.decode() for name, value in message.headers[3:]}
    assert ours == {
        "ingest.dlq.original_headers": "3",
        "ingest.dlq.reason": "invalid_field",
        "ingest.dlq.class": "record",
        "ingest.dlq.message": "expected x",
        "ingest.dlq.field": "files[3].size",
        "ingest.dlq.hint": "send x",
        "ingest.dlq.pid": "10.1/x",
        "ingest.dlq.topic": "t",
        "ingest.dlq.partition": "2",
        "ingest.dlq.offset": "9",
        "ingest.dlq.timestamp": "17",
        "ingest.dlq.received_at": "2026-04-22T09:00:00.000Z",
        "ingest.dlq.failed_at": "2026-04-22T09:00:01.500Z",
        "__connect.errors.topic": "t",
        "__connect.errors.partition": "2",
        "__connect.errors.offset": "9",
        "__connect.errors.connector.name": "scicat-ingest",
        "__connect.errors.task.id": "0",
        "__connect.errors.stage": "TASK_PUT",
        "__connect.errors.class.name": "scicat_ingest",
        "__connect.errors.exception.class.name": "InvalidField",
        "__connect.errors.exception.message": "files[3].size: expected x (send x)",
        "ce_specversion": "1.0",
        "ce_id": outcome_id(original),
        "ce_source": "/scicat-ingest",
        "ce_type": "scicat.acquisition.dead-letter.v1",
        "ce_time": "2026-04-22T09:00:01.500Z",
        "ce_subject": "10.1/x",
    }


def test_what_is_not_known_of_a_dead_letter_has_no_header() -> None:
    """No field, no hint, no pid."""
    names = headers(write(dead(PidTaken("no", hint=""), record(b"{"))))
    assert not {"ingest.dlq.field", "ingest.dlq.hint", "ingest.dlq.pid", "ce_subject"} & names.keys()


def test_a_long_message_is_cut() -> None:
    """Headers are part of the record's size."""
    message = write(dead(InvalidField("é" * 10**6, field="x" * 10**6), record(b"{"), "10.1/" + "p" * 10**6))
    assert sum(len(value) for _, value in message.headers) < 10_000


def test_a_dead_letter_that_is_too_large_loses_its_value_only() -> None:
    """With its size and digest, to find it on the input topic."""
    whole = write(dead(InvalidField("no"), record(b"{" * 10_000)))
    assert fit_message(whole, 20_000) is whole
    cut = fit_message(whole, 10_000)
    assert (cut.value, cut.key, cut.topic, cut.timestamp_ms) == (None, whole.key, whole.topic, whole.timestamp_ms)
    assert cut.headers[: len(whole.headers)] == whole.headers
    assert headers(cut)["ingest.dlq.value_omitted"] == "true"
    assert headers(cut)["ingest.dlq.value_bytes"] == "10000"
    assert headers(cut)["ingest.dlq.value_sha256"] == hashlib.sha256(b"{" * 10_000).hexdigest()


@pytest.mark.parametrize(
    "record",
    [
        Record("t", 2, 9, 17, b"k" * 900_000, b"{", ()),
        Record("t", 2, 9, 17, b"k", b"{", (("x", b"y" * 900_000),)),
        Record("t", 2, 9, 17, b"k", b"{" * 400_000, (("x" * 900_000, b""),)),
        Record("t", 2, 9, 17, b"k", b"{", tuple(("a", b"b") for _ in range(120_000))),
    ],
)
def test_a_dead_letter_of_a_huge_key_or_headers_fits_all_the_same(record: Record) -> None:
    """A record that Kafka took must not stop the service because its letter is too large: its coordinates stay."""
    letter = fit_message(write(dead(InvalidField("no", field="a"), record)), 800_000)
    assert (letter.key, letter.value) == (None, None)
    assert sum(len(name) + len(text) for name, text in letter.headers) < 3000
    said = headers(letter)
    assert (said["ingest.dlq.original_headers"], said["ingest.dlq.headers_omitted"]) == ("0", "true")
    assert (said["ingest.dlq.partition"], said["ingest.dlq.offset"], said["ingest.dlq.timestamp"]) == ("2", "9", "17")
    assert (said["ingest.dlq.reason"], said["ce_id"]) == ("invalid_field", outcome_id(record))
    assert said["ingest.dlq.value_bytes"] == str(len(record.value or b""))


def test_a_trace_that_is_none_is_not_carried_on() -> None:
    """It may be of any size."""
    traced = record(event(), headers=(("tracestate", b"x" * 900_000),))
    assert "tracestate" not in headers(write(ingested(plan(event()), traced)))


def test_an_ingested_event_names_at_most_a_thousand_ids() -> None:
    """The counts are whole."""
    many = tuple(map(str, range(3000)))
    message = write(ingested(plan(event()), record(event()), block_ids=many, blocks_created=3000))
    body = json.loads(message.value or b"")
    assert (body["origdatablocks"]["created"], len(body["origdatablocks"]["ids"])) == (3000, 1000)


def test_what_was_skipped_is_not_published() -> None:
    """It is counted and committed."""
    skipped = Skipped(record(None), Ignored("tombstone"), RECEIVED)
    assert write_message(skipped, ingested_topic="good", dead_letter_topic="bad") is None


def test_a_records_outcome_has_always_the_same_id() -> None:
    """Of its coordinates and timestamp only; a later release must give this one too."""
    again = Record("scicat.acquisitions", 0, 7, record(event()).timestamp_ms, None, None)
    assert outcome_id(record(event())) == outcome_id(again) == "ffba29dd-57bf-5a04-9c80-c7825d1a1613"


COORDINATES = st.tuples(
    st.sampled_from(["a", 'a",1', "é"]), st.integers(0, 99), st.integers(0, 2**62), st.integers(-1, 9)
)


@given(COORDINATES, COORDINATES)
def test_ids_differ_where_coordinates_do(one: tuple[str, int, int, int], other: tuple[str, int, int, int]) -> None:
    """And nowhere else."""
    ids = [outcome_id(Record(*coordinates, None, None)) for coordinates in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)
    assert UUID(ids[0]).version == 5
