"""One file on its way into the list, and what listing needs of its surroundings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime, tzinfo

    from scicat_ingest.settings import FilesSettings
    from scicat_ingest.storage.lists.checksums import Pace
    from scicat_ingest.storage.roots import Roots

_MOST_SHOWN = 5
FUTURE_SECONDS = 60
"""What says that it was changed later than this is not waited for: a clock is wrong."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as far as it is known; paths are relative to the source folder and do not leave it."""

    path: str
    size: int | None
    """Bytes."""
    time: datetime | None = None
    chk: str | None = None
    uid: str | None = None
    gid: str | None = None
    perm: str | None = None
    type: str | None = None


@dataclass(slots=True)
class Remarks:
    """What the outcome is to tell, by kind; bounded, because it can be true of every file."""

    _shown: dict[str, list[str]] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, what: str) -> None:
        """Remember one case."""
        self._counts[kind] += 1
        if self._counts[kind] <= _MOST_SHOWN:
            shown = what.encode("utf-8", "replace").decode()
            self._shown.setdefault(kind, []).append(shown if len(shown) <= 200 else f"{shown[:200]}…")

    def warnings(self) -> tuple[str, ...]:
        """Give one warning a kind."""
        return tuple(
            f"files: {kind}: {', '.join(shown)}{_more(self._counts[kind] - len(shown))}"
            for kind, shown in self._shown.items()
        )


def _more(count: int) -> str:
    return f" and {count} more" if count else ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What is needed to list the files of one event."""

    folder: str
    """The source folder, absolute."""
    roots: Roots
    settings: FilesSettings
    zone: tzinfo | None
    """Of times without offset."""
    fetch: Callable[[str], AbstractContextManager[Iterator[bytes]]]
    """Opens an https address and gives its bytes."""
    pace: Pace
    now: Callable[[], float]
    """Seconds since 1970."""
    check_cancelled: Callable[[], None]
    """Called often in long loops; raises when the work is given up."""
    remarks: Remarks = field(default_factory=Remarks)

    def absolute(self, path: str) -> str:
        """Give the whole path of a file of the list."""
        return f"{self.folder}/{path}"
