"""The ESS's FlatBuffers, as its own package writes them."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streaming_data_types import (
    DESERIALISERS,
    serialise_6s4t,
    serialise_al00,
    serialise_answ,
    serialise_ev44,
    serialise_f144,
    serialise_pl72,
    serialise_wrdn,
    serialise_x5f2,
)
from streaming_data_types.action_response_answ import ActionOutcome, ActionType
from streaming_data_types.alarm_al00 import Severity
from tests.unit.decode.formats.samples import RUN, limits, part, read

from scicat_ingest.decode.decoded import Ignored
from scicat_ingest.decode.formats.signs import ESS_NOISE, ESS_USED
from scicat_ingest.faults import CorruptRecord, InvalidUtf8, TooLarge, UnknownFormat

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(service=NAMES, job=NAMES.filter(bool), error=st.booleans(), file=NAMES, message=NAMES)
def test_a_finished_file_is_read_as_it_was_written(
    service: str,
    job: str,
    error: bool,  # noqa: FBT001
    file: str,
    message: str,
) -> None:
    """All fields of wrdn; the official serialiser leaves empty messages out."""
    value = serialise_wrdn(service, job, error, file, '{"proposal": {"id": "p1"}}', message)
    found = part(value)
    assert (found.format, found.run, found.role, found.warnings) == ("ess", job, "end", ())
    assert found.content == {
        "service_id": service,
        "job_id": job,
        "error_encountered": error,
        "file_name": file,
        "metadata": {"proposal": {"id": "p1"}},
        "message": message or None,
    }


def test_a_run_start_keeps_only_what_is_used() -> None:
    """The structure of the file, the broker and the detectors' map stay behind."""
    value = serialise_pl72(
        RUN, "a.nxs", 1_700_000_000_123, 0, "run 1", '{"children": []}', "writer", "ODIN", "b:9092", '{"title": "t"}'
    )
    found = part(value)
    assert (found.run, found.role) == (RUN, "start")
    assert found.content == {
        "job_id": RUN,
        "filename": "a.nxs",
        "start_time": 1_700_000_000_123,
        "stop_time": None,
        "run_name": "run 1",
        "service_id": "writer",
        "instrument_name": "ODIN",
        "metadata": {"title": "t"},
    }


def test_a_structure_larger_than_the_limit_is_no_obstacle() -> None:
    """It is not read, so it does not count; what is read does."""
    few = limits(max_event_bytes=2000)
    large = serialise_pl72(RUN, "a.nxs", 1, nexus_structure='{"x": "%s"}' % ("y" * 1_000_000))
    assert part(large, limits=few).size < 3000
    with pytest.raises(TooLarge):
        read(serialise_pl72(RUN, "a.nxs", 1, metadata='{"x": "%s"}' % ("y" * 3000)), limits=few)


def test_a_run_stop_is_in_the_middle() -> None:
    """The file is finished later."""
    found = part(serialise_6s4t(RUN, "run 1", "writer", "c", 1_700_000_009_000))
    assert (found.run, found.role) == (RUN, "middle")
    assert found.content == {
        "job_id": RUN,
        "service_id": "writer",
        "run_name": "run 1",
        "command_id": "c",
        "stop_time": 1_700_000_009_000,
    }


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [("no JSON", "no JSON"), ("[1]", "[1]"), ('{"a": NaN}', '{"a": NaN}'), ("", None), (None, None)],
)
def test_metadata_that_are_no_object_are_kept_as_text(metadata: str | None, kept: str | None) -> None:
    """With a warning: a run is worth more than what somebody typed."""
    found = part(serialise_wrdn("w", RUN, False, "/a.nxs", metadata))  # noqa: FBT003
    assert found.content["metadata"] == kept
    assert len(found.warnings) == (kept is not None)


NOISE = [
    serialise_f144("s", 1.5, 1),
    serialise_answ("s", RUN, "c", ActionType.StartJob, ActionOutcome.Success, "", 0, datetime.now(UTC)),
    serialise_x5f2("n", "1", "s", "h", 1, 1000, "{}"),
    serialise_al00("s", 1, Severity.OK, "m"),
    serialise_ev44("s", 1, [1], [0], np.arange(10, dtype=np.int32), np.arange(10, dtype=np.int32)),
]


@pytest.mark.parametrize("value", NOISE)
def test_other_messages_of_the_same_topics_are_noise(value: bytes) -> None:
    """Counted and committed."""
    assert read(value) == Ignored("noise")


def test_every_message_that_the_package_knows_is_known_here() -> None:
    """A new one would become a dead letter a second; this test finds it first."""
    assert {name.encode() for name in DESERIALISERS} <= ESS_USED | ESS_NOISE


def test_noise_may_be_of_any_size() -> None:
    """It is not read at all."""
    value = serialise_ev44("s", 1, [1], [0], np.arange(10_000, dtype=np.int32), np.arange(10_000, dtype=np.int32))
    assert read(value, limits=limits(max_event_bytes=1000)) == Ignored("noise")


def test_an_unknown_identifier_is_refused_by_name() -> None:
    """Where the content type says that it is a FlatBuffer."""
    with pytest.raises(UnknownFormat, match="zz99"):
        read(b"\x08\0\0\0zz99" + b"\0" * 20, headers={"content-type": b"application/x-flatbuffers"})


def test_a_run_without_a_job_cannot_be_joined() -> None:
    """The fault names the field."""
    with pytest.raises(CorruptRecord) as caught:
        read(serialise_wrdn("w", "", False, "/a.nxs"))  # noqa: FBT003
    assert caught.value.field == "job_id"


def test_a_buffer_that_is_cut_off_is_corrupt() -> None:
    """The library itself would give a shorter text, or none."""
    value = serialise_wrdn("w" * 50, RUN, False, "/data/a.nxs", json.dumps({"a": 1}), "m" * 50)  # noqa: FBT003
    outcomes: set[Any] = set()
    for length in range(len(value)):
        try:
            found = read(value[:length], "ess", headers={"content-type": b"application/x-flatbuffers"})
        except (CorruptRecord, UnknownFormat) as fault:
            outcomes.add(type(fault))
        else:
            outcomes.add(found if isinstance(found, Ignored) else "read")
    assert outcomes <= {CorruptRecord, UnknownFormat, Ignored("tombstone"), "read"}
    with pytest.raises(CorruptRecord):
        read(value[:-60])


@pytest.mark.parametrize("odd", [0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_offsets_and_lengths_that_lead_outside_are_corrupt(odd: int) -> None:
    """Each number of the buffer in turn is made an odd one."""
    value = serialise_wrdn("w", RUN, False, "/a.nxs", "{}", "m")  # noqa: FBT003
    for place in (0, *range(8, len(value) - 3, 4)):
        broken = value[:place] + struct.pack("<I", odd) + value[place + 4 :]
        try:
            read(broken, headers={"content-type": b"application/x-flatbuffers"})
        except (CorruptRecord, InvalidUtf8):
            continue
