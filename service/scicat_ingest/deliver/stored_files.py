"""The files of a dataset's blocks as the catalogue has them, taken in block by block (pure).

A dataset can have a million files. Of a block that is just as the plan has it, only its digest is kept; the files of
all others are kept one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scicat_ingest.catalogue.times import parse_time
from scicat_ingest.plan.steps import digest_of, file_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping
    from datetime import datetime

    from scicat_ingest.plan.steps import FileKey, PostOrigDatablock


class StoredFiles:
    """What was read of a dataset's blocks."""

    def __init__(self, expected: Container[bytes] = ()) -> None:
        self._expected = expected
        self.number = 0
        """Files, each copy counted."""
        self.size = 0
        """Their bytes, each copy counted."""
        self.touched_at: datetime | None = None
        """When the newest block was written, by the server's clock."""
        self.block_ids: list[str] = []
        self.as_planned: dict[bytes, list[str]] = {}
        """By digest: the blocks that are just as in the plan; more than one are copies."""
        self.others: dict[str, FileKey] = {}
        """By path: the files of all other blocks."""
        self._distinct = 0
        """Files in blocks as planned, each counted once."""
        self._others_of: dict[str, tuple[str, ...]] = {}
        """By block: the paths of the others."""
        self._times_listed: dict[str, int] = {}

    def add(self, block: Mapping[str, Any]) -> None:
        """Take in one block of SciCat's answer."""
        files = [file for file in block.get("dataFileList") or () if isinstance(file, dict)]
        block_id = str(block.get("_id") or block.get("id"))
        self.block_ids.append(block_id)
        self.number += len(files)
        self.size += sum(int(file.get("size") or 0) for file in files)
        self.touched_at = latest((self.touched_at, touched_at(block)))
        keys = file_keys(block)
        digest = digest_of(keys)
        if len(keys) == len(files) and digest in self._expected:
            if digest not in self.as_planned:
                self._distinct += len(files)
            self.as_planned.setdefault(digest, []).append(block_id)
            return
        self._others_of[block_id] = tuple(str(file.get("path")) for file in files)
        for path in self._others_of[block_id]:
            self._times_listed[path] = self._times_listed.get(path, 0) + 1
        self.others |= {key[0]: key for key in keys}

    def has(self, block: PostOrigDatablock) -> bool:
        """Tell whether all paths of a block are there."""
        return block.digest in self.as_planned or block.paths <= self.others.keys()

    def copies(self, elsewhere: Collection[str] = ()) -> int:
        """Count what is listed once too often; `elsewhere` are paths of others that blocks as planned have as well."""
        return self.number - self._distinct - len(self.others) + len(elsewhere)

    def copied_block_ids(self, elsewhere: Iterable[str] = ()) -> tuple[str, ...]:
        """Give the blocks with a file that is listed more than once; `elsewhere` are paths in blocks as planned."""
        known = set(elsewhere)
        twice = {block_id for ids in self.as_planned.values() if len(ids) > 1 for block_id in ids}
        for block_id, paths in self._others_of.items():
            if any(self._times_listed[path] > 1 or path in known for path in paths):
                twice.add(block_id)
        return tuple(block_id for block_id in self.block_ids if block_id in twice)


def touched_at(document: Mapping[str, Any]) -> datetime | None:
    """Give the time of the last write; None for one that says none."""
    moments = []
    for name in ("createdAt", "updatedAt"):
        text = document.get(name)
        if isinstance(text, str):
            try:
                moments.append(parse_time(text))
            except ValueError:
                continue
    return max(moments, default=None)


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    """Give the latest of those that are known."""
    return max((moment for moment in moments if moment is not None), default=None)
