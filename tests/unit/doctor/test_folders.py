"""What the doctor says of the folders that sources name."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from scicat_ingest.doctor import folders
from scicat_ingest.doctor.folders import ask_folders, literal_part
from scicat_ingest.doctor.step import Examination
from scicat_ingest.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def settings(*roots: str, mounts: dict[str, str] | None = None) -> Settings:
    mapping = {
        "pid_prefix": "20.500.12345",
        "namespace": "6f1c9a6e-9d5f-4b0e-8a44-2f6d7f5f3c10",
        "fallback_owner_group": "unassigned",
    }
    source = {"topic": "t", "roots": roots}
    return Settings.model_validate({"mapping": mapping, "sources": [source], "files": {"mounts": mounts or {}}})


@pytest.mark.parametrize(
    ("root", "folder"),
    [
        ("/data/{instrument.id}/{proposal.id}", "/data"),
        ("/data/x{instrument.id}/raw", "/data"),
        ("/data/raw/", "/data/raw"),
        ("/{instrument.id}", None),
        ("/", None),
        ("s3://bucket/{proposal.id}", None),
        ("{instrument.id}", None),
    ],
)
def test_the_folder_to_look_at_is_what_stands_before_the_first_field(root: str, folder: str | None) -> None:
    """Whole names only; nothing is known of other machines' addresses."""
    assert literal_part(root) == folder


async def test_a_folder_is_read_or_told_with_what_to_do(tmp_path: Path) -> None:
    """A missing one is a warning: events that list their files are ingested without it."""
    examination = Examination(lambda _: None)
    await ask_folders(settings(f"{tmp_path}/{{proposal.id}}", f"{tmp_path}/none/{{proposal.id}}"), examination)
    good, missing = examination.steps
    assert (good.name, good.status) == (f"folder {tmp_path}", "ok")
    assert (missing.status, missing.seen) == ("warning", "is not there")
    assert "mount" in missing.ask
    assert examination.ok


async def test_without_roots_there_is_nothing_to_look_at() -> None:
    """One line says so."""
    examination = Examination(lambda _: None)
    await ask_folders(settings(), examination)
    assert [(step.name, step.status.value) for step in examination.steps] == [("folders", "skipped")]


async def test_a_mount_that_hangs_does_not_hang_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that waits for it is left alone."""
    answered = threading.Event()

    def hang(_: str) -> None:
        answered.wait()

    monkeypatch.setattr(folders, "FOLDER_SECONDS", 0.01)
    monkeypatch.setattr(folders, "_look", hang)
    examination = Examination(lambda _: None)
    await ask_folders(settings("/data"), examination)
    answered.set()
    assert examination.steps[0].status == "warning"
    assert "does not answer" in examination.steps[0].seen


async def test_a_folder_is_looked_for_where_it_is_mounted(tmp_path: Path) -> None:
    """Events name it otherwise."""
    examination = Examination(lambda _: None)
    await ask_folders(settings("/ess/data/{proposal.id}", mounts={"/ess/data": str(tmp_path)}), examination)
    (step,) = examination.steps
    assert (step.name, step.status) == (f"folder /ess/data, here {tmp_path}", "ok")
