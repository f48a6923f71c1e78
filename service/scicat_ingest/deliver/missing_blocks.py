"""Which files of a plan the catalogue lacks, and which it has too often (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scicat_ingest.plan.steps import Streamed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from scicat_ingest.deliver.stored_files import StoredFiles
    from scicat_ingest.plan.steps import FileKey, Plan, PostOrigDatablock

_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class MissingBlocks:
    """How a plan's blocks and the catalogue's differ."""

    missing: Collection[PostOrigDatablock]
    """To be posted, in order. One that was split otherwise has only the files that are not there."""
    unknown_paths: Collection[str]
    """In the catalogue, and not in the plan."""
    doubts: tuple[str, ...]
    """What only a curator can put right."""
    copies: bool
    """Whether files are listed more than once."""


def find_missing_blocks(plan: Plan, stored: StoredFiles) -> MissingBlocks:
    """Compare block by block, and file by file where a block is not just as planned.

    A path is never to be listed twice: what is there under the same path is not posted, whatever its size.
    """
    if not stored.others:
        copies = _copies(stored, [])
        return MissingBlocks(_those_of(plan, plan.digests - stored.as_planned.keys()), (), tuple(copies), bool(copies))
    missing: dict[bytes, frozenset[FileKey]] = {}
    differing: list[str] = []
    twice: list[str] = []
    unknown = dict.fromkeys(stored.others)
    for block in plan.blocks:
        keys, digest = block.files, block.digest
        there = [key for key in keys if key[0] in stored.others]
        for key in there:
            unknown.pop(key[0], None)
        if digest in stored.as_planned:
            twice += [key[0] for key in there]
            continue
        differing += [key[0] for key in there if _is_another(key, stored.others[key[0]])]
        if len(there) < len(keys):
            missing[digest] = keys.difference(there)
    copies = _copies(stored, twice)
    return MissingBlocks(
        missing=_parts_of(plan, missing),
        unknown_paths=unknown.keys(),
        doubts=(*copies, *_another(differing)),
        copies=bool(copies),
    )


def _those_of(plan: Plan, digests: frozenset[bytes]) -> Collection[PostOrigDatablock]:
    if isinstance(plan.blocks, tuple):
        return tuple(block for block in plan.blocks if block.digest in digests)
    return Streamed(lambda: (block for block in plan.blocks if block.digest in digests), digests)


def _parts_of(plan: Plan, missing: Mapping[bytes, frozenset[FileKey]]) -> Collection[PostOrigDatablock]:
    def parts() -> Iterator[PostOrigDatablock]:
        for block in plan.blocks:
            keys = missing.get(block.digest)
            if keys:
                yield block if len(keys) == len(block.files) else block.only(keys)

    return tuple(parts()) if isinstance(plan.blocks, tuple) else Streamed(parts, missing.keys())


def _is_another(ours: FileKey, theirs: FileKey) -> bool:
    """Tell whether a path stands for another file; one without a checksum may be the same."""
    return ours[1] != theirs[1] or (ours[2] != theirs[2] and None not in (ours[2], theirs[2]))


def _another(paths: list[str]) -> list[str]:
    why = "another size or checksum is there; a path cannot be there twice"
    return [f"files: {some(sorted(paths))}: {why}"] if paths else []


def _copies(stored: StoredFiles, also_as_planned: list[str]) -> list[str]:
    count = stored.copies(also_as_planned)
    ids = stored.copied_block_ids(also_as_planned) if count else ()
    return [f"files: {count} are listed more than once, in the blocks {some(ids)}"] if count else []


def some(items: Sequence[str]) -> str:
    """Name the first ones, and how many more there are."""
    more = len(items) - _MOST_SHOWN
    return ", ".join(items[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
