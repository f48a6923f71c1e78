"""Every reason of a dead letter can be come to, by a record and settings that a facility could have."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.unit.acquisition_events import decode_record, event, record, settings

from scicat_ingest.bootstrap import open_facility, rules_by_topic
from scicat_ingest.decode.decoded import Decoded
from scicat_ingest.faults import RecordFault
from scicat_ingest.mapping import acquisition
from scicat_ingest.mapping.lookups import what_to_look_up
from scicat_ingest.preview.preview import preview
from scicat_ingest.testing.stand_in.store import DATASETS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.contract.service.bench import Bench, Send

    from scicat_ingest.deliver.deliveries import Deliveries
    from scicat_ingest.deliver.wire import WireAnswer

pytestmark = pytest.mark.anyio

MAPPING = """\
name: ours
match: event.job is defined
acquisition: {acquisitionId: "{{ event.job }}", noFiles: true, instrument: {id: "{{ event.beamline }}"}}
"""


@dataclass(frozen=True)
class Case:
    """A record and settings; `files` are written below the data folder, which events call FOLDER."""

    value: Any
    given: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, bytes], ...] = ()


def manifest(**more: Any) -> dict[str, Any]:
    return event(files=None, source={"folder": "FOLDER"}, fileManifest={"uri": "list.jsonl", **more})


def listed(**file: Any) -> dict[str, Any]:
    algorithm = "sha256" if "checksum" in file else None
    return event(source={"folder": "FOLDER"}, files=[{"path": "a", **file}], checksumAlgorithm=algorithm)


A_FIFO = "a fifo"
ROOTED: dict[str, Any] = {"source": {"roots": ["FOLDER"]}}
AT_ONCE = {"wait_seconds": 0, "stable_seconds": 0}

MAPPED = {
    "too_large": Case(event(description="x" * 300), {"limits": {"max_event_bytes": 200}}),
    "invalid_utf8": Case(b'{"a": "\xff"}'),
    "invalid_json": Case(b"{"),
    "duplicate_key": Case(b'{"a": 1, "a": 2}'),
    "non_finite_number": Case(b'{"a": NaN}'),
    "too_deep": Case(b'{"a":' * 100 + b"1" + b"}" * 100),
    "not_an_object": Case(b"[]"),
    "corrupt_record": Case(b"\x10\x00\x00\x00pl72" + b"\xff" * 20, {"source": {"formats": ["ess"]}}),
    "unknown_format": Case(b"\x10\x00\x00\x00pl72" + b"\xff" * 20),
    "unmatched": Case(event(), headers=(("ce_type", b"of.something.else"), ("ce_specversion", b"1.0"))),
    "unsupported_version": Case(event(specVersion="2")),
    "missing_field": Case(event(acquisitionId=None)),
    "invalid_field": Case(event(endedAt="yesterday")),
    "unknown_field": Case(event(proposalId="p1"), {"unknown_fields": "reject"}),
    "mapping_failed": Case({"job": "j"}, {"folder": "FOLDER"}, {"ours.yaml": MAPPING}),
    "invalid_metadata": Case(event(metadata={"t": {"value": 3, "unit": "flurbs"}}), {"lint": {"units": "reject"}}),
    "invalid_manifest": Case(manifest(count=7), {**ROOTED, "files": AT_ONCE}, {"list.jsonl": '{"path":"a","size":1}'}),
    "too_many_files": Case(event(files=[{"path": f"f{n}"} for n in range(5)]), {"limits": {"max_inline_files": 3}}),
    "acquisition_failed": Case(event(status="failed")),
    "forbidden_by_source": Case(event(dataset={"isPublished": True})),
    "path_outside_source": Case(event(files=[{"path": "../a", "size": 1}])),
    "duplicate_path": Case(event(files=[{"path": "a", "size": 1}, {"path": "a", "size": 2}])),
    "file_not_there": Case(manifest(), {**ROOTED, "files": AT_ONCE}),
    "file_unreadable": Case(manifest(), {"source": {"roots": ["FOLDER"]}, "files": AT_ONCE}, {"list.jsonl": A_FIFO}),
    "checksum_mismatch": Case(
        listed(size=1, checksum=hashlib.sha256(b"y").hexdigest()),
        {**ROOTED, "files": {**AT_ONCE, "verify": "all"}},
        {"a": "x"},
    ),
}


def placed(value: Any, folder: Path) -> Any:
    """Put the data folder's name in."""
    if isinstance(value, str):
        return value.replace("FOLDER", str(folder))
    if isinstance(value, dict):
        return {name: placed(each, folder) for name, each in value.items()}
    return [placed(each, folder) for each in value] if isinstance(value, list) else value


async def mapped(case: Case, folder: Path) -> RecordFault:
    for name, text in case.files.items():
        if text == A_FIFO:
            os.mkfifo(folder / name)
        else:
            (folder / name).write_text(text)
    site = settings(**placed(case.given, folder))
    given = record(placed(case.value, folder), headers=case.headers)
    async with open_facility(site) as facility:
        async for previewed in preview([given], rules_by_topic(site), facility, site.joins):
            assert isinstance(previewed.result, RecordFault), previewed.result
            return previewed.result
    raise AssertionError("nothing came of it")


@pytest.mark.parametrize("code", MAPPED)
async def test_a_record_is_refused_before_scicat_is_asked(code: str, tmp_path: Path) -> None:
    """With the reason, a message and what to do."""
    fault = await mapped(MAPPED[code], tmp_path)
    assert (fault.code, bool(fault.message), bool(fault.hint)) == (code, True, True), str(fault)


async def test_a_fault_of_ours_is_a_reason_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record waits for an upgrade; nobody else has to."""

    def stumble(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(acquisition, "choose_groups", stumble)
    assert (await mapped(Case(event()), tmp_path)).code == "internal_error"


# SciCat's refusals


async def pid_taken(bench: Bench) -> None:
    async with bench.open() as deliveries:
        plan = bench.plan()
        await bench.deliver(deliveries, plan)
        stored = bench.stand_in.store.dataset(plan.pid) or {}
        theirs = {"ingest": {"acquisitionId": "another"}}
        bench.stand_in.store.replace(DATASETS, plan.pid, {**stored, "scientificMetadata": theirs})
        await bench.deliver(deliveries, plan)


async def stale(bench: Bench) -> None:
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(revision=2))
        await bench.deliver(deliveries, bench.plan(revision=1))


async def differs(bench: Bench) -> None:
    bench.scicat = {"on_conflict": "dead_letter"}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(title="old"))
        await bench.deliver(deliveries, bench.plan(title="new"))


async def forbidden_group(bench: Bench) -> None:
    bench.account = "pidUser"
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(proposal={"id": "p9999"}))


async def rejected(bench: Bench) -> None:
    answer = httpx.Response(400, json={"message": ["owner must be a string"], "error": "Bad Request"})

    async def refuse(_: Send) -> WireAnswer:
        return answer

    bench.mishaps = {("POST", "datasets"): {1: refuse}}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan())


async def too_large(bench: Bench) -> None:
    bench.scicat = {"max_body_bytes": 100_000}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan(metadata={"text": "x" * 200_000}))


async def dependency_missing(bench: Bench) -> None:
    bench.lookups = {"proposal": "on", "on_missing": "dead_letter", "wait_seconds": 0}
    async with bench.open() as deliveries:
        await look_up(bench, deliveries)


async def look_up(bench: Bench, deliveries: Deliveries) -> None:
    given = bench.record()
    rules = rules_by_topic(bench.settings)[given.topic]
    decoded = decode_record(given, rules)
    assert isinstance(decoded, Decoded)
    await deliveries.look_up("pid", what_to_look_up(decoded.event, rules)).attempt()


async def kills(bench: Bench) -> None:
    async def die(_: Send) -> WireAnswer:
        bench.stand_in.crash()
        raise httpx.ReadError("connection reset")

    async def start_again() -> None:
        bench.clock.now += bench.clock.slept[-1]
        bench.stand_in.start_again()

    bench.clock.on_sleep = start_again
    bench.mishaps = {("POST", "datasets"): dict.fromkeys(range(1, 20), die)}
    async with bench.open() as deliveries:
        await bench.deliver(deliveries, bench.plan())


DELIVERED: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "pid_taken": pid_taken,
    "stale": stale,
    "differs": differs,
    "forbidden_group": forbidden_group,
    "rejected_by_catalogue": rejected,
    "too_large_for_catalogue": too_large,
    "dependency_missing": dependency_missing,
    "kills_catalogue": kills,
}


@pytest.mark.parametrize("code", DELIVERED)
async def test_scicat_refuses_a_record(code: str, bench: Bench) -> None:
    """What it has to say stands in the message."""
    with pytest.raises(RecordFault) as caught:
        await DELIVERED[code](bench)
    assert (caught.value.code, bool(caught.value.message), bool(caught.value.hint)) == (code, True, True)


ELSEWHERE = {
    "earlier_failed": "tests/unit/engine/test_lane_failures.py",
    "internal_error": "above",
    "run_incomplete": "tests/simulation/test_runs.py: a run whose start or end does not come",
}


def leaves(kind: type[RecordFault]) -> Iterator[type[RecordFault]]:
    below = [each for each in kind.__subclasses__() if each.__module__.startswith("scicat_ingest.faults")]
    if not below:
        yield kind
    for each in below:
        yield from leaves(each)


def test_no_reason_is_left_out() -> None:
    """Whoever adds one says how it is come to, and what is to be done about it."""
    codes = {leaf.code for leaf in leaves(RecordFault)}
    assert codes == MAPPED.keys() | DELIVERED.keys() | ELSEWHERE.keys()
    assert all(leaf.default_hint for leaf in leaves(RecordFault))
