"""Changed mapping files are taken while the service runs, if they are good."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.unit.preview.previewed import EVENT, MAPPING, with_mapping

from scicat_ingest.bootstrap import open_facility
from scicat_ingest.preview.reload import Reload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scicat_ingest.translate.mappings import Mappings


def taken(folder: Path, change: Callable[[], object]) -> list[Mappings]:
    """Give what is taken after a change, looked for twice."""
    settings = with_mapping(folder=folder)
    used: list[Mappings] = []

    async def go() -> None:
        async with open_facility(settings) as facility:
            reload = Reload(settings, facility, used.append)
            await reload.look()
            assert not used
            change()
            await reload.look()
            await reload.look()

    anyio.run(go)
    return used


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ours.yaml").write_text(MAPPING)
    (tmp_path / "ours.example.json").write_text(json.dumps(EVENT | {"files": None}))
    (tmp_path / "ours.expected.json").write_text('{"fault": {"code": "missing_field"}}')
    return tmp_path


def test_a_changed_file_is_taken_once(folder: Path) -> None:
    """If its examples give what they should."""
    (folder / "ours.example.json").unlink()
    (used,) = taken(folder, lambda: (folder / "ours.yaml").write_text(MAPPING.replace("Run", "Lauf")))
    assert [file.name for file in used] == ["ours"]


def test_a_new_file_is_taken(folder: Path) -> None:
    """And one that is gone is not used any more."""
    (folder / "ours.example.json").unlink()
    (used,) = taken(folder, lambda: (folder / "new.yaml").write_text(MAPPING.replace("name: ours", "name: new")))
    assert [file.name for file in used] == ["new", "ours"]
    (used,) = taken(folder, (folder / "new.yaml").unlink)
    assert [file.name for file in used] == ["ours"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "this is no YAML"),
        (MAPPING.replace("acquisitionId", "acquisitonId"), "is missing"),
        ("", "the file is empty"),
        (MAPPING + "# changed", "ours.example.json differs: fault.message: expected nothing"),
    ],
)
def test_a_change_that_is_not_good_is_refused(
    folder: Path, caplog: pytest.LogCaptureFixture, text: str, message: str
) -> None:
    """The log says why, and the files before stay."""
    assert taken(folder, lambda: (folder / "ours.yaml").write_text(text)) == []
    (said,) = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert said.startswith("the changed mapping files are refused, those before stay in use: ")
    assert message in said


def test_a_folder_that_is_gone_stops_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A volume may be away for a moment."""

    def remove() -> None:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()

    assert taken(folder, remove) == []
    assert "cannot be read" in caplog.text
