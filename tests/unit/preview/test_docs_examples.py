"""What docs/mapping-files.md shows is what happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from scicat_ingest.cli import main
from scicat_ingest.faults import InvalidMapping
from scicat_ingest.translate.mappings import SHIPPED, load_mapping_file
from scicat_ingest.translate.read_mapping import KEYS

PAGE = (Path(__file__).parents[3] / "docs" / "mapping-files.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with the files of the page, as the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCICAT_INGEST_CONFIG", raising=False)
    (event,) = blocks("json")
    (tmp_path / "run42.json").write_text(event)
    without = {name: value for name, value in json.loads(event).items() if name != "proposal"}
    (tmp_path / "without.json").write_text(json.dumps(without))
    (tmp_path / "mine.yaml").write_text(blocks("yaml")[0])
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("shown", blocks("console"), ids=["explain", "missing"])
def test_map_prints_what_the_page_shows(shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Line by line; the page leaves some out."""
    command, *lines = shown.splitlines()
    ending = main(command.removeprefix("$ scicat-ingest ").split())
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line not in printed] == []
    assert ending == (0 if "--explain" in command else 2)
    assert "--explain" in command or lines == printed


def test_the_default_of_the_page_mends_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a proposal the dataset goes to the restricted group."""
    (folder / "mine.yaml").write_text("".join(blocks("yaml")))
    assert main(["map", "without.json", "--mapping", "mine.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dataset"]["ownerGroup"] == "unassigned"


def test_the_golden_example_of_the_page_is_good(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands work one after another."""
    needed = {"pid_prefix": "20.500.12345", "namespace": "6ba7b812-9dad-11d1-80b4-00c04fd430c8"}
    needed |= {"fallback_owner_group": "x", "owner": "Facility", "contact_email": "data@facility.example"}
    (folder / "ingest.yaml").write_text(yaml.safe_dump({"mapping": needed}))
    (folder / "mine.example.json").write_text((folder / "run42.json").read_text())
    assert main(["map", "run42.json", "--mapping", "mine.yaml", "--config", "ingest.yaml", "--json"]) == 0
    (folder / "mine.expected.json").write_text(capsys.readouterr().out)
    assert main(["check", "--config", "ingest.yaml", "mine.yaml"]) == 0
    assert "mine.example.json: as expected" in capsys.readouterr().out
    (folder / "mine.yaml").write_text(blocks("yaml")[0].replace("Fe3O4", "x").replace(" K", " kelvin"))
    assert main(["check", "--config", "ingest.yaml", "mine.yaml"]) == 1
    assert "dataset.datasetName: expected" in capsys.readouterr().out


def test_the_page_names_every_key_and_every_shipped_file() -> None:
    """Nothing is left to be guessed."""
    assert all(f"| `{key}` |" in PAGE for key in KEYS)
    assert all(f"| `{name}` |" in PAGE for name in SHIPPED)


def test_the_page_says_what_is_refused(folder: Path) -> None:
    """Text that begins with braces stands in quotes."""
    (folder / "mine.yaml").write_text(blocks("yaml")[0].replace('"{{ event.job }}"', "{{ event.job }}"))
    with pytest.raises(InvalidMapping) as caught:
        load_mapping_file(folder / "mine.yaml")
    assert "must be in quotes" in caught.value.hint
