"""The reference work: events with a dataset, a block of files and a preview, and what a short script makes of them."""

from __future__ import annotations

import base64
import json
import random
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES = 10
PREVIEW_BYTES = 20_000
WRITES = 3
"""A dataset, a block and an attachment."""
PREFIX = "20.500.12345"
MAPPING = """\
name: closed-runs
match: "event.kind == 'run closed'"
acquisition:
  acquisitionId: "{{ event.job }}"
  instrument: {id: "{{ event.beamline | upper }}"}
  proposal: {id: "p{{ event.proposal }}", principalInvestigators: ["{{ event.pi.first }} {{ event.pi.last }}"]}
  endedAt: "{{ event.closed }}"
  source: {folder: "{{ event.directory }}"}
  files: "{{ event.entries | json_query('[].{path: name, size: bytes}') }}"
  metadata: "{{ event.motors }}"
  attachments: "{{ event.pictures | json_query('[].{caption: title, thumbnail: png}') }}"
"""
"""The mapping file of `foreign` events."""


@cache
def preview(size: int = PREVIEW_BYTES) -> str:
    """Give a picture as a data URL of about this many characters; its bytes do not matter to anybody here."""
    return "data:image/png;base64," + base64.b64encode(random.Random(1).randbytes(size * 3 // 4)).decode()


def event(number: int, *, files: int = FILES) -> dict[str, Any]:
    """Give the event called run-`number`."""
    name = f"run-{number}"
    return {
        "acquisitionId": name,
        "instrument": {"id": "ODIN"},
        "proposal": {"id": "p1001", "principalInvestigators": ["Ada Lovelace"]},
        "endedAt": "2026-04-22T10:54:53+02:00",
        "source": {"folder": f"/data/odin/{name}"},
        "files": [{"path": f"{name}_{part:04}.nxs", "size": 1024 + part} for part in range(files)],
        "metadata": {f"motor_{motor}": {"value": motor + number / 7, "unit": "mm"} for motor in range(20)},
        "attachments": [{"caption": f"preview of {name}", "thumbnail": preview()}],
    }


def mixed(number: int) -> dict[str, Any]:
    """Give an event of 10 (80 %), 100 (15 %) or 1 000 files (5 %)."""
    share = number * 37 % 100
    return event(number, files=10 if share < 80 else 100 if share < 95 else 1000)


def plain(number: int) -> dict[str, Any]:
    """Give an event of one file without preview: 0.3 kB, two writes."""
    whole = event(number, files=1)
    return {name: value for name, value in whole.items() if name not in ("attachments", "metadata")}


def foreign(number: int) -> dict[str, Any]:
    """Give the same as `event`, as some other facility's DAQ says it: see MAPPING."""
    whole = event(number)
    return {
        "kind": "run closed",
        "job": whole["acquisitionId"],
        "beamline": "odin",
        "proposal": 1001,
        "pi": {"first": "Ada", "last": "Lovelace"},
        "closed": whole["endedAt"],
        "directory": whole["source"]["folder"],
        "entries": [{"name": file["path"], "bytes": file["size"]} for file in whole["files"]],
        "motors": whole["metadata"],
        "pictures": [{"title": each["caption"], "png": each["thumbnail"]} for each in whole["attachments"]],
    }


def records(
    count: int, make: Callable[[int], dict[str, Any]] = event, *, first: int = 0
) -> Iterator[tuple[bytes, bytes]]:
    """Give (key, value) of so many events, keyed by acquisition."""
    for number in range(first, first + count):
        yield f"run-{number}".encode(), json.dumps(make(number)).encode()


def documents(event: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give (route, document) as a short script would make them from an event: the work of the baselines."""
    name, proposal = event["acquisitionId"], event["proposal"]
    pid = f"{PREFIX}/{name}"
    size = sum(file["size"] for file in event["files"])
    yield (
        "datasets",
        {
            "pid": pid,
            "type": "raw",
            "datasetName": name,
            "ownerGroup": proposal["id"],
            "owner": "Data Service",
            "principalInvestigators": proposal["principalInvestigators"],
            "contactEmail": "data@example.org",
            "creationLocation": event["instrument"]["id"],
            "creationTime": event["endedAt"],
            "endTime": event["endedAt"],
            "sourceFolder": event["source"]["folder"],
            "proposalIds": [proposal["id"]],
            "inputDatasets": [],
            "usedSoftware": [],
            "isPublished": False,
            "scientificMetadata": event.get("metadata", {}),
        },
    )
    data_files = [{**file, "time": event["endedAt"]} for file in event["files"]]
    yield (
        "origdatablocks",
        {"datasetId": pid, "ownerGroup": proposal["id"], "size": size, "chkAlg": "sha256", "dataFileList": data_files},
    )
    for attachment in event.get("attachments", ()):
        relationship = {"targetId": pid, "targetType": "dataset", "relationType": "is attached to"}
        yield "attachments", {**attachment, "ownerGroup": proposal["id"], "relationships": [relationship]}
