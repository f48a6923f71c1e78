"""The compose files: valid by the parser of docker compose, and true to the settings and files that they name."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scicat_ingest.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".tools" / "bin"
FILES = ("compose.yaml", "compose.kafka.yaml")


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return document


def check(*files: Path | str) -> subprocess.CompletedProcess[str]:
    assert (BIN / "compose-check").exists(), "run `make tools`"
    given = {**os.environ, "SCICAT_URL": "https://scicat.example.org"}
    command: list[str | Path] = [BIN / "compose-check", *files]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, env=given)


@pytest.mark.tools
def test_the_parser_of_docker_compose_takes_them() -> None:
    """With every profile."""
    done = check(*FILES)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.tools
@pytest.mark.parametrize(
    ("old", "new"), [("read_only: true", "readonly: true"), ("condition: service_healthy", "condition: fine")]
)
def test_the_parser_refuses_what_is_wrong(old: str, new: str, tmp_path: Path) -> None:
    """An unknown key, an unknown condition."""
    broken = tmp_path / "compose.yaml"
    broken.write_text((ROOT / "compose.yaml").read_text().replace(old, new))
    assert check(broken).returncode == 1


@pytest.mark.tools
def test_prometheus_takes_its_configuration() -> None:
    """By promtool; the rules have tests of their own."""
    command: list[Path | str] = [
        BIN / "promtool",
        "check",
        "config",
        "--syntax-only",
        ROOT / "compose" / "prometheus.yml",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def sources(document: dict[str, Any]) -> Iterator[str]:
    for service in document["services"].values():
        for volume in service.get("volumes", ()):
            if volume.startswith("./"):
                yield volume.split(":")[0]
    for group in ("configs", "secrets"):
        yield from (each["file"] for each in document.get(group, {}).values())


@pytest.mark.parametrize("name", FILES)
def test_every_file_that_is_mounted_is_here(name: str) -> None:
    """But for the password of a SciCat of one's own."""
    missing = [path for path in sources(read(name)) if not (ROOT / path).exists()]
    assert missing in ([], ["./scicat-password"])


@pytest.mark.parametrize("name", FILES)
def test_the_service_understands_its_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the file and of the environment together."""
    for variable, value in read(name)["services"]["service"]["environment"].items():
        if variable.startswith("SCICAT_INGEST_"):
            monkeypatch.setenv(variable, "https://scicat.example.org" if "${SCICAT_URL" in value else value)
    monkeypatch.delenv("SCICAT_INGEST_CONFIG")
    settings = load_settings(Settings, ROOT / "compose" / "service.yaml")
    assert settings.kafka.bootstrap_servers == "kafka:9092"


@pytest.mark.parametrize("name", FILES)
def test_images_have_tags_and_the_service_no_rights(name: str) -> None:
    """`latest` is another one tomorrow."""
    services = read(name)["services"]
    for each in (each for each in services.values() if "extends" not in each):
        image, _, tag = each["image"].partition(":")
        assert image
        assert tag
        assert tag != "latest"
    assert services["service"]["read_only"] is True
    assert services["service"]["cap_drop"] == ["ALL"]


def test_whoever_waits_waits_for_what_can_answer() -> None:
    """Every service that goes on running has a health check, and the others begin when it is good."""
    services = read("compose.yaml")["services"]
    assert {name for name, each in services.items() if "healthcheck" not in each} == {"producer"}
    conditions = [each["condition"] for service in services.values() for each in service.get("depends_on", {}).values()]
    assert set(conditions) == {"service_healthy"}
    assert read("compose.kafka.yaml")["services"]["service"]["healthcheck"] == services["service"]["healthcheck"]


def test_kafka_keeps_its_records_where_the_volume_is() -> None:
    """Else they would be gone with the container, whatever the volume."""
    kafka = read("compose.yaml")["services"]["kafka"]
    assert f"kafka:{kafka['environment']['KAFKA_LOG_DIRS']}" in kafka["volumes"]


def test_accounts_and_groups_are_those_that_the_service_needs() -> None:
    """The ingestor may create for any group; nobody else may create at all; the password is the service's."""
    backend = read("compose.yaml")["services"]["scicat-backend"]["environment"]
    accounts = {
        each["username"]: each for each in json.loads((ROOT / "compose" / "functionalAccounts.json").read_text())
    }
    assert backend["CREATE_DATASET_PRIVILEGED_GROUPS"] == accounts["ingestor"]["role"]
    assert backend["CREATE_DATASET_GROUPS"] not in {each["role"] for each in accounts.values()}
    assert (ROOT / "compose" / "scicat-password").read_text().strip() == accounts["ingestor"]["password"]
    assert backend["PID_PREFIX"] == read("compose/service.yaml")["mapping"]["pid_prefix"]


def test_the_sample_events_are_events() -> None:
    """Twenty, one a line."""
    text = (ROOT / "compose" / "events.jsonl").read_bytes()
    assert len(text.splitlines()) == 20
    assert all("acquisitionId" in json.loads(line) for line in text.splitlines())
