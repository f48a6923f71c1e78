"""Whether the folders that the sources name are on this machine."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from scicat_ingest.doctor.step import ok, skipped, warning
from scicat_ingest.storage.roots import Roots

if TYPE_CHECKING:
    from scicat_ingest.doctor.step import Examination, Finding
    from scicat_ingest.settings import Settings

FOLDERS = "folders"
FOLDER_SECONDS = 20.0
"""A network folder whose server is gone hangs for ever."""


async def ask_folders(settings: Settings, examination: Examination) -> None:
    """Do a step for each folder that the sources' roots begin with."""
    roots = sorted({folder for source in settings.sources for root in source.roots if (folder := literal_part(root))})
    if not roots:
        await examination.step(FOLDERS, _nothing_to_look_at)
    mounted = Roots((), settings.files.mounts)
    for root in roots:
        here = mounted.here(root)
        name = f"folder {root}" if here == root else f"folder {root}, here {here}"
        await examination.step(name, partial(look_at_folder, here))


def literal_part(root: str) -> str | None:
    """Give the folder that a root's template begins with: /data of /data/{instrument.id}/x (pure).

    None if there is no local one: `s3://bucket`, `/{site}`.
    """
    literal, place, _ = root.partition("{")
    folder = literal.rpartition("/")[0] if place else literal.rstrip("/")
    return folder if folder.startswith("/") else None


async def look_at_folder(folder: str) -> Finding:
    """Look whether we can read it; a warning if not, as events are accepted by the folder's name alone."""
    with anyio.move_on_after(FOLDER_SECONDS):
        return await anyio.to_thread.run_sync(_look, folder, abandon_on_cancel=True)
    return warning(
        f"does not answer within {FOLDER_SECONDS:.0f} s", "ask the storage administrator: does the mount hang?"
    )


async def _nothing_to_look_at() -> Finding:
    return skipped("no source has roots with a folder of this machine")


def _look(folder: str) -> Finding:
    mended = "mount it here, if files are to be read; ingesting what events list works without"
    if not Path(folder).is_dir():
        return warning("is not there", mended)
    if not os.access(folder, os.R_OK | os.X_OK):
        return warning("may not be read by this user", f"let user {os.getuid()} read it: {mended}")
    return ok(f"can be read, on {'a mount of its own' if os.path.ismount(folder) else _mount(folder)}")


def _mount(folder: str) -> str:
    above = next(str(parent) for parent in Path(folder).resolve().parents if os.path.ismount(parent))
    return f"the mount {above}"
