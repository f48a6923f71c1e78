"""Realistic acquisition events for the demo and for benches, each with the end that it must come to (pure)."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from scicat_ingest.catalogue.times import write_time

Ending = Literal["ingested", "already_present", "dead_lettered", "ignored"]

FEWEST = 6
"""One of each special kind, and one plain one."""
MANY_FILES = 2000


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """What a DAQ system would send, and what must become of it."""

    key: bytes | None
    value: bytes
    ending: Ending
    reason: str = ""
    """The code of the dead letter."""


@dataclass(frozen=True, slots=True)
class _Beamline:
    id: str
    name: str
    technique: tuple[str, str]
    files: int
    suffix: str
    conditions: tuple[tuple[str, str, float, float], ...]
    """Name, unit, lowest and highest value of what is measured along."""


_PANET = "http://purl.org/pan-science/PaNET/"
_BEAMLINES = (
    _Beamline(
        "ODIN",
        "Optical and Diffraction Imaging with Neutrons",
        ("PaNET01207", "tomography"),
        36,
        "tif",
        (("exposure", "s", 5, 60), ("rotation_step", "deg", 0.1, 2)),
    ),
    _Beamline(
        "LOKI",
        "Broadband small angle neutron scattering",
        ("PaNET01189", "small angle neutron scattering"),
        3,
        "nxs",
        (("temperature", "K", 4, 320), ("detector_distance", "m", 5, 15)),
    ),
    _Beamline(
        "DREAM",
        "Bispectral powder diffractometer",
        ("PaNET01217", "neutron diffraction"),
        2,
        "nxs",
        (("temperature", "K", 2, 900), ("pressure", "bar", 1, 5000)),
    ),
    _Beamline(
        "ESTIA",
        "Polarised reflectometer",
        ("PaNET01239", "neutron reflectometry"),
        5,
        "nxs",
        (("magnetic_field", "T", 0, 7), ("incident_angle", "deg", 0.3, 8)),
    ),
)
_SAMPLES = ("Fe3O4 powder", "Nafion 117 membrane", "Ti-6Al-4V weld", "lysozyme in D2O", "Ni/Ti multilayer")
_PEOPLE = (("Ada Lovelace", "ada"), ("Lise Meitner", "lise"), ("Chien-Shiung Wu", "wu"), ("Clifford Shull", "shull"))
_BEGIN = datetime(2026, 4, 22, 8, 0, tzinfo=UTC)


def sample_events(count: int, seed: int = 1) -> list[SampleEvent]:
    """Give `count` events, the same ones for the same seed.

    Among them are one aborted run, one with 2 000 files, one derived dataset, one redelivery and one poison message.
    Raises ValueError for fewer than FEWEST.
    """
    if count < FEWEST:
        raise ValueError(f"at least {FEWEST} events are needed to have one of each kind")
    chance = random.Random(seed)  # noqa: S311 (sample data)
    runs = [_run(number, chance) for number in range(1, count - 2)]
    runs[0]["status"] = "aborted"
    runs[1]["files"] = _files(runs[1]["acquisitionId"], MANY_FILES, "tif", chance)
    derived = _derived(runs[-1], count)
    events = [_good(run) for run in (*runs, derived)]
    again = SampleEvent(events[2].key, events[2].value, "already_present")
    poison = SampleEvent(
        b"loki-daq", b'{"acquisitionId": "loki-000999", "files": [{"path"', "dead_lettered", "invalid_json"
    )
    events.insert(len(events) // 2, poison)
    return [*events, again]


def _good(event: dict[str, Any]) -> SampleEvent:
    value = json.dumps(event, ensure_ascii=False).encode()
    return SampleEvent(event["acquisitionId"].encode(), value, "ingested")


def _run(number: int, chance: random.Random) -> dict[str, Any]:
    beamline = _BEAMLINES[number % len(_BEAMLINES)]
    name, mail = chance.choice(_PEOPLE)
    proposal = f"p{1001 + number % 7}"
    started = _BEGIN + timedelta(minutes=11 * number)
    acquisition = f"{beamline.id.lower()}-{number:06d}"
    folder = f"/data/{beamline.id.lower()}/{proposal}/{acquisition}"
    sample = chance.choice(_SAMPLES)
    return {
        "specVersion": "1",
        "acquisitionId": acquisition,
        "title": f"{sample}, run {number}",
        "instrument": {"id": beamline.id, "name": beamline.name, "location": f"/ESS/{beamline.id}"},
        "proposal": {"id": proposal, "principalInvestigators": [name]},
        "sample": {"id": f"sample-{number % 23}", "name": sample},
        "owner": {"name": name, "email": f"{mail}@example.org"},
        "startedAt": write_time(started),
        "endedAt": write_time(started + timedelta(seconds=chance.randint(30, 600))),
        "runNumber": number,
        "source": {"folder": folder, "host": "files.example.org"},
        "files": _files(acquisition, beamline.files, beamline.suffix, chance),
        "checksumAlgorithm": "sha256",
        "attachments": [{"caption": f"Preview of run {number}", "thumbnail": _picture(chance)}],
        "metadata": {
            quantity: {"value": round(chance.uniform(low, high), 3), "unit": unit}
            for quantity, unit, low, high in beamline.conditions
        },
        "techniques": [{"pid": _PANET + beamline.technique[0], "name": beamline.technique[1]}],
        "dataFormat": "NeXus" if beamline.suffix == "nxs" else "TIFF",
    }


def _derived(run: dict[str, Any], number: int) -> dict[str, Any]:
    acquisition = f"{run['acquisitionId']}-reduced"
    source = {"instrument": run["instrument"]["id"], "acquisitionId": run["acquisitionId"]}
    kept = ("specVersion", "instrument", "proposal", "sample", "owner", "endedAt")
    return {name: run[name] for name in kept} | {
        "acquisitionId": acquisition,
        "type": "derived",
        "title": f"Reduced data of run {number}",
        "source": {"folder": f"{run['source']['folder']}/reduced"},
        "files": [{"path": f"{acquisition}.ort", "size": 48_213}],
        "inputDatasets": [source],
        "usedSoftware": ["https://github.com/scipp/esssans@24.1"],
        "jobParameters": {"wavelength_bins": 200},
    }


def _files(acquisition: str, count: int, suffix: str, chance: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "path": f"frames/{acquisition}_{index:05d}.{suffix}",
            "size": chance.randint(100_000, 90_000_000),
            "modifiedAt": write_time(_BEGIN + timedelta(seconds=index)),
            "checksum": hashlib.sha256(f"{acquisition}/{index}".encode()).hexdigest(),
        }
        for index in range(count)
    ]


def _picture(chance: random.Random, side: int = 48) -> str:
    """Draw a blurred spot, as a data URL of a grey PNG."""
    x, y = chance.uniform(0.3, 0.7) * side, chance.uniform(0.3, 0.7) * side
    rows = b"".join(
        b"\0" + bytes(int(255 / (1 + ((column - x) ** 2 + (row - y) ** 2) / side)) for column in range(side))
        for row in range(side)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
