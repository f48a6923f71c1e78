"""What is found in the source folder: in the order of names, never behind a link that leaves the roots.

Every folder is opened by its name in the one before, without following links: what is listed is what lies there, also
when somebody changes names meanwhile.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from scicat_ingest.faults import FileUnreadable, ForbiddenBySource, InvalidField, NotThereYet, PathOutsideSource
from scicat_ingest.mapping.source_folder import relative_path
from scicat_ingest.storage.lists.globs import Globs
from scicat_ingest.storage.lists.listed import FUTURE_SECONDS, Listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scicat_ingest.decode.event import Scan
    from scicat_ingest.storage.lists.listed import Listing
    from scicat_ingest.storage.lists.sidecars import Sidecars

_DEEPEST = 100
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\\\ud800-\udfff]+")
"""A name that needs no closer look."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A folder that is being listed."""

    descriptor: int
    prefix: str
    names: Iterator[str]
    sidecars: frozenset[str]


class FolderScan:
    """The files of one folder and of those below it."""

    def __init__(self, scan: Scan, listing: Listing, sidecars: Sidecars) -> None:
        """Compile its patterns. Raises InvalidField."""
        self._listing = listing
        self._settings = listing.settings
        self._sidecars = sidecars
        self._include = Globs.compile(scan.include or (), "scan.include")
        self._exclude = Globs.compile(scan.exclude or (), "scan.exclude")
        self._newest = float("-inf")
        self._where = ""
        """What was looked at last, for messages."""

    def __iter__(self) -> Iterator[Listed]:
        """Give the files.

        Raises NotThereYet for a folder that is missing, changes, or has changed a moment ago, or has nothing to list;
        ForbiddenBySource, InvalidField.
        """
        folder = self._listing.folder
        count = 0
        try:
            for file in self._walk(self._listing.roots.open_folder(folder, "source.folder")):
                count += 1
                yield file
        except OSError as error:
            where = self._listing.absolute(self._where)
            raise NotThereYet(f"{where!r} cannot be looked at: {error.strerror}", field="scan") from None
        self._require_stable()
        if not count:
            raise NotThereYet(f"nothing to list was found in {folder!r}", field="scan")

    def _walk(self, top: int) -> Iterator[Listed]:
        """Go through the folders, with no more of them open than it is deep."""
        ways = [self._open(top, "")]
        try:
            while ways:
                here = ways[-1]
                name = next(here.names, None)
                if name is None:
                    os.close(ways.pop().descriptor)
                    continue
                self._listing.check_cancelled()
                self._where = path = f"{here.prefix}{name}"
                if not self._is_wanted(path) or not self._can_be_named(name, path):
                    continue
                found = self._look(here.descriptor, name, path)
                if found is None:
                    continue
                if stat.S_ISDIR(found.st_mode):
                    if len(ways) >= _DEEPEST:
                        raise InvalidField(f"{path[:200]!r} is deeper than {_DEEPEST} folders", field="scan")
                    ways.append(self._open(os.open(name, _FOLDER, dir_fd=here.descriptor), f"{path}/"))
                elif not self._include or self._include.fit(path):
                    self._newest = max(self._newest, found.st_mtime)
                    yield self._listed(here, name, found)
        finally:
            for way in ways:
                os.close(way.descriptor)

    def _is_wanted(self, path: str) -> bool:
        """Tell whether a file or folder need be looked at at all."""
        return not (self._exclude and self._exclude.fit(path)) and (not self._include or self._include.lead_to(path))

    def _open(self, descriptor: int, prefix: str) -> _Open:
        try:
            if not self._include or not self._include.only_name(prefix.rstrip("/")):  # else a neighbour came or went
                self._newest = max(self._newest, os.fstat(descriptor).st_mtime)
            names = sorted(os.listdir(descriptor))
        except OSError:
            os.close(descriptor)
            raise
        if self._settings.hidden == "off":
            names = [name for name in names if not name.startswith(".")]
        sidecars = self._sidecars.among(names)
        self._sidecars.read_sums(descriptor, prefix, sidecars)
        return _Open(descriptor, prefix, (name for name in names if name not in sidecars), sidecars)

    def _can_be_named(self, name: str, path: str) -> bool:
        if _PLAIN.fullmatch(name):
            return True
        try:
            name.encode()
            relative_path(path, self._listing.folder, "scan")
        except (UnicodeEncodeError, InvalidField, PathOutsideSource):
            self._listing.remarks.note("names that SciCat cannot take were left out", ascii(path))
            return False
        return True

    def _look(self, folder: int, name: str, path: str) -> os.stat_result | None:
        """Give what is known of a file or folder; None for what is left out."""
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            return self._look_behind(path)
        if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
            return found
        self._listing.remarks.note("neither files nor folders, left out", path)
        return None

    def _look_behind(self, path: str) -> os.stat_result | None:
        """Give what is known of the file that a link leads to."""
        whole = self._listing.absolute(path)
        if self._settings.links == "refuse":
            raise ForbiddenBySource(f"{whole!r} is a link", field="scan", hint="files.links says what becomes of links")
        if self._settings.links == "skip":
            self._listing.remarks.note("links were left out", path)
            return None
        try:
            descriptor = self._listing.roots.open_file(whole, "scan")
        except FileUnreadable:
            self._listing.remarks.note("links to folders are not followed", path)
            return None
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def _listed(self, here: _Open, name: str, found: os.stat_result) -> Listed:
        path = f"{here.prefix}{name}"
        chk = self._sidecars.checksum(here.descriptor, name, path, here.sidecars)
        return from_stat(path, found, self._settings.owners, chk)

    def _require_stable(self) -> None:
        age = self._listing.now() - self._newest
        if -FUTURE_SECONDS < age < self._settings.stable_seconds:
            message = f"{self._listing.folder!r} changed {max(age, 0):.0f} s ago and may still be being written"
            raise NotThereYet(message, field="scan")


def from_stat(path: str, found: os.stat_result, owners: str, chk: str | None = None) -> Listed:
    """Give a file as the file system knows it; `owners` says whether by `id` or `name`."""
    try:
        time = _EPOCH + timedelta(microseconds=found.st_mtime_ns // 1000)
    except OverflowError:  # a broken clock
        time = None
    by_name = owners == "name"
    return Listed(
        path=path,
        size=found.st_size,
        time=time,
        chk=chk,
        uid=_user(found.st_uid) if by_name else str(found.st_uid),
        gid=_group(found.st_gid) if by_name else str(found.st_gid),
        perm=f"{stat.S_IMODE(found.st_mode):o}",
    )


@lru_cache(maxsize=4096)
def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@lru_cache(maxsize=4096)
def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
