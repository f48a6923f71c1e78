"""The command line, as people and scripts see it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicat_ingest.cli import COMMANDS, main
from scicat_ingest.testing.sample_events import sample_events

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = {
    "pid_prefix": "20.500.12345",
    "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
    "fallback_owner_group": "unassigned",
    "owner": "Data Service",
    "contact_email": "data@example.org",
}
GOOD = {"acquisitionId": "run-1", "noFiles": True, "source": {"folder": "/data/x"}, "endedAt": "2026-04-22T10:00:00Z"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SCICAT_INGEST_CONFIG", raising=False)
    path = tmp_path / "ingest.yaml"
    path.write_text(yaml.safe_dump({"mapping": MAPPING}))
    return path


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` says what it does, and shows how it is called."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"scicat-ingest {command}" in said
    assert "examples:" in said


def test_map_prints_what_would_be_posted(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON object a line; a mapping is tried without Kafka and without SciCat."""
    events = [event for event in sample_events(8) if event.ending == "ingested"]
    file = written(tmp_path / "events.jsonl", b"\n".join(event.value for event in events))
    assert main(["map", file, "--config", str(config), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == len(events)
    for line in lines:
        assert set(line) == {"pid", "dataset", "origdatablocks", "attachments", "warnings"}
        assert line["dataset"]["pid"] == line["pid"]


def test_map_says_why_nothing_would_be_posted(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault has a code, a message and the field, and the exit code is 2; what is ignored is no fault."""
    events = [GOOD, GOOD | {"files": []}, GOOD | {"status": "cancelled"}]
    file = written(tmp_path / "events.jsonl", "\n".join(map(json.dumps, events)).encode())
    assert main(["map", file, "--config", str(config), "--json"]) == 2
    good, fault, ignored = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert "dataset" in good
    assert (fault["fault"]["code"], fault["fault"]["field"]) == ("invalid_field", "noFiles")
    assert ignored == {"ignored": "cancelled"}


def test_map_says_that_it_looks_nothing_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It asks no catalogue; the events that would need one say so, also those with a fault that one might cure."""
    mapping = {name: value for name, value in MAPPING.items() if name != "owner"}
    file = written(
        tmp_path / "ingest.yaml",
        yaml.safe_dump({"mapping": mapping, "lookups": {"proposal": "on"}}).replace("'on'", "on").encode(),
    )
    named = GOOD | {"proposal": {"id": "p1001"}, "owner": {"name": "Ada"}}
    events = [named, GOOD | {"owner": {"name": "Ada"}}, GOOD | {"proposal": {"id": "p1001"}}]
    event = written(tmp_path / "events.jsonl", "\n".join(map(json.dumps, events)).encode())
    assert main(["map", event, "--config", file, "--json"]) == 2
    said = capsys.readouterr()
    assert said.err == "scicat-ingest: warning: lookups.proposal: `map` asks no catalogue, nothing is looked up\n"
    asks, asks_nothing, fault = (json.loads(line) for line in said.out.splitlines())
    assert asks["warnings"] == [
        "proposal.id: the proposal 'p1001' was not looked up: `map` asks no catalogue",
    ]
    assert len(asks_nothing["warnings"]) == 1, "of the owner group, which no proposal gives"
    assert fault["fault"]["code"] == "missing_field"


def test_map_reads_as_people_do(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json: what, where and how to mend it, one below the other."""
    file = written(tmp_path / "event.json", json.dumps(GOOD | {"proposalId": "p1"}, indent=2).encode())
    assert main(["map", file, "--config", str(config)]) == 2
    said = capsys.readouterr().out
    assert "dead letter, unknown_field" in said
    assert "field:   proposalId" in said
    assert "hint:    is 'proposal.id' meant?" in said


def test_the_timestamp_and_headers_of_the_record_can_be_given(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An event without times takes the record's; a CloudEvents type decides whether it is ours."""
    event = {name: value for name, value in GOOD.items() if name != "endedAt"}
    file = written(tmp_path / "event.json", json.dumps(event).encode())
    stamp = ["--timestamp", "2026-01-02T03:04:05+01:00"]
    assert main(["map", file, "--config", str(config), "--json", *stamp]) == 0
    assert json.loads(capsys.readouterr().out)["dataset"]["creationTime"] == "2026-01-02T02:04:05.000Z"
    assert main(["map", file, "--config", str(config), "--json", "--header", "ce_type=something.else"]) == 2
    assert json.loads(capsys.readouterr().out)["fault"]["code"] == "unmatched"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_garbage_on_standard_input_gives_a_reason_and_never_a_traceback(
    config: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """Whatever it is, the answer is JSON."""

    class Standard(io.StringIO):
        buffer = io.BytesIO(content)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdin", Standard())
        code = main(["map", "-", "--config", str(config), "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines
    assert code == (2 if any("fault" in line for line in lines) else 0)
    assert all(line.get("fault", {}).get("code") != "internal_error" for line in lines)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({}, ["mapping.pid_prefix: is missing", "mapping.namespace: is missing", "SCICAT_INGEST_MAPPING__NAMESPACE"]),
        (MAPPING | {"owner_grup": "x"}, ["mapping.owner_grup: there is no such setting"]),
        (MAPPING | {"namespace": "x"}, ["mapping.namespace: "]),
        (MAPPING | {"timezone": "Mars/Olympus"}, ["mapping.timezone: expected an IANA time zone"]),
        (MAPPING | {"owner_group": "p{proposal.nr}"}, ["mapping.owner_group", "proposal.nr"]),
        (MAPPING | {"owner_group": "p{proposal.id"}, ["brace without its partner"]),
    ],
)
def test_wrong_settings_are_all_named_and_the_exit_code_is_78(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mapping: dict[str, Any], words: list[str]
) -> None:
    """Each with what is wrong and where to put it right."""
    file = written(tmp_path / "ingest.yaml", yaml.safe_dump({"mapping": mapping}).encode())
    event = written(tmp_path / "event.json", json.dumps(GOOD).encode())
    assert main(["map", event, "--config", file]) == 78
    said = capsys.readouterr().err
    assert said.startswith("scicat-ingest: invalid_settings: ")
    for word in words:
        assert word in said


def test_a_settings_file_that_is_missing_or_no_yaml_is_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the file and, for YAML, the line."""
    event = written(tmp_path / "event.json", json.dumps(GOOD).encode())
    assert main(["map", event, "--config", str(tmp_path / "none.yaml")]) == 78
    assert "none.yaml" in capsys.readouterr().err
    assert main(["map", event, "--config", written(tmp_path / "bad.yaml", b"mapping: [1")]) == 78
    assert "line 1" in capsys.readouterr().err


def test_an_event_file_that_is_missing_is_wrong_usage(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and the name of the file."""
    with pytest.raises(SystemExit) as ended:
        main(["map", "nowhere.json", "--config", str(config)])
    assert ended.value.code == 2
    assert "nowhere.json" in capsys.readouterr().err


def test_run_without_kafka_or_scicat_settings_says_what_is_missing(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`map` needs neither, `run` needs both."""
    assert main(["run", "--config", str(config)]) == 78
    assert "scicat.url is not set" in capsys.readouterr().err
