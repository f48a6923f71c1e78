"""Golden examples of a facility's own mapping file: previewed as the service would, and compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import pytest
from tests.unit.decode.formats.samples import BLUESKY
from tests.unit.preview.previewed import EVENT, MAPPING, compared, previewed, with_mapping

from scicat_ingest.faults import InvalidMapping
from scicat_ingest.preview.shown import as_document

if TYPE_CHECKING:
    from pathlib import Path

SCAN = """\
name: ours
sources: {nexus: "{{ event.file }}"}
acquisition:
  acquisitionId: "{{ event.job }}"
  title: "{{ nexus['/entry/title'] }}"
  source: {folder: "{{ event.file | dirname }}"}
  scan: {}
"""


def write(folder: Path, mapping: str = MAPPING, event: Any = None) -> Path:
    path = folder / "ours.yaml"
    path.write_text(mapping, encoding="utf-8")
    (folder / "ours.example.json").write_text(json.dumps(EVENT if event is None else event))
    return path


def expect(path: Path, **changes: Any) -> None:
    """Put beside it what `map --json` prints, with changes in the dataset."""
    event = (path.parent / "ours.example.json").read_bytes()
    document = as_document(previewed(event, mapping=path)[0].result)
    document["dataset"] |= changes | {"creationTime": "2026-01-01T00:00:00.000Z"}
    document["origdatablocks"][0]["dataFileList"][0]["time"] = "2026-01-01T00:00:00.000Z"
    (path.parent / "ours.expected.json").write_text(json.dumps(document))


def test_what_map_prints_is_what_is_expected(tmp_path: Path) -> None:
    """An example has its own time: that of Kafka is always the same."""
    path = write(tmp_path)
    expect(path)
    (found,) = compared(path)
    assert (found.name, found.differences) == ("ours.example.json", ())


def test_a_difference_is_named_field_by_field(tmp_path: Path) -> None:
    """With what was expected, and what came."""
    path = write(tmp_path)
    expect(path, datasetName="Run 41", license="CC0")
    (found,) = compared(path)
    assert found.differences == (
        'dataset.datasetName: expected "Run 41", got "Run 42"',
        'dataset.license: expected "CC0", got nothing',
    )


def test_a_mapping_without_examples_has_none(tmp_path: Path) -> None:
    """It is no fault."""
    path = tmp_path / "ours.yaml"
    path.write_text(MAPPING)
    assert compared(path) == []


def test_the_settings_are_those_of_the_facility(tmp_path: Path) -> None:
    """The pid's prefix is its own; only what comes with the service is tried by made-up ones."""
    path = write(tmp_path)
    expect(path)
    (found,) = compared(path, with_mapping(pid_prefix="99.1"))
    assert any("20.500.12345/" in difference and "99.1/" in difference for difference in found.differences)


def test_an_example_brings_its_files(tmp_path: Path) -> None:
    """They stand for `/`: values are read and folders listed there, whatever is on this machine."""
    path = write(tmp_path, SCAN, {"job": "j", "file": "/data/p1/a.nxs"})
    (tmp_path / "ours.files/data/p1").mkdir(parents=True)
    with h5py.File(tmp_path / "ours.files/data/p1/a.nxs", "w") as file:
        file["entry/title"] = "Fe3O4"
    (tmp_path / "ours.files/data/p1/b.txt").write_text("notes")
    (tmp_path / "ours.expected.json").write_text("{}")
    (found,) = compared(path)
    assert 'dataset: expected nothing, got {"type": "raw", "datasetName": "Fe3O4"' in found.differences[1]
    expected = {"origdatablocks": [{"dataFileList": [{"path": "a.nxs"}, {"path": "b.txt", "size": 5}]}]}
    (tmp_path / "ours.expected.json").write_text(json.dumps(expected))
    (found,) = compared(path)
    assert not any("dataFileList[1]" in difference for difference in found.differences)


def test_an_example_reads_nothing_but_its_files(tmp_path: Path) -> None:
    """A link that leads out of them is refused, and so is any file where there are none of its own."""
    secret = tmp_path / "secret.nxs"
    with h5py.File(secret, "w") as file:
        file["entry/title"] = "secret"
    path = write(tmp_path, SCAN, {"job": "j", "file": "/a.nxs"})
    (tmp_path / "ours.expected.json").write_text("{}")
    (tmp_path / "ours.files").mkdir()
    (tmp_path / "ours.files/a.nxs").symlink_to(secret)
    assert "forbidden_by_source" in str(compared(path)[0].differences)
    path = write(tmp_path, SCAN, {"job": "j", "file": str(secret)})
    assert "file_not_there" in str(compared(path)[0].differences)
    (tmp_path / "ours.files/a.nxs").unlink()
    (tmp_path / "ours.files").rmdir()
    assert "forbidden_by_source" in str(compared(path)[0].differences)


def test_a_run_of_several_records_gives_one_dataset(tmp_path: Path) -> None:
    """As msgpack one after another, or a file each in a folder; what is ignored on the way does not count."""
    path = tmp_path / "runs.yaml"
    path.write_text(
        'name: runs\nacquisition: {acquisitionId: "{{ event.start.uid }}", noFiles: true, source: {folder: /x}}'
    )
    (tmp_path / "runs.example.msgpack").write_bytes(b"".join(BLUESKY[:6]))
    (tmp_path / "runs.example-folder").mkdir()
    for number, value in enumerate(BLUESKY[:6]):
        (tmp_path / f"runs.example-folder/{number}.bin").write_bytes(value)
    for label in ("", "-folder"):
        (tmp_path / f"runs.expected{label}.json").write_text('{"pid": "x"}')
    first, second = compared(path)
    assert first.differences == second.differences
    assert first.differences[0].startswith('pid: expected "x", got "20.500.12345/')


def test_what_is_ignored_can_be_expected(tmp_path: Path) -> None:
    """And the reason why."""
    path = write(tmp_path)
    (tmp_path / "ours.example.json").write_text("")
    (tmp_path / "ours.expected.json").write_text('{"ignored": "tombstone"}')
    (tmp_path / "ours.example-failed.json").write_text('{"job": "j"}')
    (tmp_path / "ours.expected-failed.json").write_text('{"fault": {"code": "mapping_failed"}}')
    first, second = compared(path)
    assert second.differences == ()
    assert "fault.field: expected nothing, got " in first.differences[1]


def test_several_datasets_are_an_array(tmp_path: Path) -> None:
    """One line an event, each with its own dataset."""
    path = write(tmp_path)
    expect(path)
    one = json.loads((tmp_path / "ours.expected.json").read_text())
    (tmp_path / "ours.example.json").unlink()
    (tmp_path / "ours.example.jsonl").write_text(f"{json.dumps(EVENT)}\n{json.dumps(EVENT)}\n")
    (tmp_path / "ours.expected.json").write_text(json.dumps([one, one]))
    assert compared(path)[0].differences == ()


def test_an_example_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder in a folder is no record."""
    path = write(tmp_path)
    expect(path)
    (tmp_path / "ours.example-x/sub").mkdir(parents=True)
    (tmp_path / "ours.expected-x.json").write_text("{}")
    with pytest.raises(InvalidMapping, match="sub: cannot be read"):
        compared(path)
