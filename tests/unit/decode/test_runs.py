"""The records of a run become one document, in whatever order they come, and however often."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.decode.formats.samples import (
    BLUESKY,
    DESCRIPTOR,
    DESCRIPTOR_DOCUMENT,
    ESS,
    EVENT,
    RUN,
    START,
    STOP,
    packed,
    part,
)

from scicat_ingest.decode.formats.kept import kept_bytes
from scicat_ingest.decode.runs import NEEDS_START, Run, join
from scicat_ingest.faults import RunIncomplete

if TYPE_CHECKING:
    from scicat_ingest.decode.document import Part

ESS_PARTS = [part(value) for value in ESS[:3]]
BLUESKY_PARTS = [part(value, key=RUN.encode()) for value in BLUESKY[:6]]


def event(number: int, descriptor: str = DESCRIPTOR) -> Part:
    return part(packed("event", EVENT | {"seq_num": number, "descriptor": descriptor}), key=RUN.encode())


def stop(**changes: Any) -> Part:
    return part(packed("stop", {name: value for name, value in (STOP | changes).items() if value != "absent"}))


@given(order=st.permutations(range(6)), again=st.lists(st.integers(0, 5), max_size=6))
def test_a_run_is_the_same_in_any_order_and_with_any_repeats(order: list[int], again: list[int]) -> None:
    """Kafka gives no order between partitions, and records come twice."""
    for parts in ([ESS_PARTS[place % 3] for place in (*order, *again)], [BLUESKY_PARTS[p] for p in (*order, *again)]):
        joined = join(parts).content
        straight = join(ESS_PARTS if parts[0].format == "ess" else BLUESKY_PARTS).content
        for name, value in straight.items():
            wanted = value
            if name == "resources":  # in the order in which they came
                assert sorted(joined[name], key=str) == sorted(wanted, key=str)
            else:
                assert joined[name] == wanted


def test_an_ess_run_is_the_finished_file_with_its_start_and_stop() -> None:
    """The writer's fields are at the top, where a mapping file finds them also without the others."""
    document = join(ESS_PARTS)
    assert (document.format, document.event_source, document.warnings) == ("ess", "events", ())
    assert document.content["file_name"] == "/data/p1/a.nxs"
    assert document.content["metadata"] == {"a": [1]}
    assert document.content["start"]["instrument_name"] == "ODIN"
    assert document.content["stop"]["stop_time"] == 1_700_000_009_000


def test_a_finished_file_alone_is_enough() -> None:
    """The run's start may have been before we were there."""
    document = join(ESS_PARTS[:1])
    assert (document.content["start"], document.content["stop"]) == (None, None)
    assert NEEDS_START == {"ess": False, "bluesky": True}


def test_a_bluesky_run_is_start_and_stop_with_what_was_between() -> None:
    """As docs/formats.md shows it."""
    content = join(BLUESKY_PARTS).content
    assert content["start"]["scan_id"] == START["scan_id"]
    assert content["stop"] == STOP
    assert content["num_events"] == {"primary": 2}
    assert [entry["name"] for entry in content["descriptors"]] == ["primary"]
    assert content["descriptors"][0]["data_keys"] == DESCRIPTOR_DOCUMENT["data_keys"]
    assert content["resources"] == [
        {"path": "/data/p1234/scan 17.h5", "uri": "file://localhost/data/p1234/scan%2017.h5",
         "mimetype": "application/x-hdf5", "spec": None, "data_key": "det"},
        {"path": "/data/p1234/old.h5", "uri": None, "mimetype": None, "spec": "AD_HDF5", "data_key": None},
    ]  # fmt: skip


@pytest.mark.parametrize("parts", [BLUESKY_PARTS[:5], BLUESKY_PARTS[1:], ESS_PARTS[1:]])
def test_a_run_without_an_end_or_a_start_it_needs_is_incomplete(parts: list[Part]) -> None:
    """The fault is that of the dead letter."""
    with pytest.raises(RunIncomplete):
        join(parts)


def test_events_are_counted_where_the_stop_does_not_say() -> None:
    """By the highest number of a stream, so that repeats do not count; streams of unknown name are left out."""
    middle = [event(number) for number in (1, 3, 3, 2)] + [event(9, "unknown")]
    counted = join([*BLUESKY_PARTS[:2], *middle, stop(num_events="absent")])
    assert counted.content["num_events"] == {"primary": 3}


def test_the_stop_knows_better() -> None:
    """It is the run engine's own count."""
    assert join([*BLUESKY_PARTS[:2], event(5), stop(num_events={})]).content["num_events"] == {}


def test_two_descriptors_of_one_stream_count_together() -> None:
    """A stream whose configuration changed goes on with its numbers."""
    second = part(packed("descriptor", DESCRIPTOR_DOCUMENT | {"uid": "second"}))
    run = [*BLUESKY_PARTS[:2], second, event(2), event(4, "second"), stop(num_events="absent")]
    assert join(run).content["num_events"] == {"primary": 4}


def test_a_run_says_how_much_it_keeps() -> None:
    """A repeat replaces; of a million events one number stays."""
    run = Run("bluesky")
    sizes = []
    for each in [*BLUESKY_PARTS, *BLUESKY_PARTS, *(event(number) for number in range(50))]:
        run.add(each)
        sizes.append(run.size)
    assert sizes[5] == sizes[-1]
    assert sizes == sorted(sizes)
    assert sizes[5] >= sum(each.size for each in BLUESKY_PARTS if each.content.get("kind") != "events")


def test_a_run_says_whether_it_is_ready_and_whether_anyone_would_miss_it() -> None:
    """Events may carry a key that is no run: such a run ends unseen."""
    run = Run("bluesky")
    run.add(event(1, "x"))
    assert (run.ready, run.only_counts) == (False, True)
    for place, ready in ((5, False), (0, True)):
        run.add(BLUESKY_PARTS[place])
        assert (run.ready, run.only_counts) == (ready, False)
    lone = Run("ess")
    lone.add(ESS_PARTS[2])
    assert (lone.ready, lone.only_counts) == (False, False)


def test_warnings_of_all_parts_are_those_of_the_run() -> None:
    """Each once."""
    parts = [replace(each, warnings=(f"w{place % 2}",)) for place, each in enumerate(ESS_PARTS)]
    assert set(join(parts).warnings) == {"w0", "w1"}


def python_bytes(value: Any) -> int:
    below = list(value.items()) if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
    own = 0 if isinstance(value, tuple) else sys.getsizeof(value)
    return own + sum(python_bytes(item) for item in below)


@given(
    value=st.recursive(
        st.none() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=200),
        lambda below: st.lists(below, max_size=5) | st.dictionaries(st.text(max_size=20), below, max_size=5),
        max_leaves=20,
    )
)
def test_the_estimate_of_memory_is_at_least_half_of_the_truth(value: Any) -> None:
    """The limits of joins rest on it."""
    assert 2 * kept_bytes(value) >= python_bytes(value)
