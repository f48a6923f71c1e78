"""A mapping file that uses all there is, word for word as it is promised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import h5py

from scicat_ingest.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MAPPING = """\
name: odin
order: 10                                                                            # first match wins
match: "headers.ce_type == 'facility.run.closed' and event.instrument == 'ODIN'"
vars: {site: ESS}
sources: {nexus: "{{ event.file_name }}", proposal: "{{ event.proposal }}"}          # HDF5/NeXus file, SciCat look-up
acquisition:                                                                         # → AcquisitionCompleted
  acquisitionId: "{{ event.job_id }}"
  title: "{{ nexus['/entry/title'] }}"
  metadata: {temperature: {value: "{{ nexus['/entry/sample/temperature'] }}", unit: "{{ nexus.units('/entry/sample/temperature') }}"}}
  files: "{{ event.files | json_query('[].{path: name, size: bytes}') }}"
on_missing: {title: "untitled"}
"""  # noqa: E501 (as it stands)


def test_everything_in_it_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Condition, file, look-up, typed values, a query, a default."""
    run = tmp_path / "run42.nxs"
    with h5py.File(run, "w") as file:
        file["entry/sample/temperature"] = 5.0
        file["entry/sample/temperature"].attrs["units"] = "K"
    event = {
        "instrument": "ODIN",
        "job_id": "j1",
        "proposal": "p1001",
        "file_name": str(run),
        "files": [{"name": str(run), "bytes": 5}],
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    (tmp_path / "odin.yaml").write_text(MAPPING)
    arguments = ["--mapping", str(tmp_path / "odin.yaml"), "--root", str(tmp_path), "--json"]
    header = ["--header", "ce_type=facility.run.closed"]
    assert main(["map", str(tmp_path / "event.json"), *arguments, *header]) == 0
    dataset = json.loads(capsys.readouterr().out)["dataset"]
    assert (dataset["datasetName"], dataset["proposalIds"], dataset["ownerGroup"]) == ("untitled", ["p1001"], "p1001")
    assert dataset["scientificMetadata"]["temperature"] == {"value": 5.0, "unit": "K"}
    assert (dataset["numberOfFiles"], dataset["size"], dataset["sourceFolder"]) == (1, 5, str(tmp_path))
