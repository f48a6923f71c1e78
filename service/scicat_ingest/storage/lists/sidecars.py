"""Checksums that lie beside the files: `run.nxs.sha256`, `SHA256SUMS`, a bag's `manifest-sha256.txt`."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scicat_ingest.storage.lists.listed import Listing

_ENDINGS = {
    ".sha256": "sha256",
    ".sha256sum": "sha256",
    ".md5": "md5",
    ".md5sum": "md5",
    ".sha1": "sha1",
    ".sha512": "sha512",
    ".blake2b": "blake2b",
    ".b2sum": "blake2b",
}
_SUMS = re.compile(
    r"(?:(sha256|sha512|sha1|md5|b2)sums?(?:\.txt)?|checksums?\.(sha256|sha512|sha1|md5)"
    r"|manifest-(sha256|sha512|sha1|md5)\.txt)",
    re.IGNORECASE,
)
_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "blake2b": 128}
_LINE = re.compile(r"([0-9a-fA-F]{32,128})(?:\s+[ *]?(.+))?")
_BSD_LINE = re.compile(r"[A-Za-z0-9-]+ \((.+)\) = ([0-9a-fA-F]{32,128})")
_MOST_ONE = 4096
_MOST_SUMS = 32 * 1024 * 1024


class Sidecars:
    """The checksums that were found, all of one algorithm: that which was asked for, else that which comes first."""

    def __init__(self, listing: Listing, algorithm: str | None) -> None:
        self.algorithm = algorithm
        """None until one is found."""
        self._remarks = listing.remarks
        self._on = listing.settings.sidecars == "on"
        self._sums: dict[str, str] = {}

    def among(self, names: Sequence[str]) -> frozenset[str]:
        """Give those of a folder's names that are no data: sums, and sidecars of other names."""
        if not self._on:
            return frozenset()
        endings = [name for name in names if name[name.rfind(".") :].lower() in _ENDINGS]
        sums = [name for name in names if _SUMS.fullmatch(name)]
        if not endings:
            return frozenset(sums)
        known = set(names)
        return frozenset([*sums, *(name for name in endings if name[: name.rfind(".")] in known)])

    def read_sums(self, folder: int, prefix: str, sidecars: frozenset[str]) -> None:
        """Take the checksums of a folder's SHA256SUMS and the like."""
        for name in sorted(sidecars):
            match = _SUMS.fullmatch(name)
            if match is None:
                continue
            kind = next(group for group in match.groups() if group).lower()
            algorithm = "blake2b" if kind == "b2" else kind
            text = self._read(folder, name, _MOST_SUMS, f"{prefix}{name}")
            if text is None or not self._take(algorithm, f"{prefix}{name}"):
                continue
            for digest, path in _entries(text, algorithm):
                if path:
                    self._sums[prefix + path.removeprefix("./")] = digest

    def checksum(self, folder: int, name: str, path: str, sidecars: frozenset[str]) -> str | None:
        """Give a file's checksum, if one was found."""
        if sidecars:
            for ending, algorithm in _ENDINGS.items():
                beside = f"{name}{ending}"
                if beside not in sidecars:
                    continue
                text = self._read(folder, beside, _MOST_ONE, f"{path}{ending}")
                entries = _entries(text or "", algorithm)
                digest = next((digest for digest, of in entries if of.rpartition("/")[2] in ("", name)), None)
                if digest is None:
                    self._remarks.note("no checksum was found in", f"{path}{ending}")
                elif self._take(algorithm, f"{path}{ending}"):
                    return digest
        return self._sums.get(path)

    def _take(self, algorithm: str, where: str) -> bool:
        if self.algorithm is None:
            self.algorithm = algorithm
        if self.algorithm != algorithm:
            self._remarks.note(f"checksums other than {self.algorithm} were not taken", where)
            return False
        return True

    def _read(self, folder: int, name: str, most: int, path: str) -> str | None:
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                if stat.S_ISREG(found.st_mode) and found.st_size <= most:
                    return file.read(most).decode("utf-8", "replace")
        except OSError as error:
            self._remarks.note("checksums cannot be read", f"{path}: {error.strerror}")
            return None
        self._remarks.note("checksums cannot be read", f"{path}: no file of at most {most} bytes")
        return None


def _entries(text: str, algorithm: str) -> Iterator[tuple[str, str]]:
    """Give checksum and path of each line; the path is empty where a line has none."""
    for line in text.splitlines():
        match, bsd = _LINE.fullmatch(line.strip()), _BSD_LINE.fullmatch(line.strip())
        digest = match[1] if match else bsd[2] if bsd else ""
        if len(digest) == _DIGITS[algorithm]:
            yield digest.lower(), (match[2] or "" if match else bsd[1] if bsd else "")
