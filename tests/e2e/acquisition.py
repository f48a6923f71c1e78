"""An acquisition with real files, and the events that tell of it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from scicat_ingest.testing.sample_events import sample_events

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS = {"run.nxs": b"neutrons" * 100, "frames/0001.tif": b"\x00\x01" * 50, "empty.log": b""}
"""By path below the source folder."""

FILES = {path: (len(content), hashlib.sha256(content).hexdigest()) for path, content in CONTENTS.items()}
"""Size and checksum of each file."""

SIZE = sum(map(len, CONTENTS.values()))

NAME = "Fe3O4 at 5 K"
METADATA: dict[str, Any] = {
    "temperature": {"value": 5, "unit": "K"},
    "detector distance": {"value": 1.5, "unit": "m"},
    "operator": "Lise",
}
CAPTIONS = ("first frame", "last frame")
TECHNIQUE = {"pid": "http://purl.org/pan-science/PaNET/PaNET01207", "name": "x-ray tomography"}
SOFTWARE = "https://github.com/scipp/scipp@24.1"


def write_files(folder: Path) -> None:
    """Put the files on disk."""
    for path, content in CONTENTS.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def thumbnails() -> dict[str, str]:
    """Give by caption the data URLs of small PNGs, each another one."""
    events = [json.loads(event.value) for event in sample_events(6) if event.ending == "ingested"]
    shown = [attachment["thumbnail"] for event in events for attachment in event.get("attachments", ())]
    return dict(zip(CAPTIONS, shown[: len(CAPTIONS)], strict=True))


def raw_event(folder: Path) -> dict[str, Any]:
    """Tell of the files in `folder`."""
    return {
        "acquisitionId": "odin-000042",
        "title": NAME,
        "instrument": {"id": "ODIN", "location": "/ESS/ODIN"},
        "proposal": {"id": "p1001", "principalInvestigators": ["Ada Lovelace"]},
        "sample": {"id": "sample-17", "name": "Fe3O4"},
        "endedAt": "2026-04-22T10:54:53Z",
        "source": {"folder": str(folder)},
        "files": [{"path": path, "size": size, "checksum": checksum} for path, (size, checksum) in FILES.items()],
        "checksumAlgorithm": "sha256",
        "attachments": [{"caption": caption, "thumbnail": picture} for caption, picture in thumbnails().items()],
        "metadata": METADATA,
        "techniques": [TECHNIQUE],
    }


def derived_event(folder: Path) -> dict[str, Any]:
    """Tell of a dataset that was made from the raw one, which it knows by its acquisition only."""
    return raw_event(folder) | {
        "acquisitionId": "odin-000042-reduced",
        "title": f"{NAME}, reduced",
        "type": "derived",
        "inputDatasets": [{"instrument": "ODIN", "acquisitionId": "odin-000042"}],
        "usedSoftware": [SOFTWARE],
        "attachments": [],
    }
