"""The only way to open a file that an event names (P11): below the source's roots, whatever links say."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scicat_ingest.faults import FileUnreadable, ForbiddenBySource, NotThereYet

if TYPE_CHECKING:
    from collections.abc import Mapping

_STEP = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Roots:
    """Absolute folders below which the files of one event may be opened, its instrument and proposal filled in.

    A link may lead from one place below the roots to another one; one that leaves them is refused, also when it is put
    there between the check and the opening. Paths outside the roots are refused without a look at the file system.
    """

    folders: tuple[str, ...]
    """As events name them."""
    mounts: Mapping[str, str] = field(default_factory=dict)
    """Where folders are on this machine that events name otherwise; the longest name that fits counts."""

    def here(self, path: str) -> str:
        """Give the path by which a file that events name is found on this machine."""
        for named in sorted(self.mounts, key=len, reverse=True):
            prefix = named.rstrip("/")
            if path == prefix or path.startswith(f"{prefix}/"):
                return self.mounts[named].rstrip("/") + path[len(prefix) :]
        return path

    def open_file(self, path: str, field: str | None = None) -> int:
        """Give a descriptor of a regular file, to be closed by the caller.

        Raises ForbiddenBySource, NotThereYet, FileUnreadable (no regular file).
        """
        descriptor = self._open(path, field, _FILE)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileUnreadable(f"{path!r} is no regular file", field=field)
        return descriptor

    def open_folder(self, path: str, field: str | None = None) -> int:
        """Give a descriptor of a folder, to be closed by the caller. Raises as `open_file`."""
        return self._open(path, field, _FOLDER)

    def _open(self, path: str, field: str | None, flags: int) -> int:
        self._refuse_outside(path, self.folders, field)
        try:
            real = os.path.realpath(self.here(path), strict=True)
            real_folders = [os.path.realpath(self.here(folder)) for folder in self.folders]
            root = self._refuse_outside(real, real_folders, field, shown=path)
            return _walk(root, real, flags)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotThereYet(f"{path!r} is not there: {error.strerror}", field=field) from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise ForbiddenBySource(f"{path!r} leads through a link that changes", field=field) from None
            raise NotThereYet(f"{path!r} cannot be opened: {error.strerror}", field=field) from None
        except ValueError:  # a null byte
            raise FileUnreadable(f"{path!r} cannot be a path", field=field) from None

    def _refuse_outside(
        self, path: str, folders: tuple[str, ...] | list[str], field: str | None, shown: str | None = None
    ) -> str:
        if not self.folders:
            hint = "give `sources[].roots` the folders that may be read for this topic"
            raise ForbiddenBySource(f"{path!r} may not be opened: the source has no roots", field=field, hint=hint)
        normal = posixpath.normpath(path)
        for folder in folders:
            if path.startswith("/") and (normal == folder or normal.startswith(f"{folder.rstrip('/')}/")):
                return folder
        allowed = ", ".join(self.folders)
        raise ForbiddenBySource(f"{shown or path!r} is in none of the folders of this source ({allowed})", field=field)


def _walk(root: str, real: str, flags: int) -> int:
    """Open step by step from the root, following no link: `real` had none when it was looked at."""
    steps = [step for step in real[len(root) :].split("/") if step]
    if not steps:
        return os.open(root, flags)
    here = os.open(root, _STEP)
    try:
        for step in steps[:-1]:
            there = os.open(step, _STEP, dir_fd=here)
            os.close(here)
            here = there
        return os.open(steps[-1], flags, dir_fd=here)
    finally:
        os.close(here)
