"""The settings: one file under the environment, every fault named, no secret shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import yaml
from pydantic import ValidationError

from scicat_ingest.faults import EXIT_CONFIG, InvalidSettings
from scicat_ingest.settings import EmitSettings, Group, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel

NAMESPACE = "0e4f7f5e-6f0b-4a44-9c39-3a4d4e9a0001"
MAPPING: dict[str, Any] = {"pid_prefix": "20.500.12345", "namespace": NAMESPACE, "fallback_owner_group": "staff"}


def write(folder: Path, **groups: Any) -> Path:
    path = folder / "ingest.yaml"
    path.write_text(yaml.safe_dump({"mapping": MAPPING} | groups))
    return path


def wrong(path: Path | None) -> str:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(Settings, path)
    assert (caught.value.code, EXIT_CONFIG) == ("invalid_settings", 78)
    return caught.value.message


def test_three_settings_have_no_default_and_are_all_named() -> None:
    """A facility's own: prefix, namespace, and the restricted group."""
    message = wrong(None)
    for name in ("pid_prefix", "namespace", "fallback_owner_group"):
        assert f"mapping.{name}: is missing and has no default" in message
        assert f"SCICAT_INGEST_MAPPING__{name.upper()}" in message
    assert len(message.splitlines()) == 4


def test_the_rest_has_defaults(tmp_path: Path) -> None:
    """The topics of the documentation, and no protected field for anybody."""
    got = load_settings(Settings, write(tmp_path))
    assert [source.topic for source in got.sources] == ["scicat.acquisitions"]
    assert (got.kafka.ingested_topic, got.kafka.dead_letter_topic) == ("scicat.ingested", "scicat.dead-letters")
    assert (got.sources[0].may_set, got.sources[0].unmatched, got.mapping.provenance) == (
        frozenset(),
        "dead_letter",
        True,
    )
    assert got.mapping.namespace == UUID(NAMESPACE)
    assert (got.limits.max_inline_files, got.limits.max_block_files, got.scicat.settle_seconds) == (2000, 2000, 60)
    assert got.mapping.zone is None


def test_a_switch_may_stand_in_yaml_without_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """YAML reads `on` and `off` as true and false; the environment gives words."""
    path = tmp_path / "ingest.yaml"
    mapping = yaml.safe_dump({"mapping": MAPPING})
    path.write_text(f"{mapping}\nsources: [{{flood_guard: off}}]\nlookups: {{proposal: on, sample: 'on'}}\n")
    monkeypatch.setenv("SCICAT_INGEST_LOOKUPS__INSTRUMENT", "on")
    got = load_settings(Settings, path)
    assert got.sources[0].flood_guard == "off"
    assert got.lookups.kinds == {"instrument": "on", "proposal": "on", "sample": "on"}


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name by name; lists are JSON."""
    monkeypatch.setenv("SCICAT_INGEST_MAPPING__OWNER", "from the environment")
    monkeypatch.setenv("SCICAT_INGEST_SOURCES", json.dumps([{"topic": "t", "may_set": ["pid"]}]))
    monkeypatch.setenv("SCICAT_INGEST_CONFIG", str(write(tmp_path, mapping=MAPPING | {"owner": "from the file"})))
    got = load_settings(Settings)
    assert (got.mapping.owner, got.mapping.fallback_owner_group) == ("from the environment", "staff")
    assert (got.sources[0].topic, got.sources[0].may_set) == ("t", frozenset({"pid"}))


def test_everything_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container."""
    for name, value in MAPPING.items():
        monkeypatch.setenv(f"SCICAT_INGEST_MAPPING__{name.upper()}", value)
    assert load_settings(Settings).mapping.pid_prefix == "20.500.12345"


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"kafak": {}}, "kafak: there is no such setting"),
        ({"kafka": {"bootstrap": "x"}}, "kafka.bootstrap: there is no such setting"),
        ({"sources": []}, "sources: at least one source is needed"),
        ({"sources": [{"topic": "t", "may_set": ["everything"]}]}, "sources.0.may_set"),
        ({"mapping": MAPPING | {"namespace": "x"}}, "mapping.namespace"),
        ({"mapping": MAPPING | {"pid_prefix": " / "}}, "mapping.pid_prefix: expected a prefix, such as 20.500.12345"),
        ({"mapping": MAPPING | {"fallback_owner_group": " "}}, "mapping.fallback_owner_group"),
        ({"mapping": MAPPING | {"timezone": "Berlin"}}, "mapping.timezone: expected an IANA time zone"),
        ({"mapping": MAPPING | {"timezone": "../x"}}, "mapping.timezone: expected an IANA time zone"),
        ({"mapping": MAPPING | {"on_status": {"failed": "drop"}}}, "mapping.on_status.failed"),
        ({"scicat": {"url": "https://x.example.org/api/v3"}}, "scicat.url: give the backend's address without /api"),
        (
            {"scicat": {"url": "https://x.example.org/scicat/api/"}},
            "scicat.url: give the backend's address without /api",
        ),
        ({"scicat": {"url": "x.example.org"}}, "scicat.url"),
        ({"scicat": {"username": "u"}}, "username and password (or password_file) go together"),
        ({"scicat": {"password": "p"}}, "go together"),
        ({"scicat": {"token": "t", "token_file": "/t"}}, "give only one of token, token_file, password, password_file"),
        ({"limits": {"max_event_depth": 1000}}, "limits.max_event_depth"),
        ({"lookups": {"proposal": "yes"}}, "lookups.proposal"),
        ({"lookups": {"on_missing": "ingest"}}, "lookups.on_missing"),
        ({"lookups": {"wait_seconds": -1}}, "lookups.wait_seconds"),
        ({"limits": {"max_block_files": 0}}, "limits.max_block_files"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, groups: dict[str, Any], words: str) -> None:
    """With its path and what was expected."""
    assert words in wrong(write(tmp_path, **groups))


def test_all_wrong_settings_are_named_at_once(tmp_path: Path) -> None:
    """Nobody mends one at a time."""
    message = wrong(write(tmp_path, kafka={"partitions": 0}, retry={"max_age_seconds": 0}))
    assert "kafka.partitions" in message
    assert "retry.max_age_seconds" in message


def test_a_secret_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a fault, nor when the settings are printed."""
    monkeypatch.setenv("SCICAT_INGEST_KAFKA__SASL_PASSWORD", "hunter2")
    scicat = {"username": "u", "password": "hunter2", "token": "hunter2"}
    assert "hunter2" not in wrong(write(tmp_path, scicat=scicat))
    good = load_settings(Settings, write(tmp_path, scicat={"token": "hunter2"}))
    assert good.scicat.token is not None
    assert good.scicat.token.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{good!r} {good} {good.model_dump_json()}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"mapping: [", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"- a", "must hold groups such as `kafka:`"),
        (b"mapping: 5", "mapping: "),
        (b"", "mapping.pid_prefix: is missing"),
    ],
)
def test_a_file_that_is_no_settings_file_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    """Broken, empty, or another thing."""
    (tmp_path / "x.yaml").write_bytes(content)
    assert words in wrong(tmp_path / "x.yaml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With its path and the reason."""
    assert "cannot read the settings file" in wrong(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SCICAT_INGEST_KAFAK__GROUP_ID", "x", "there is no group of settings 'kafak'"),
        ("SCICAT_INGEST_KAFKA__GROUPID", "x", "kafka.groupid: there is no such setting"),
        ("SCICAT_INGEST_SOURCES", "not JSON", "is not the JSON that was expected"),
    ],
)
def test_a_wrong_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """A misspelt one would change nothing in silence."""
    monkeypatch.setenv(name, value)
    assert words in wrong(write(tmp_path))


def test_kubernetes_own_variables_do_not_hurt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes such ones for a Service of our name."""
    monkeypatch.setenv("SCICAT_INGEST_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("SCICAT_INGEST_PORT_8080_TCP", "tcp://10.0.0.1:8080")
    assert load_settings(Settings, write(tmp_path))


def test_emit_needs_no_mapping(tmp_path: Path) -> None:
    """It only puts events on the topic."""
    (tmp_path / "x.yaml").write_text("kafka: {bootstrap_servers: 'localhost:9092'}")
    assert load_settings(EmitSettings, tmp_path / "x.yaml").kafka.bootstrap_servers == "localhost:9092"


@pytest.mark.parametrize(("given", "kept"), [("20.500.12345/", "20.500.12345"), (" a/b// ", "a/b")])
def test_a_prefix_is_kept_without_its_slash(tmp_path: Path, given: str, kept: str) -> None:
    """The pid has one."""
    got = load_settings(Settings, write(tmp_path, mapping=MAPPING | {"pid_prefix": given}))
    assert got.mapping.pid_prefix == kept


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for each in Group.__subclasses__():
        yield from models(each) if each is not model and model is Settings else ()


def test_settings_are_strict_and_do_not_change() -> None:
    """Every group refuses a misspelt name."""
    for model in models(Settings):
        assert model.model_config.get("extra") == "forbid"
        assert model.model_config.get("frozen")
    with pytest.raises(ValidationError):
        load_frozen().mapping = None  # type: ignore[misc,assignment]


def load_frozen() -> Settings:
    return Settings.model_validate({"mapping": MAPPING})
