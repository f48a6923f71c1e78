"""Folders to be listed."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.unit.acquisition_events import event as example

from scicat_ingest.decode.event import AcquisitionCompleted
from scicat_ingest.settings import FilesSettings
from scicat_ingest.storage.lists.checksums import Pace
from scicat_ingest.storage.lists.listed import Listing
from scicat_ingest.storage.lists.listing import list_files
from scicat_ingest.storage.roots import Roots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scicat_ingest.catalogue.file_list import FileList

NOW = 1_800_000_000.0
OLD = NOW - 3600
DEFAULT_TIME = datetime(2026, 4, 22, tzinfo=UTC)


class Clock:
    """Goes on only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def never() -> None:
    """Nothing is given up."""


def listing(folder: Path, *, roots: tuple[Path, ...] | None = None, **given: Any) -> Listing:
    """Give what is needed to list `folder`, which is a root of its own."""
    pace, fetch = given.pop("pace", Pace(None, Clock(), never_sleep)), given.pop("fetch", no_fetch)
    check: Callable[[], None] = given.pop("check_cancelled", never)
    allowed = (folder,) if roots is None else roots
    return Listing(
        folder=str(folder),
        roots=Roots(tuple(map(str, allowed))),
        settings=FilesSettings(**given),
        zone=None,
        fetch=fetch,
        pace=pace,
        now=lambda: NOW,
        check_cancelled=check,
    )


def never_sleep(seconds: float) -> None:
    raise AssertionError(f"nothing is to sleep here, not even {seconds} s")


@contextmanager
def no_fetch(uri: str) -> Iterator[Iterator[bytes]]:
    raise AssertionError(f"nothing is to be fetched here: {uri}")
    yield


def event(**fields: Any) -> AcquisitionCompleted:
    """Give an event with these fields instead of `files`."""
    return AcquisitionCompleted.model_validate(example(**{"files": None, **fields}))


def listed(folder: Path, given: AcquisitionCompleted, **settings: Any) -> FileList:
    """List the files of an event."""
    return list_files(given, listing(folder, **settings), DEFAULT_TIME)


def scanned(folder: Path, scan: dict[str, Any] | None = None, **settings: Any) -> FileList:
    """Scan a folder."""
    return listed(folder, event(scan=scan or {}), **settings)


def paths(files: FileList) -> list[str]:
    """Give the paths, in order."""
    return [file.path for file in files]


def put(folder: Path, *names: str, content: bytes = b"data", at: float = OLD) -> Path:
    """Write files of these names, last changed `at`; the folders too."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    age(folder, at)
    return folder


def age(folder: Path, at: float = OLD) -> None:
    """Let everything have been changed `at`."""
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (at, at), follow_symlinks=False)
