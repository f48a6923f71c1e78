"""`demo`, `emit` and `stand-in` as a user runs them: processes of their own, a real Kafka."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from scicat_ingest.testing.kafka import Broker

PATIENCE_SECONDS = 180


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCICAT_INGEST_CONFIG")}
    return subprocess.Popen(
        [sys.executable, "-m", "scicat_ingest", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=clean | environment,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        said, complained = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, said, complained


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Read standard error until a line matches; a process that says nothing is ended, and the test fails."""
    assert process.stderr is not None
    said = ""
    alarm = threading.Timer(PATIENCE_SECONDS, process.kill)
    alarm.start()
    try:
        for line in process.stderr:
            said += line
            if re.search(pattern, line):
                return said
    finally:
        alarm.cancel()
    pytest.fail(f"{pattern!r} was not said, but: {said}")


def test_the_demo_starts_everything_and_ends_with_what_its_events_demand() -> None:
    """With a Kafka of its own; the summary is one JSON object on standard output."""
    code, said, complained = finish(start("demo", "--events", "50", "--json"))
    assert code == 0, complained
    summary = json.loads(said)
    assert summary.pop("seconds") > 0
    assert summary == {
        "sent": 50,
        "ingested": 48,
        "already_present": 1,
        "dead_lettered": {"invalid_json": 1},
        "ignored": 0,
        "repeated_outcomes": 0,
    }


def test_the_demo_shows_a_table_and_an_address(kafka: Broker) -> None:
    """On a given Kafka, with topics of a new name."""
    code, said, complained = finish(start("demo", "--events", "6", "--bootstrap-servers", kafka.bootstrap_servers))
    assert code == 0, complained
    assert re.search(r"events sent\s*│\s*6", said)
    assert re.search(r"dead letters: invalid_json\s*│\s*1", said)
    assert re.search(r"http://127\.0\.0\.1:\d+/api/v4/datasets/20\.500\.12345%2F", said)


def test_a_demo_that_is_kept_takes_events_of_ones_own(kafka: Broker, tmp_path: Path) -> None:
    """It says how to talk to it; an event that is sent as it says is in the catalogue; SIGTERM ends it with 0."""
    demo = start("demo", "--events", "6", "--keep", "--bootstrap-servers", kafka.bootstrap_servers)
    told = read_until(demo, "Authorization: Bearer")
    topic = re.search(r"emit --topic (\S+)", told)
    url = re.search(r"(http://127\.0\.0\.1:\d+)/api/v4/datasets -H", told)
    assert topic is not None
    assert url is not None
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"acquisitionId": "my-own", "noFiles": True, "source": {"folder": "/data/my-own"}}))
    code, said, complained = finish(
        start("emit", str(event), "--topic", topic[1], SCICAT_INGEST_KAFKA__BOOTSTRAP_SERVERS=kafka.bootstrap_servers)
    )
    assert (code, said) == (0, f"sent 1 events to {topic[1]}\n"), complained
    assert wait_for_dataset(url[1], "my-own")
    demo.send_signal(signal.SIGTERM)
    code, _, complained = finish(demo)
    assert code == 0, complained


def wait_for_dataset(url: str, title: str) -> bool:
    """Ask the stand-in as the demo says, until the dataset is there."""
    account = {"username": "ingestor", "password": "ingestor-password"}
    token = httpx.post(f"{url}/api/v3/auth/login", json=account).json()["access_token"]
    there = threading.Event()
    for _ in range(300):
        listing = httpx.get(f"{url}/api/v3/datasets", headers={"Authorization": f"Bearer {token}"}).json()
        if title in {dataset["datasetName"] for dataset in listing}:
            return True
        there.wait(0.1)
    return False


def test_emit_says_which_topic_is_missing(kafka: Broker, tmp_path: Path) -> None:
    """Exit code 78, and no topic is made by asking."""
    event = tmp_path / "event.json"
    event.write_text("{}")
    code, _, complained = finish(
        start("emit", str(event), "--topic", "no-such", SCICAT_INGEST_KAFKA__BOOTSTRAP_SERVERS=kafka.bootstrap_servers)
    )
    assert code == 78
    assert "has no topic no-such" in complained


def test_the_stand_in_says_where_it_is_and_keeps_its_data(tmp_path: Path) -> None:
    """Address and accounts on standard output; SIGTERM ends it with 0."""
    stand_in = start("stand-in", "--port", "0", "--database", str(tmp_path / "scicat.sqlite"))
    assert stand_in.stdout is not None
    url = re.search(r"http://127\.0\.0\.1:\d+", stand_in.stdout.readline())
    assert url is not None
    assert httpx.get(f"{url[0]}/api/v3/health").json()["status"] == "ok"
    stand_in.send_signal(signal.SIGTERM)
    assert "ingestor-password" in stand_in.stdout.read()
    assert finish(stand_in)[0] == 0
    assert (tmp_path / "scicat.sqlite").exists()
