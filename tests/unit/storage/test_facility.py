"""What the facility has: real files, read in real threads and processes."""

from __future__ import annotations

import io
import json
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import anyio
import h5py
import numpy as np
import pytest
from PIL import Image
from tests.unit.acquisition_events import event, record, settings

from scicat_ingest.bootstrap import open_facility, rules_by_topic
from scicat_ingest.faults import RecordFault
from scicat_ingest.plan.steps import Plan
from scicat_ingest.preview.preview import preview

if TYPE_CHECKING:
    from pathlib import Path

    from scicat_ingest.decode.decoded import Ignored

MAPPING = """
name: writer
match: "'file_name' in event"
sources: {nexus: "{{ event.file_name }}"}
acquisition:
  acquisitionId: "{{ event.job_id }}"
  proposal: {id: "{{ event.proposal }}"}
  owner: {name: "Ada Lovelace", email: "ada@example.org"}
  title: "{{ nexus['/entry/title'] }}"
  startedAt: "{{ nexus['/entry/start_time'] }}"
  metadata: {temperature: {value: "{{ nexus['/entry/temperature'] }}", unit: "{{ nexus.units('/entry/temperature') }}"}}
  source: {folder: "{{ event.file_name | dirname }}"}
  scan: {include: ["*.nxs"]}
  attachments:
    - {caption: Counts, plot: {file: "{{ event.file_name | basename }}", data: /entry/counts}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make the folder of a run, as a file writer leaves it, and a mapping file."""
    run = tmp_path / "data" / "p1001" / "run42"
    run.mkdir(parents=True)
    with h5py.File(run / "run42.nxs", "w") as file:
        file["entry/title"] = "Fe3O4 at 5 K"
        file["entry/start_time"] = "2026-04-22T10:40:00+02:00"
        file["entry/temperature"] = 5.0
        file["entry/temperature"].attrs["units"] = "K"
        file["entry/counts"] = np.arange(100)
    (run / "run42.tmp").write_text("left over")
    Image.new("RGB", (40, 30), "red").save(run / "camera.png")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "writer.yaml").write_text(MAPPING)
    return run


def look(folder: Path, *events: Any, **given: Any) -> list[Plan | Ignored | RecordFault]:
    """Say what would become of events, by the service's own way."""
    top = folder.parents[2]
    roots = {"roots": [f"{top}/data/{{proposal.id}}"]}
    all_settings = settings(source=roots, folder=str(top / "mappings"), **given)

    async def go() -> list[Plan | Ignored | RecordFault]:
        async with AsyncExitStack() as stack:
            facility = await stack.enter_async_context(open_facility(all_settings))
            records = [record(each) for each in events]
            rules = rules_by_topic(all_settings)
            return [each.result async for each in preview(records, rules, facility, all_settings.joins)]

    return anyio.run(go)


def native(folder: Path, **fields: Any) -> dict[str, Any]:
    return event(proposal={"id": "p1001"}, source={"folder": str(folder)}, **{"noFiles": True, "files": None, **fields})


def written(folder: Path, **fields: Any) -> dict[str, Any]:
    return {"job_id": "job-1", "proposal": "p1001", "file_name": str(folder / "run42.nxs"), **fields}


def planned(result: Plan | Ignored | RecordFault) -> Plan:
    assert isinstance(result, Plan), result
    return result


def fault(result: Plan | Ignored | RecordFault) -> RecordFault:
    assert isinstance(result, RecordFault), result
    return result


def test_a_message_of_a_file_writer_becomes_a_whole_dataset(folder: Path) -> None:
    """Values of its NeXus file, the files that lie there, a plot."""
    plan = planned(look(folder, written(folder))[0])
    dataset = plan.dataset.payload
    assert (dataset["datasetName"], dataset["numberOfFiles"]) == ("Fe3O4 at 5 K", 1)
    assert dataset["scientificMetadata"]["temperature"] == {"value": 5.0, "unit": "K"}
    (block,) = plan.blocks
    assert [file["path"] for file in block.payload["dataFileList"]] == ["run42.nxs"]
    (attachment,) = plan.attachments
    assert attachment.payload["thumbnail"].startswith("data:image/")
    assert plan.warnings == ()


def test_an_attachment_keeps_its_id_however_it_is_drawn(folder: Path) -> None:
    """A replay after an upgrade must not add a second picture."""
    (first,) = planned(look(folder, written(folder))[0]).attachments
    with h5py.File(folder / "run42.nxs", "a") as file:
        file["entry/counts"][...] = 7
    (second,) = planned(look(folder, written(folder))[0]).attachments
    assert first.aid == second.aid
    assert first.payload["thumbnail"] != second.payload["thumbnail"]


def test_null_in_a_plot_does_not_change_the_attachments_id(folder: Path) -> None:
    """It says nothing, also under a name that nobody knows; anything else does."""
    plot = {"file": "run42.nxs", "data": "/entry/counts"}
    plots = [plot, plot | {"x": None, "colours": None}, plot | {"colours": "grey"}]
    events = [native(folder, attachments=[{"caption": "Counts", "plot": each}]) for each in plots]
    first, nulls, other = (planned(result).attachments[0].aid for result in look(folder, *events))
    assert nulls == first
    assert other != first


UNREADABLE = {
    "{folder}/missing.nxs": "file_not_there",
    "{folder}/run42.tmp": "file_not_there",
    "/etc/passwd": "forbidden_by_source",
    "{folder}/../../p1002/secret.nxs": "forbidden_by_source",
    "{folder}/link.nxs": "forbidden_by_source",
    "{folder}/pipe.nxs": "file_unreadable",
}


def test_a_file_that_cannot_be_read_is_a_reasoned_dead_letter(folder: Path) -> None:
    """After the wait, which takes no time in a preview; other proposals' files are never opened."""
    other = folder.parents[1] / "p1002"
    other.mkdir()
    (other / "secret.nxs").write_bytes((folder / "run42.nxs").read_bytes())
    (folder / "link.nxs").symlink_to(other / "secret.nxs")
    os.mkfifo(folder / "pipe.nxs")
    results = look(folder, *(written(folder, file_name=name.format(folder=folder)) for name in UNREADABLE))
    assert [fault(result).code for result in results] == list(UNREADABLE.values())


def test_pictures_are_made_of_files(folder: Path) -> None:
    """Scaled, and written anew."""
    plan = planned(look(folder, native(folder, attachments=[{"caption": "beam", "path": "camera.png"}]))[0])
    (attachment,) = plan.attachments
    assert attachment.payload["thumbnail"].startswith("data:image/png;base64,")


def _bomb() -> bytes:
    """Give a picture of 30 000 x 30 000 pixels in some kilobytes."""
    packed = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(packed, "PNG")
    return packed.getvalue()


def test_a_bad_picture_never_stops_its_dataset(folder: Path) -> None:
    """The outcome says what is wrong with each; the others are there."""
    (folder / "bomb.png").write_bytes(_bomb())
    (folder / "empty.png").touch()
    names = ["missing.png", "run42.tmp", "bomb.png", "empty.png", "camera.png"]
    attachments = [{"caption": name, "path": name} for name in names]
    plan = planned(look(folder, native(folder, attachments=attachments))[0])
    assert [each.payload["caption"] for each in plan.attachments] == ["camera.png"]
    assert [warning.partition(": ")[0] for warning in plan.warnings] == [f"attachments[{n}]" for n in range(4)]
    assert all(warning.endswith("; the attachment was left out") for warning in plan.warnings)


@pytest.mark.parametrize(
    "attachment", [{"plot": {"file": "camera.png"}}, {"plot": {"file": "run42.nxs", "data": "/no"}}]
)
def test_a_bad_plot_never_stops_its_dataset(folder: Path, attachment: dict[str, Any]) -> None:
    """No HDF5 file, nothing there to plot."""
    plan = planned(look(folder, native(folder, attachments=[{"caption": "bad", **attachment}]))[0])
    assert (plan.attachments, len(plan.warnings)) == ((), 1)


@pytest.mark.parametrize("path", ["../run43/camera.png", "/etc/passwd", "leaves.png"])
def test_a_picture_outside_the_roots_is_no_picture_but_a_dead_letter(folder: Path, path: str) -> None:
    """That is no bad picture, it is an attempt."""
    (folder / "leaves.png").symlink_to("/etc/passwd")
    result = fault(look(folder, native(folder, attachments=[{"caption": "x", "path": path}]))[0])
    assert result.code in ("forbidden_by_source", "path_outside_source")


@pytest.mark.parametrize("field", ["fileManifest", "scan", "files"])
def test_files_of_other_proposals_are_never_listed(folder: Path, field: str) -> None:
    """The roots are those of the event's own proposal."""
    lists = {"fileManifest": {"uri": "list.jsonl"}, "scan": {}, "files": [{"path": "camera.png", "size": 1}]}
    given = native(folder, noFiles=None, **{field: lists[field]}) | {"proposal": {"id": "p1002"}}
    assert fault(look(folder, given, files={"verify": "size"})[0]).code == "forbidden_by_source"


def test_a_list_that_an_event_gives_is_compared_where_the_settings_say_so(folder: Path) -> None:
    """A truncated transfer is noticed before the dataset is made."""
    given = native(folder, noFiles=None, files=[{"path": "camera.png", "size": 1}])
    assert planned(look(folder, given)[0]).size == 1
    assert fault(look(folder, given, files={"verify": "size"})[0]).code == "checksum_mismatch"


def test_a_long_manifest_is_delivered_in_blocks(folder: Path) -> None:
    """More files than stay in memory; each is in one block, in order."""
    rows = [{"path": f"raw/{number:05}", "size": number} for number in range(5001)]
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
    plan = planned(look(folder, native(folder, noFiles=None, fileManifest={"uri": "list.jsonl", "count": 5001}))[0])
    assert [len(block.payload["dataFileList"]) for block in plan.blocks] == [2000, 2000, 1001]
    paths = [file["path"] for block in plan.blocks for file in block.payload["dataFileList"]]
    assert paths == [row["path"] for row in rows]
    assert (plan.number_of_files, plan.size) == (5001, sum(range(5001)))
