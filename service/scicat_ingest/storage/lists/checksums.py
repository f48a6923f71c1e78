"""Checksums of files: in pieces, not faster than allowed, and with a word in the log from time to time."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from typing import TYPE_CHECKING, Protocol

import xxhash

from scicat_ingest.faults import InvalidField, NotThereYet

if TYPE_CHECKING:
    from collections.abc import Callable

    from scicat_ingest.storage.roots import Roots

_LOG = logging.getLogger(__name__)
_PIECE = 1 << 20
_LONGEST_PAUSE = 0.5
"""Seconds, so that work that is given up ends soon."""
_SAY_EVERY = 30.0
"""Seconds between two lines in the log."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> object: ...

    def hexdigest(self) -> str: ...


MADE: dict[str, Callable[[], _Hash]] = {
    "sha256": hashlib.sha256,
    "blake2b": hashlib.blake2b,
    "xxh3_64": xxhash.xxh3_64,
    "xxh3_128": xxhash.xxh3_128,
}
"""Those that are made here where a file has none."""
_ALIASES = {"xxh3": "xxh3_128", "sha-256": "sha256"}
_COMPARED: dict[str, Callable[[], _Hash]] = {
    **MADE,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha512": hashlib.sha512,
    "blake2s": hashlib.blake2s,
}
"""Those that others may have made."""


def choose_algorithm(name: str, field: str) -> str:
    """Give the name of an algorithm that is made here. Raises InvalidField with those that are."""
    known = canonical(name)
    if known not in MADE:
        raise InvalidField(f"expected one of {', '.join(MADE)}, got {name[:80]!r}", field=field)
    return known


def canonical(name: str) -> str:
    """Give the name that we use: `xxh3` is xxh3_128."""
    lower = name.strip().lower()
    return _ALIASES.get(lower, lower)


def can_compare(name: str) -> bool:
    """Tell whether a checksum of this name can be made for comparison."""
    return canonical(name) in _COMPARED


class Pace:
    """Lets all threads together read so many bytes a second, and says how far they are."""

    def __init__(
        self,
        bytes_per_second: float | None,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        say: Callable[[str], None] = _LOG.info,
    ) -> None:
        """Take a monotonic clock in seconds, and what waits."""
        self._rate = bytes_per_second
        self._clock = clock
        self._sleep = sleep
        self._say = say
        self._lock = threading.Lock()
        self._free_at = self._said_at = clock()
        self._bytes = 0

    def take(self, count: int, path: str, check_cancelled: Callable[[], None]) -> None:
        """Wait until `count` more bytes may be read."""
        with self._lock:
            now = self._clock()
            self._bytes += count
            start = max(now, self._free_at)
            if self._rate is not None:
                self._free_at = start + count / self._rate
            if now - self._said_at >= _SAY_EVERY:
                self._say(f"{self._bytes / 1e9:.1f} GB read for checksums, now at {path}")
                self._said_at = now
        while (pause := start - self._clock()) > 0:
            check_cancelled()
            self._sleep(min(pause, _LONGEST_PAUSE))
        check_cancelled()


def checksum(path: str, algorithm: str, roots: Roots, pace: Pace, check_cancelled: Callable[[], None]) -> str:
    """Give a file's checksum, hexadecimal.

    Raises as `Roots.open_file`, and NotThereYet if the file changes while it is read.
    """
    descriptor = roots.open_file(path)
    try:
        before = os.fstat(descriptor)
        made = _COMPARED[canonical(algorithm)]()
        count = 0
        while piece := os.read(descriptor, _PIECE):
            pace.take(len(piece), path, check_cancelled)
            count += len(piece)
            made.update(piece)
            if count > before.st_size:  # one that grows as fast as it is read would never end
                break
        after = os.fstat(descriptor)
    except OSError as error:
        raise NotThereYet(f"{path!r} cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or count != after.st_size:
        raise NotThereYet(f"{path!r} changed while it was read")
    return made.hexdigest()
